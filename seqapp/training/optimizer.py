"""How training updates the weights: Adam, its learning rate over the steps, weight decay, averaging."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from seqapp.runs.options import TrainingOptions
from seqapp.system.tensorflow import keras, tf

if TYPE_CHECKING:
    from collections.abc import Iterator

FLOOR = 0.02  # of the learning rate, where a cosine ends
DROP = 0.5  # of the learning rate on a plateau


class Optimizer:
    """Adam by the options, for `variables`, in a training run of `steps` steps; warm-up is a tenth of them at most."""

    def __init__(self, options: TrainingOptions, variables: list[Any], steps: int) -> None:
        self.options, self.steps = options, steps
        self.warmup = min(options.warmup, steps // 10)
        momentum = min(options.ema_momentum, max(0.0, 1 - 10 / steps))  # a tenth of a short training is averaged over
        self.scale = tf.Variable(1.0, trainable=False, name="plateau")

        class Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras has no types
            def __call__(_self, step: Any) -> Any:
                return self.rate(step)

        self.adam = keras.optimizers.Adam(
            Schedule(),
            weight_decay=options.weight_decay or None,
            use_ema=momentum > 0,
            ema_momentum=momentum or 0.99,
        )
        if options.weight_decay:
            self.adam.exclude_from_weight_decay(var_names=["bias"])
        self.adam.build(variables)
        self.trained = variables

    @property
    def variables(self) -> list[Any]:
        """All that a checkpoint must keep."""
        return [*self.adam.variables, self.scale]

    def rate(self, step: Any) -> Any:
        """The learning rate at a step: up to its value in a straight line, then along its schedule."""
        step, warmup = tf.cast(step, tf.float32), float(self.warmup)
        rate = self.options.learning_rate * self.scale * tf.minimum(1.0, (step + 1) / (warmup + 1))
        if self.options.schedule == "cosine":
            done = tf.clip_by_value((step - warmup) / max(self.steps - warmup, 1.0), 0.0, 1.0)
            rate *= FLOOR + (1 - FLOOR) * 0.5 * (1 + tf.cos(math.pi * done))
        return rate

    def apply(self, gradients: list[Any]) -> Any:
        """Clip by global norm and take a step; the norm before."""
        clipped, norm = tf.clip_by_global_norm(gradients, self.options.clip_norm)
        self.adam.apply_gradients(zip(clipped, self.trained, strict=True))
        return norm

    def stalled(self) -> None:
        """Told of an epoch without a better validation loss."""
        if self.options.schedule == "plateau":
            self.scale.assign(self.scale * DROP)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the weights are their moving averages, if the options ask for them."""
        if not self.adam.use_ema or not int(self.adam.iterations):
            yield
            return
        raw = [variable.numpy() for variable in self.trained]
        self.adam.finalize_variable_values(self.trained)
        try:
            yield
        finally:
            for variable, value in zip(self.trained, raw, strict=True):
                variable.assign(value)

"""Waves: a noisy sine that now and then jumps to its mirror image, so that the next value has two likely places.

Brings a head of its own: a mixture of two normal distributions (Bishop 1994).
"""

from dataclasses import dataclass

import numpy as np

from seqapp.contract import BITS, Baseline, Dataset, Encoded, Metric, Piece, Surprise
from seqapp.contract import Task as BaseTask
from seqapp.contract.options import option
from seqapp.data import splits
from seqapp.data.windows import Windows
from seqapp.errors import BadInput
from seqapp.features import Vectors
from seqapp.generation.decoding import sample_steps
from seqapp.system.files import sha256

DEFAULTS = {"units": 24, "epochs": 8, "batch_size": 32, "learning_rate": 0.01}
PERIOD, STEPS = 12, 24


@dataclass(frozen=True)
class Options:
    waves: int = option(300, "Waves to draw.", minimum=30)


def load(options, seed):
    random = np.random.default_rng(seed)
    phase = random.uniform(0, 2 * np.pi, (options.waves, 1))
    sine = np.sin(phase + 2 * np.pi / PERIOD * np.arange(STEPS + 1))
    mirrored = np.where(random.random(sine.shape) < 0.3, -1, 1)
    return Waves((sine * mirrored + random.normal(0, 0.05, sine.shape)).astype(np.float32))


@dataclass(frozen=True)
class Mixture:
    """Two normal distributions of one number: outputs are their log-weights, means and log-deviations."""

    loss_unit = "nats"
    units = 6

    def targets(self):
        import tensorflow as tf

        return tf.TensorSpec([None, None, 1], tf.float32)

    def layer(self, options, reader):
        import keras

        return keras.layers.Dense(self.units, name="head")

    def _log_density(self, targets, outputs):
        import tensorflow as tf

        weight, mean, deviation = tf.split(outputs, 3, -1)
        deviation = tf.nn.softplus(deviation) + 1e-2
        density = -0.5 * ((targets - mean) / deviation) ** 2 - tf.math.log(deviation) - 0.5 * np.log(2 * np.pi)
        return tf.reduce_logsumexp(tf.nn.log_softmax(weight) + density, -1)

    def loss(self, targets, hidden, layer, encoded, training):
        return -self._log_density(targets, layer(hidden))

    def summary(self, targets, hidden, layer, encoded):
        return {"log_density": self._log_density(targets, layer(hidden))}

    def record(self, log_density):
        return log_density

    def sample(self, hidden, layer, sampler):
        import tensorflow as tf

        weight, mean, deviation = tf.split(layer(hidden[:, tf.newaxis])[:, 0], 3, -1)
        component = sampler.category(weight)
        first, second = tf.unstack(sampler.uniform(2), axis=1)
        normal = tf.sqrt(-2 * tf.math.log(1 - first)) * tf.cos(2 * np.pi * second)  # Box & Muller 1958
        mean, deviation = (
            tf.gather(part, component, batch_dims=1) for part in (mean, tf.nn.softplus(deviation) + 1e-2)
        )
        return (mean + deviation * normal)[:, tf.newaxis]

    def surprise(self, record):
        return Surprise.numbered(-record[:, None] / np.log(2), BITS)

    def fault(self, targets):
        return None if np.isfinite(targets).all() else ("finite numbers", "NaN or infinity")


@dataclass(frozen=True)
class Task(BaseTask):
    """Values `(batch, steps)` -> how dense the mixture is at the value before, mirrored or not."""

    literal = True

    @property
    def inputs(self):
        return Vectors(1)

    @property
    def head(self):
        return Mixture()

    def signature(self):
        import tensorflow as tf

        return {"values": tf.TensorSpec([None, None], tf.float32)}

    def encode(self, raw):
        return Encoded(raw["values"][..., None])

    def answer(self, network, raw):
        import tensorflow as tf

        weight, mean, _ = tf.split(network.head(network(self.encode(raw)))[:, -1], 3, -1)
        return {"means": mean, "probability": tf.nn.softmax(weight)}

    def generate(self, network, raw, request):
        values = sample_steps(self, network, raw, request)
        for sample, row in enumerate(values[..., 0].tolist()):
            yield Piece(sample, row, " ".join(f"{value:.2f}" for value in row))

    def read(self, text, source):
        try:
            return {"values": np.array([[float(word) for word in text.split()]], np.float32)}
        except ValueError:
            raise BadInput(f"{source}: expected numbers between spaces, got '{text[:30]}'.") from None


class Waves(Dataset):
    """Waves `(waves, steps + 1)`; each value but the first is predicted from those before."""

    def __init__(self, values):
        self.task, self.values = Task(), values
        self.cut = splits.cut(len(values), "0.7,0.15,0.15")
        self.split = self.cut.describe()
        self.data = {"sha256": sha256(values.tobytes()), "rows": len(values), "source": "random waves"}
        self.latest = {"values": values[[-1], :STEPS].tolist()}

    def examples(self, split):
        values = self.values[slice(*getattr(self.cut, split))]
        return Windows.from_arrays(values[:, :-1, None], values[:, 1:, None], np.ones((len(values), STEPS)))

    def baselines(self):
        train, test = (self.values[slice(*part)][:, 1:] for part in (self.cut.train, self.cut.test))
        mean, deviation = train.mean(), train.std()
        density = -0.5 * ((test - mean) / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)
        return {"normal": Baseline(density.ravel(), "one normal distribution")}

    @property
    def metrics(self):
        return [Metric("nll_per_point", lambda record: -record)]

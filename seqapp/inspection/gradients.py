"""seqapp inspect RUN gradients: how the loss's gradient vanishes or explodes on its way back through time."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from seqapp.inspection._showing import CSV, JSON, TO, check_form, draw, show_csv, show_json
from seqapp.runs.run import Run, open_for_use
from seqapp.system.tensorflow import start_tensorflow

VANISHED, EXPLODED = -2, 2  # log10 of what is left: 1 %, and 100 times as much
WEIGHTS = {"initial": "--", "trained": "-"}
COLORS = ("black", "#0072B2", "#D55E00", "#009E73", "#CC79A7")  # of the runs; Okabe & Ito: told apart by everyone
MARKS = "os^vD"
MIN_POWER, MAX_POWER = -12, 12  # powers of ten that a picture shows at most


@dataclass(frozen=True)
class Curve:
    """`log10` of the gradient's norm at lag 1, 2, … relative to lag 1, `(steps,)`; -inf where nothing is left."""

    run: Run
    weights: str  # "initial" or "trained"
    sequences: int
    log10: NDArray[np.float64]

    @property
    def below(self) -> int | None:
        """The first lag at which less than 1 % is left."""
        return _first(self.log10 < VANISHED)

    @property
    def above(self) -> int | None:
        """The first lag at which there is more than 100 times as much."""
        return _first(self.log10 > EXPLODED)

    def document(self) -> dict[str, Any]:
        """For --json."""
        return {
            "run": str(self.run.folder),
            "dataset": self.run.dataset,
            "model": self.run.model,
            "weights": self.weights,
            "sequences": self.sequences,
            "steps": len(self.log10),
            "below_1_percent": self.below,
            "above_100_times": self.above,
            "log10": self.log10.tolist(),
        }


@click.command("gradients")
@click.argument("others", metavar="[OTHER_RUN]...", nargs=-1)
@click.option("--steps", default=200, show_default=True, type=click.IntRange(2, 10000), help="Steps back, at most.")
@click.option("--sequences", default=32, show_default=True, type=click.IntRange(min=1), help="To measure over.")
@click.option(
    "--scale-recurrent", metavar="FACTOR", type=click.FloatRange(min=0), help="Multiply the recurrent weights first."
)
@TO
@JSON
@CSV
@click.pass_obj
def command(run: str, /, others: tuple[str, ...], to: str | None, as_json: bool, as_csv: bool, **how: Any) -> None:
    """How large the loss's gradient still is a number of steps back.

    The norm of the gradient of the loss at a step with respect to the states before it, relative to the state one step
    before; the median over sequences of the validation split, for the initial and for the trained weights. Where less
    than 1 % is left the gradient has vanished; 100 times as much, and it has exploded.
    """
    check_form(as_json, as_csv)
    opened = [open_for_use(folder) for folder in dict.fromkeys((run, *others))]
    start_tensorflow()
    curves = [curve for each in opened for curve in measure(each, **how)]
    if as_json:
        show_json({"split": "validation", "scale_recurrent": how["scale_recurrent"] or 1.0,
                   "curves": [curve.document() for curve in curves]})  # fmt: skip
    elif as_csv:
        show_csv([row for curve in curves for row in _rows(curve)])
    else:
        click.echo(as_text(curves, how["scale_recurrent"]))
    draw(opened[0], "gradients", to, functools.partial(picture, curves))


def measure(run: Run, steps: int, sequences: int, scale_recurrent: float | None) -> list[Curve]:
    """The curves of a run, at its initial and at its trained weights."""
    from seqapp.inspection import _backwards
    from seqapp.inspection._sequences import sequences as sequences_of

    dataset, curves = run.load_dataset(), []
    batch = sequences_of(dataset, sequences, steps)
    for weights in WEIGHTS:
        network = run.new_network(dataset.task) if weights == "initial" else run.load_network(dataset.task)
        network.avoid_cudnn()
        if scale_recurrent is not None:
            _backwards.scale_recurrent(network, scale_recurrent)
        norms = _backwards.relative_norms(network, dataset.task.head, batch)
        curves.append(Curve(run, weights, len(batch.inputs), norms))
    return curves


def as_text(curves: list[Curve], scale: float | None) -> str:
    """What was measure, and a line for each curve."""
    import pandas as pd

    table = pd.DataFrame(
        [
            {
                "run": str(curve.run.folder),
                "weights": curve.weights,
                "below 1 %": _lag_text(curve.below, curve),
                "above 100 ×": _lag_text(curve.above, curve),
                "at the farthest": f"{power(float(curve.log10[-1]))}, {len(curve.log10)} steps back",
            }
            for curve in curves
        ]
    )
    scaled = "" if scale is None else f"; recurrent weights × {scale:g}"
    return (
        "The loss's gradient at the states before it, relative to one step back; the median of "
        f"{max(curve.sequences for curve in curves)} sequences{scaled}\n\n{table.to_string(index=False)}"
    )


def power(log10: float) -> str:
    """10 to the power of `log10`, also where that is no float: -400.5 -> "3.2e-401"."""
    if not np.isfinite(log10):
        return "0"
    if -3 <= log10 < 4:
        return f"{10**log10:.2g}"
    exponent = int(np.floor(log10))
    return f"{10 ** (log10 - exponent):.1f}e{exponent:+03d}"


def picture(curves: list[Curve], figure: Any) -> None:
    """The curves over the lag, dashed at the initial weights; the first lag below 1 % or above 100 times marked."""
    from matplotlib.ticker import MaxNLocator

    from seqapp.evaluation.figures import plain_axes

    axes = plain_axes(figure)
    names = _names([curve.run.folder for curve in curves])
    reached = np.concatenate([curve.log10[np.isfinite(curve.log10)] for curve in curves])
    axes.axhline(VANISHED, color="darkgrey", lw=0.8)
    if reached.max() > EXPLODED:
        axes.axhline(EXPLODED, color="darkgrey", lw=0.8)
    for place, (folder, name) in enumerate(names.items()):
        color, mark = COLORS[place % len(COLORS)], MARKS[place % len(MARKS)]
        for curve in (curve for curve in curves if curve.run.folder == folder):
            _draw(curve, axes, color, mark, name)
    axes.set(xlabel="steps back from the loss", ylabel="gradient, relative to one step back")
    axes.set_ylim(max(reached.min(), MIN_POWER) - 0.3, min(max(reached.max(), 0), MAX_POWER) + 0.3)
    axes.yaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.yaxis.set_major_formatter(lambda value, _: f"$10^{{{value:.0f}}}$")
    axes.legend(frameon=False)


def _draw(curve: Curve, axes: Any, color: str, mark: str, name: str) -> None:
    """One curve; where it first leaves the range of 1 % to 100 times there is a mark, hollow at the initial weights."""
    left = {"1 %": curve.below, "100 ×": curve.above}
    at = [lag - 1 for lag in left.values() if lag is not None]
    label = "; ".join([f"{name}, {curve.weights}", *(f"{what} at {lag}" for what, lag in left.items() if lag)])
    lags, fill = np.arange(1, len(curve.log10) + 1), "full" if curve.weights == "trained" else "none"
    axes.plot(lags, curve.log10, WEIGHTS[curve.weights], color=color, lw=1.4, marker=mark,
              markevery=max(1, len(lags) // 8), ms=4, fillstyle=fill, label=label)  # fmt: skip
    axes.plot(lags[at], curve.log10[at], mark, color=color, ms=10, fillstyle=fill)


def _names(folders: list[Path]) -> dict[Path, str]:
    """What a picture calls each run: its folder's name, the whole path where two have the same."""
    every = dict.fromkeys(folders)
    short = [folder.name for folder in every]
    return {folder: folder.name if short.count(folder.name) == 1 else str(folder) for folder in every}


def _first(true: NDArray[np.bool_]) -> int | None:
    return int(true.argmax()) + 1 if true.any() else None


def _lag_text(lag: int | None, curve: Curve) -> str:
    return f"never in {len(curve.log10)} steps" if lag is None else f"{lag} steps back"


def _rows(curve: Curve) -> list[dict[str, Any]]:
    named = {"run": str(curve.run.folder), "weights": curve.weights}
    return [named | {"lag": lag, "log10": value} for lag, value in enumerate(curve.log10.tolist(), start=1)]

"""Which model is best: metrics over seeds, the longest gap solved, and what a difference between means is worth."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from seqapp.evaluation.significance import holm
from seqapp.evaluation.verdict import enumerated


def summaries(runs: list[dict[str, Any]], name: str, higher_is_better: bool) -> list[dict[str, Any]]:
    """Each model over its seeds, best first: by the longest gap where that is known, then by the metric `name`."""

    def rank(model: dict[str, Any]) -> tuple[float, float]:
        each = model["metrics"].values() if "gap" in runs[0] else [model["metrics"]]
        mean = statistics.fmean(metrics[name]["mean"] for metrics in each)
        worse = math.inf if math.isnan(mean) else -mean if higher_is_better else mean
        return -(model.get("longest_gap") or 0), worse

    models = dict.fromkeys(run["model"] for run in runs)
    return sorted((_summary([run for run in runs if run["model"] == model]) for model in models), key=rank)


def _summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One model: its most parameters, mean seconds, and metrics over seeds; these by gap where there are any."""
    gaps: dict[int | None, list[dict[str, Any]]] = {}
    for run in runs:
        gaps.setdefault(run.get("gap"), []).append(run)
    results = {
        "model": runs[0]["model"],
        "parameters": max(run["parameters"] for run in runs),
        "seconds": statistics.fmean(run["seconds"] for run in runs),
        "metrics": _by_gap({gap: {name: _spread(at, name) for name in at[0]["metrics"]} for gap, at in gaps.items()}),
    }
    if None not in gaps and all("solved" in run for run in runs):
        results["longest_gap"] = longest_gap({gap or 0: [run["solved"] for run in at] for gap, at in gaps.items()})
    return results


def _spread(runs: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """A metric's mean over the runs, its standard deviation (None of one run), and its values."""
    values = [float(run["metrics"][name]) for run in runs]
    with np.errstate(invalid="ignore"):  # an infinite loss has no deviation
        deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "deviation": deviation, "values": values}


def longest_gap(solved: Mapping[int, Sequence[bool]]) -> int | None:
    """The longest gap that every seed solved, and all shorter ones too; None: not even the shortest.

    Example: {50: [True, True], 200: [True, False], 500: [True, True]} -> 50
    """
    longest = None
    for gap in sorted(solved):
        if not all(solved[gap]):
            break
        longest = gap
    return longest


def mean_baselines(measured: list[tuple[int | None, dict[str, dict[str, float]]]]) -> dict[str, Any]:
    """The mean of each baseline's metrics over the runs beside which they were measured; by gap where there are any."""
    results: dict[int | None, dict[str, Any]] = {}
    for gap in dict.fromkeys(gap for gap, _ in measured):
        at = [baselines for its, baselines in measured if its == gap]
        results[gap] = {
            baseline: {name: statistics.fmean(each[baseline][name] for each in at) for name in metrics}
            for baseline, metrics in at[0].items()
        }
    return _by_gap(results)


def _by_gap(results: dict[int | None, dict[str, Any]]) -> dict[str, Any]:
    """With gaps as JSON names them; without gaps, the results themselves."""
    return results[None] if None in results else {str(gap): at for gap, at in results.items()}


def quality_columns(names: list[str], gaps: list[int]) -> list[tuple[str, str, str]]:
    """Columns of quality: heading, metric and gap; with gaps the first metric at each, else all metrics."""
    return [(f"gap {gap}", names[0], str(gap)) for gap in gaps] or [(name, name, "") for name in names]


def at_gap(gap: str, metrics: dict[str, Any]) -> dict[str, Any]:
    results: dict[str, Any] = metrics[gap] if gap else metrics
    return results


def verdict(models: list[dict[str, Any]], judged: Mapping[str, bool], gaps: list[int]) -> str:
    """How far each model remembers, if that is known, and which is best in each column of quality.

    Args:
        models: as `summaries` gives them.
        judged: whether higher is better, by metric.
        gaps: at which the models were trained, if at any.
    """
    solved: dict[int | None, list[str]] = {}
    for model in models:
        if "longest_gap" in model:
            solved.setdefault(model["longest_gap"], []).append(model["model"])
    reached = "; ".join(f"{gap or 'none'} by {enumerated(of, 'and')}" for gap, of in solved.items())
    sentences = [f"Longest gap solved with every seed: {reached}."] if solved else []
    for _, name, gap in quality_columns(list(judged), gaps):
        values = {model["model"]: at_gap(gap, model["metrics"])[name]["values"] for model in models}
        sentences.append(standing(name, values, judged[name], f" at gap {gap}" if gap else ""))
    return " ".join(sentences)


def standing(name: str, values: Mapping[str, list[float]], higher_is_better: bool, where: str = "") -> str:
    """Which model is best by a metric, which are surely worse, and which may be as good (Welch's t-test over seeds).

    At 5 % for all comparisons with the best together (Holm 1979).
    """
    means = {model: statistics.fmean(each) for model, each in values.items()}
    best, *others = sorted(means, key=lambda model: means[model], reverse=higher_is_better)
    if not others:
        return f"By {name}{where}: {best} {means[best]:.4g}."
    if len(values[best]) < 2:
        return f"By {name}{where}: {best} is best with this seed; one seed does not say which model is better."
    chances = {model: _chance(values[best], values[model]) for model in others}
    sure = holm(chances)
    worse, alike = ([model for model in others if bool(sure[model]) is which] for which in (True, False))
    better = f", better than {enumerated(worse, 'and')}" if worse else ""
    within = f"; the difference from {enumerated(alike, 'and')} is within seed-to-seed variation" if alike else ""
    return f"By {name}{where}: {best} has the best mean{better}{within}."


def _chance(best: list[float], other: list[float]) -> float:
    """Two-sided p-value of the difference of two means, from at least two values each."""
    from scipy.stats import ttest_ind_from_stats

    if best == other or not all(map(math.isfinite, best)):
        return 1.0
    if not all(map(math.isfinite, other)):
        return 0.0  # what is infinitely worse needs no test
    samples = [(statistics.fmean(each), statistics.stdev(each), len(each)) for each in (best, other)]
    if samples[0][1] == samples[1][1] == 0:  # each the same with every seed
        return float(samples[0][0] == samples[1][0])
    return float(ttest_ind_from_stats(*samples[0], *samples[1], equal_var=False).pvalue)

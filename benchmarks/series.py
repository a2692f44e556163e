"""Forecasts of series beside their baselines, on public data with published results.

    python -m benchmarks.series FOLDER [--parts etth1,etth1_day,etth1_all,passengers,sp500,rows] [--seeds 0,1,2]

FOLDER holds ETTh1.csv, air-passengers.csv and sp500-daily.csv. `etth1`: the oil temperature 96 hours ahead;
`etth1_day`: 24 hours; `etth1_all`: all seven columns, 96 hours; `passengers`: the last 24 months in four forecasts of 6
months; `sp500`: the next day; `rows`: time and memory for a million rows. Prints tables in Markdown.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.commands import run_parts, seqapp

MONTHS = ["--split", "8640,2880,2880"]  # 12, 4 and 4 months of 30 days
HOURS = ["--model", "gru", "--units", "64", "--dropout", "0.3", "--epochs", "4", "--ema-momentum", "0.99", *MONTHS]
CHANNELS = [
    "--model", "gru", "--units", "128", "--dropout", "0.3", "--epochs", "6", "--patience", "2", "--batch-size", "256",
    "--channels", "independent", "--target", "HUFL,HULL,MUFL,MULL,LUFL,LULL,OT", *MONTHS,
]  # fmt: skip
PASSENGERS = [
    "--model", "gru", "--units", "64", "--dropout", "0.2", "--learning-rate", "0.003", "--epochs", "300", "--patience",
    "60", "--split", "108,12,24", "--window", "36", "--segment", "12", "--horizon", "6",
]  # fmt: skip
ROWS = 1_000_000
ROWS_OPTIONS = ["--inputs", "volume", "--epochs", "1", "--epoch-steps", "50"]


def train_and_evaluate(folder: Path, *arguments: object, backtest: tuple[str, ...] = ()) -> dict[str, Any]:
    """Train into `folder` and evaluate; return the evaluation with wall seconds and the number of parameters."""
    _, wall, _ = seqapp("train", "stock", *arguments, "--out", folder)
    document: dict[str, Any] = json.loads(seqapp("evaluate", folder, *backtest, "--json")[0])
    return document | {"wall": wall, "parameters": json.loads((folder / "run.json").read_text())["parameters"]}


def print_row(name: str, seed: str, result: dict[str, Any], metrics: tuple[str, ...]) -> None:
    """Print a line of a table: name, seed, parameters, wall seconds, and each metric beside that of the baselines."""
    cells = []
    for metric in metrics:
        baselines = [f"{name} {of[metric]:.4g}" for name, of in result["baselines"].items() if metric in of]
        beside = f" ({', '.join(baselines)})" if baselines else ""
        cells.append(f"{result['metrics'][metric]:.4g}{beside}")
    print(f"| {name} | {seed} | {result['parameters']:,} | {result['wall']:.0f} | {' | '.join(cells)} |", flush=True)


def etth1(data: Path, folder: Path, seeds: list[str]) -> None:
    """Forecast the oil temperature 96 hours ahead."""
    _hours(data, folder, seeds, "96")


def etth1_day(data: Path, folder: Path, seeds: list[str]) -> None:
    """Forecast the oil temperature 24 hours ahead."""
    _hours(data, folder, seeds, "24")


def _hours(data: Path, folder: Path, seeds: list[str], horizon: str) -> None:
    for seed in seeds:
        arguments = ["--csv", data / "ETTh1.csv", "--target", "OT", "--horizon", horizon, *HOURS, "--seed", seed]
        result = train_and_evaluate(folder / f"ot-{horizon}-{seed}", *arguments)
        print_row(f"OT, {horizon} hours", seed, result, ("scaled_mse", "scaled_mae"))


def etth1_all(data: Path, folder: Path, seeds: list[str]) -> None:
    """Forecast all seven columns, each by itself through one network."""
    for seed in seeds:
        arguments = ["--csv", data / "ETTh1.csv", "--horizon", "96", *CHANNELS, "--seed", seed]
        print_row(
            "7 columns, 96 hours",
            seed,
            train_and_evaluate(folder / f"all-{seed}", *arguments),
            ("scaled_mse", "scaled_mae"),
        )


def passengers(data: Path, folder: Path, seeds: list[str]) -> None:
    """Forecast monthly passengers: the last 24 months in four forecasts of 6 months."""
    for seed in seeds:
        arguments = ["--csv", data / "air-passengers.csv", *PASSENGERS, "--seed", seed]
        result = train_and_evaluate(folder / f"air-{seed}", *arguments, backtest=("--origins", "4", "--stride", "6"))
        print_row("passengers, 6 months", seed, result, ("mape",))


def sp500(data: Path, folder: Path, seeds: list[str]) -> None:
    """Forecast the next close by the default command."""
    for seed in seeds:
        result = train_and_evaluate(folder / f"sp500-{seed}", "--csv", data / "sp500-daily.csv", "--seed", seed)
        print_row("S&P 500, next day", seed, result, ("mae", "pinball", "coverage_80", "coverage_95"))
        print(f"\n{result['verdict']}\n", flush=True)


def rows(data: Path, folder: Path, seeds: list[str]) -> None:
    """Measure a million minutes of a simulated price: 50 steps of training, validation, and an evaluation."""
    random, file = np.random.default_rng(0), folder / "rows.csv"
    stamps = np.datetime64("2000-01-01T00:00:00") + 60 * np.arange(ROWS)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 1e-4, ROWS)))
    lines = zip(stamps.astype(str), closes.round(6).tolist(), random.integers(1, 1000, ROWS).tolist(), strict=True)
    file.write_text("date,close,volume\n" + "".join(f"{stamp},{close},{volume}\n" for stamp, close, volume in lines))
    _, training, first = seqapp("train", "stock", "--csv", file, *ROWS_OPTIONS, "--out", folder / "long")
    _, evaluation, second = seqapp("evaluate", folder / "long")
    print(f"| {ROWS:,} rows | s | peak MB |\n|---|---|---|")
    print(f"| train | {training:.0f} | {first:.0f} |\n| evaluate | {evaluation:.0f} | {second:.0f} |", flush=True)


PARTS = {part.__name__: part for part in (etth1, etth1_day, etth1_all, passengers, sp500, rows)}

if __name__ == "__main__":
    run_parts(PARTS, ",".join(PARTS), "0,1,2")

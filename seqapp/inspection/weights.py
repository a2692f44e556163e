"""seqapp inspect RUN weights: every layer's weights, with shapes and counts, and what computes it."""

from __future__ import annotations

import json
from typing import Any

import click

from seqapp.runs.run import open_for_use
from seqapp.system.tensorflow import start_tensorflow


@click.command("weights")
@click.option("--json", "as_json", is_flag=True, help="A list of weights on stdout.")
@click.pass_obj
def command(run: str, as_json: bool) -> None:
    """Every layer's weights, with shapes and counts, and what computes it."""
    opened = open_for_use(run)
    start_tensorflow()
    from seqapp.inspection._weights import weights

    rows = weights(opened.load_network(opened.task()))
    click.echo(json.dumps(rows) if as_json else _as_text(rows))


def _times(own: list[dict[str, Any]]) -> float:
    """A layer's weights, in those of a SimpleRNN that reads and gives as much."""
    kernel = next(row for row in own if row["weight"].endswith("kernel"))
    features, units = kernel["shape"][0], kernel["shape"][1] // kernel["matrices"]
    return float(sum(row["count"] for row in own) / (units * (features + units + 1)))


def _as_text(rows: list[dict[str, Any]]) -> str:
    import pandas as pd

    table = pd.DataFrame(rows)[["layer", "class", "weight", "shape", "matrices", "count"]]
    table["shape"] = [" × ".join(map(str, shape)) for shape in table["shape"]]
    text = table.to_string(index=False)
    gated = next((row for row in rows if row["matrices"] > 1), None)
    total = f"{text}\n\n{sum(row['count'] for row in rows)} weights in all"
    engines = {row["layer"]: row["engine"] for row in rows if row["engine"]}
    total += "".join(f"\n{layer}: engine {engine}" for layer, engine in engines.items())
    if gated is None:
        return total
    name, blocks = gated["class"], gated["matrices"]
    own = [row for row in rows if row["layer"] == gated["layer"]]
    if {row["matrices"] for row in own} != {blocks}:
        return f"{total}\n{name} has {_times(own):.2g} × as many weights as a SimpleRNN of the same size."
    return (
        f"{total}\n{name} holds {blocks} matrices side by side in each of its kernels, one for each gate and one for\n"
        f"what is let in; a SimpleRNN of the same size has one: hence {blocks} × as many weights."
    )

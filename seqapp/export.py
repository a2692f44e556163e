"""Export: a SavedModel of stock TensorFlow ops with raw inputs and raw answers, published by one rename."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from seqapp.errors import BadInput, WorkFailed
from seqapp.runs import Run
from seqapp.signatures import functions

FOREIGN = ("PyFunc", "CudnnRNN", "Xla")  # what needs Python, a GPU or a compiler; a served graph holds none


def export(run: Run, to: Path) -> Path:
    """Write the run as `to`/<next version>/saved_model.pb and return that folder."""
    import tensorflow as tf

    if to.exists() and not to.is_dir():
        raise BadInput(f"--to: expected a folder, got the file '{to}'.")
    task = run.task()
    network = run.load_network(task)
    module = tf.Module()
    # TensorFlow's own variables: the session loader of TF Serving does not restore Keras's wrappers around them.
    module.weights = [variable.value for variable in network.model.variables]
    compiled = functions(task, network)
    for name, function in compiled.items():
        _refuse_foreign_ops(name, function.concrete.graph.as_graph_def())
    to.mkdir(parents=True, exist_ok=True)
    version = 1 + max((int(folder.name) for folder in to.iterdir() if folder.name.isdigit()), default=0)
    temporary = to / f".{version}.{os.getpid()}.partial"  # no number: TF Serving does not look into it
    try:
        tf.saved_model.save(
            module, str(temporary), signatures={name: function.concrete for name, function in compiled.items()}
        )
        for name, content in task.assets().items():
            extra = temporary / "assets.extra" / name
            extra.parent.mkdir(exist_ok=True)
            extra.write_bytes(content)
        temporary.rename(to / str(version))
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return to / str(version)


def _refuse_foreign_ops(name: str, graph: Any) -> None:
    ops = {node.op for node in graph.node} | {node.op for part in graph.library.function for node in part.node_def}
    ops |= {"_XlaMustCompile" for part in graph.library.function if part.attr["_XlaMustCompile"].b}
    foreign = sorted(op for op in ops if any(word in op for word in FOREIGN))
    if foreign:
        raise WorkFailed(
            f"signature {name} holds {', '.join(foreign)}, which runs only with Python, a GPU or XLA. "
            "Write `encode`, `answer` and the layer with TensorFlow ops."
        )

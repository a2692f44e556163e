"""Export: a SavedModel of stock TensorFlow ops with raw inputs and raw answers, published by one rename."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from seqapp.errors import BadInput, WorkFailed
from seqapp.runs.questions import latest
from seqapp.runs.run import Run
from seqapp.saved_model import warmup
from seqapp.saved_model.examples import example_requests
from seqapp.saved_model.functions import functions
from seqapp.system.files import check_writable, draft, flush
from seqapp.system.tensorflow import tf

FOREIGN = ("PyFunc", "CudnnRNN", "Xla")  # what needs Python, a GPU or a compiler; a served graph holds none


def export(run: Run, to: Path) -> Path:
    """Write the run as `to`/<next version>/saved_model.pb and return that folder."""
    if to.exists() and not to.is_dir():
        raise BadInput(f"--to: expected a folder, got the file '{to}'.")
    check_writable(to / str(_next_version(to)))
    task = run.task()
    network = run.load_network(task)
    module = tf.Module()
    # TensorFlow's own variables: the session loader of TF Serving does not restore Keras's wrappers around them.
    module.weights = [variable.value for variable in network.model.variables]
    compiled = functions(task, network)
    for name, function in compiled.items():
        _refuse_foreign_ops(name, function.concrete.graph.as_graph_def())
    with draft(to / str(_next_version(to))) as folder:  # its name is no number: TF Serving does not look into it
        version = folder / "version"
        tf.saved_model.save(module, str(version), signatures={name: one.concrete for name, one in compiled.items()})
        (version / warmup.FILE).parent.mkdir()
        warmup.write(version / warmup.FILE, example_requests(task, latest(run, task), compiled))
        for name, content in task.assets().items():
            (version / "assets.extra" / name).write_bytes(content)
        return _publish(version, to)


def _publish(version: Path, to: Path) -> Path:
    """Flush a whole version to the disk and rename it to the next number that is free."""
    for path in [*version.rglob("*"), version]:
        flush(path)
    while True:
        target = to / str(_next_version(to))
        try:
            version.rename(target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                raise
            continue  # another export was quicker: the next number
        flush(to)
        return target


def _next_version(to: Path) -> int:
    names = [path.name for path in to.iterdir()] if to.exists() else []
    return 1 + max((int(name) for name in names if name.isascii() and name.isdecimal()), default=0)


def _refuse_foreign_ops(name: str, graph: Any) -> None:
    ops = {node.op for node in graph.node} | {node.op for part in graph.library.function for node in part.node_def}
    ops |= {"_XlaMustCompile" for part in graph.library.function if part.attr["_XlaMustCompile"].b}
    foreign = sorted(op for op in ops if any(word in op for word in FOREIGN))
    if foreign:
        raise WorkFailed(
            f"signature {name} holds {', '.join(foreign)}, which runs only with Python, a GPU or XLA. "
            "Write `encode`, `answer` and the layer with TensorFlow ops."
        )

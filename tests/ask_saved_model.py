"""Ask a SavedModel a question with TensorFlow alone: neither Keras nor seqapp is used. Prints the answer as JSON.

python tests/ask_saved_model.py RUN '{"text": ["th"]}' [SIGNATURE]
python tests/ask_saved_model.py RUN --latest        # the question after the run's own last rows
python tests/ask_saved_model.py < lines of JSON such as ["RUN", "--latest", "serving_default"]
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def answer(run: str, question: str, signature: str = "serving_default") -> dict[str, object]:
    """What RUN/export/<highest version> answers, by output name."""
    import tensorflow as tf

    folder = max((Path(run) / "export").glob("[0-9]*"), key=lambda version: int(version.name))
    raw = json.loads((Path(run) / "run.json").read_text())["latest"] if question == "--latest" else json.loads(question)
    function = tf.saved_model.load(str(folder)).signatures[signature]
    specs = function.structured_input_signature[1]
    result = function(**{name: tf.constant(value, specs[name].dtype) for name, value in raw.items()})
    return {name: _plain(tensor.numpy().tolist()) for name, tensor in sorted(result.items())}


def start() -> None:
    """Load TensorFlow, without its chatter."""
    standard_error = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    import tensorflow as tf

    tf.constant(0)
    os.dup2(standard_error, 2)


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


if __name__ == "__main__":
    start()
    for question in [sys.argv[1:]] if sys.argv[1:] else map(json.loads, sys.stdin):
        print(json.dumps(answer(*question)), flush=True)

"""Ask a SavedModel a question with TensorFlow alone: neither Keras nor seqapp is used. Prints the answer as JSON.

python tests/ask_saved_model.py RUN '{"text": ["th"]}' [SIGNATURE]
python tests/ask_saved_model.py RUN --latest        # the question after the run's own last rows
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(run: str, question: str, signature: str = "serving_default") -> None:
    """Load RUN/export/<highest version> and print `{output: values}`."""
    standard_error = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # TensorFlow's start-up chatter
    import tensorflow as tf

    tf.constant(0)
    os.dup2(standard_error, 2)
    folder = max((Path(run) / "export").glob("[0-9]*"), key=lambda version: int(version.name))
    raw = json.loads((Path(run) / "run.json").read_text())["latest"] if question == "--latest" else json.loads(question)
    function = tf.saved_model.load(str(folder)).signatures[signature]
    specs = function.structured_input_signature[1]
    answer = function(**{name: tf.constant(value, specs[name].dtype) for name, value in raw.items()})
    print(json.dumps({name: _plain(tensor.numpy().tolist()) for name, tensor in sorted(answer.items())}))


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


if __name__ == "__main__":
    main(*sys.argv[1:])

"""TF Serving's REST interface, request by request, as its C++ source has it, against `seqapp serve`.

Sources: http_rest_api_util.cc, http_rest_api_handler.cc, json_tensor.cc and get_model_status_impl.cc of
https://github.com/tensorflow/serving, and rapidjson/error/en.h for the words of the JSON parser.
"""

from __future__ import annotations

import gzip
import json
import math
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from saved_models import half_plus_two

from benchmarks.served import ServerProcess, run_server

DEMO = "/v1/models/demo:predict"
OK = {"error_code": "OK", "error_message": ""}
ONE = {"version": "1", "state": "AVAILABLE", "status": OK}
TWO = {"version": "2", "state": "AVAILABLE", "status": OK}
NEED = "expecting an object as multiple input tensors required as per tensorinfo_map"


def body(signature: str = "", **document: Any) -> str:
    """A request's body."""
    return json.dumps(({"signature_name": signature} if signature else {}) | document)


# verb, path, body, HTTP status, the whole answer; or, of an error, its text
CASES: list[tuple[str, str, str, Any, int, Any]] = [
    # --- row and columnar, one input
    ("a row", "POST", DEMO, body(instances=[1.0, 5.0]), 200, {"predictions": [3.5, 5.5]}),
    ("a column", "POST", DEMO, body(inputs=[1.0, 5.0]), 200, {"outputs": [3.5, 5.5]}),
    ("integers for floats", "POST", DEMO, body(instances=[1, 5]), 200, {"predictions": [3.5, 5.5]}),
    ("rows by name", "POST", DEMO, body(instances=[{"x": 1.0}, {"x": 2.0}]), 200, {"predictions": [3.5, 4.0]}),
    ("columns by name", "POST", DEMO, body(inputs={"x": [1.0]}), 200, {"outputs": [3.5]}),
    ("further keys of inputs", "POST", DEMO, body(inputs={"x": [1.0], "z": 3}), 200, {"outputs": [3.5]}),
    ("further keys beside", "POST", DEMO, body(instances=[1.0], more=1), 200, {"predictions": [3.5]}),
    ("the default by its name", "POST", DEMO, body("serving_default", instances=[1.0]), 200, {"predictions": [3.5]}),
    ("an empty name", "POST", DEMO, '{"signature_name": "", "instances": [1.0]}', 200, {"predictions": [3.5]}),
    ("matrices", "POST", DEMO, body("matrix", instances=[[[1, 2, 3]], [[4, 5, 6]]]), 200, {"predictions": [[6.0], [15.0]]}),
    ("matrices in a column", "POST", DEMO, body("matrix", inputs=[[[1, 2, 3]]]), 200, {"outputs": [[6.0]]}),
    ("an empty list within", "POST", DEMO, body("any", inputs=[[], []]), 200, {"outputs": [[], []]}),
    ("an empty column", "POST", DEMO, body(inputs=[]), 200, {"outputs": []}),
    ("a scalar of any rank", "POST", DEMO, body("any", inputs=1.5), 200, {"outputs": 1.5}),
    ("whole numbers", "POST", DEMO, body("any", inputs=[3, 1e20, 16777215]), 200, {"outputs": [3.0, 1e20, 16777215.0]}),
    # --- several inputs and outputs
    ("rows of two", "POST", DEMO, body("columns", instances=[{"a": [1, 2], "b": 3}]), 200,
     {"predictions": [{"b_plus_one": 4, "sum": [4.0, 5.0]}]}),
    ("columns of two", "POST", DEMO, body("columns", inputs={"a": [[1, 2]], "b": [3]}), 200,
     {"outputs": {"b_plus_one": [4], "sum": [[4.0, 5.0]]}}),
    ("a plain list for two", "POST", DEMO, body("columns", instances=[1.0]), 400,
     "instances is a plain list, but expecting list of objects as multiple input tensors required as per tensorinfo_map"),
    ("a plain column for two", "POST", DEMO, body("columns", inputs=[1.0]), 400, f"inputs is a plain value/list, but {NEED}"),
    ("a name missing in a row", "POST", DEMO, body("columns", instances=[{"b": 3}]), 400,
     'Failed to process element: 0 of \'instances\' list. JSON object: {\n    "b": 3\n} keys must be equal to: a,b'),
    ("a name too many in a row", "POST", DEMO, body("columns", instances=[{"a": [1, 2], "b": 3, "c": 1}]), 400,
     "Failed to process element: 0 key: c of 'instances' list. Error: INVALID_ARGUMENT: JSON object: does not have named input: c"),
    ("a name missing in inputs", "POST", DEMO, body("columns", inputs={"a": [[1, 2]]}), 400, "Missing named input: b in 'inputs' object."),
    ("an object after a list", "POST", DEMO, body(instances=[1.0, {"x": 1.0}]), 400, "Expecting value/list but got object at item 1 of input list"),
    ("a list after an object", "POST", DEMO, body(instances=[{"x": 1.0}, 1.0]), 400, "Expecting object but got list at item 1 of input list"),
    # --- shapes
    ("ragged rows", "POST", DEMO, body("any", instances=[[1, 2, 3], [1, 2]]), 400,
     "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 3 but got: 2"),
    ("rows of one size and two shapes", "POST", DEMO, body("any", instances=[[[1, 2]], [[1], [2]]]), 400,
     "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting shape [1,2] but got: [2,1]"),
    ("ragged within a row", "POST", DEMO, body("any", instances=[[[1, 2], [1]]]), 400,
     "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: Encountered list at unexpected size: 1 at level: 1 expected size: 2"),
    ("ragged rows by name", "POST", DEMO, body("columns", instances=[{"a": [1, 2], "b": 1}, {"a": [1], "b": 1}]), 400,
     "Failed to process element: 1 key: a of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but got: 1"),
    ("a ragged column", "POST", DEMO, body("any", inputs=[[1, 2, 3], [1, 2]]), 400, "Encountered list at unexpected size: 2 at level: 1 expected size: 3"),
    ("a list among values", "POST", DEMO, body("any", inputs=[1, [2]]), 400, "Encountered list at unexpected level: 1 expected < 1"),
    ("a value among lists", "POST", DEMO, body("any", inputs=[[1], 2]), 400,
     "JSON Value: 2 found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
    ("no rows", "POST", DEMO, '{"instances": []}', 400, 'JSON Value: {\n    "instances": []\n} No values in \'instances\' array'),
    ("the wrong rank", "POST", DEMO, body(inputs=[[1.0]]), 400, "Input 'x': expected the shape [-1], got [1, 1]."),
    ("the wrong width", "POST", DEMO, body("matrix", inputs=[[[1, 2]]]), 400, "Input 'x': expected the shape [-1, -1, 3], got [1, 1, 2]."),
    # --- types
    ("text for a float", "POST", DEMO, body(instances=["x"]), 400,
     'Failed to process element: 0 of \'instances\' list. Error: INVALID_ARGUMENT: JSON Value: "x" Type: String is not of expected type: float'),
    ("text for a float, columnar", "POST", DEMO, body(inputs=["x"]), 400, 'JSON Value: "x" Type: String is not of expected type: float'),
    ("null", "POST", DEMO, body(inputs=[None]), 400, "JSON Value: null Type: Null is not of expected type: float"),
    ("true for a float", "POST", DEMO, body(inputs=[True]), 400, "JSON Value: true Type: True is not of expected type: float"),
    ("true among floats", "POST", DEMO, body(inputs=[1.5, True]), 400, "JSON Value: true Type: True is not of expected type: float"),
    ("an object for a float", "POST", DEMO, '{"inputs": [{"b64": "aGk="}]}', 400,
     'JSON Value: {\n    "b64": "aGk="\n} Type: Object is not of expected type: float'),
    ("1.0 for an integer", "POST", DEMO, body("divide", inputs=[1.0]), 400, "JSON Value: 1.0 Type: Number is not of expected type: int32"),
    ("1.0 for an int64", "POST", DEMO, body("columns", inputs={"a": [[1, 2]], "b": [1.0]}), 400,
     "JSON Value: 1.0 Type: Number is not of expected type: int64"),
    ("beyond an int32", "POST", DEMO, body("divide", inputs=[2**31]), 400, "JSON Value: 2147483648 Type: Number is not of expected type: int32"),
    ("beyond an int64", "POST", DEMO, body("columns", inputs={"a": [[1, 2]], "b": [2**63]}), 400,
     "JSON Value: 9223372036854775808 Type: Number is not of expected type: int64"),
    ("an integer that a float cannot hold", "POST", DEMO, body(inputs=[16777217]), 400,
     "Cannot convert JSON value: 16777217 to float without loss of precision."),
    ("a number that a float cannot hold", "POST", DEMO, body(inputs=[1e39]), 400, "Cannot convert JSON value: 1e+39 to float without loss of precision."),
    ("a number that no double holds", "POST", DEMO, '{"inputs": [1e999]}', 400, "JSON Parse error: Number too big to be stored in double. at offset: 0"),
    ("a number that no double holds, beside Infinity", "POST", DEMO, ' \n{"inputs": [Infinity, -1e999]}', 400,
     "JSON Parse error: Number too big to be stored in double. at offset: 2"),
    ("a number that no double holds, in a key that is ignored", "POST", DEMO, '{"inputs": [1.0], "more": 1e999}', 200, {"outputs": [3.5]}),
    ("half a float in", "POST", DEMO, body("half", inputs=[1.0]), 501, "Conversion of JSON Value: 1.0 to type: half"),
    ("half a float in a row", "POST", DEMO, body("half", instances=[1.0]), 400,
     "Failed to process element: 0 of 'instances' list. Error: UNIMPLEMENTED: Conversion of JSON Value: 1.0 to type: half"),
    ("half a float out", "POST", DEMO, body("to_half", inputs=[1.0]), 400, "Failed to write JSON value for tensor type: half"),
    ("every other type", "POST", DEMO,
     body("kinds", inputs={"bool": [True], "double": [0.1], "int8": [-3], "int32": [-7], "uint8": [200], "uint32": [2**32 - 1], "uint64": [2**64 - 1]}), 200,
     {"outputs": {"bool_out": [True], "double_out": [0.1], "int32_out": [-7], "int8_out": [-3], "uint32_out": [2**32 - 1], "uint64_out": [2**64 - 1], "uint8_out": [200]}}),
    ("a negative uint32", "POST", DEMO,
     body("kinds", inputs={"bool": [True], "double": [1], "int8": [1], "int32": [1], "uint8": [1], "uint32": [-1], "uint64": [1]}), 400,
     "JSON Value: -1 Type: Number is not of expected type: uint32"),
    ("1 for a bool", "POST", DEMO,
     body("kinds", inputs={"bool": [1], "double": [1], "int8": [1], "int32": [1], "uint8": [1], "uint32": [1], "uint64": [1]}), 400,
     "JSON Value: 1 Type: Number is not of expected type: bool"),
    # --- numbers in and out
    ("NaN and Infinity", "POST", DEMO, '{"inputs": [NaN, Infinity, -Infinity]}', 200, {"outputs": [math.nan, math.inf, -math.inf]}),
    ("the shortest digits", "POST", DEMO, body("any", inputs=[0.1, 1 / 3, 1e-30]), 200, {"outputs": [0.1, 0.33333334, 1e-30]}),
    # --- text and bytes
    ("text", "POST", DEMO, body("text", instances=["né", ""]), 200, {"predictions": ["né", ""]}),
    ("text in UTF-8 and escapes", "POST", DEMO, '{"signature_name": "text", "inputs": ["né\\u00e9 \\ud83d\\ude00"]}'.encode(), 200, {"outputs": ["néé 😀"]}),
    ("quotes and line ends", "POST", DEMO, body("text", inputs=['a"\n\t\\']), 200, {"outputs": ['a"\n\t\\']}),
    ("base64", "POST", DEMO, body("text", instances=[{"b64": "aGVsbG8="}]), 200, {"predictions": ["hello"]}),
    ("base64 without its padding", "POST", DEMO, body("text", instances=[{"b64": "aGVsbG8"}]), 200, {"predictions": ["hello"]}),
    ("base64 alone in inputs", "POST", DEMO, body("text", inputs=[{"b64": "aGk="}]), 200, {"outputs": ["hi"]}),
    ("base64 in a named row", "POST", DEMO, body("text", instances=[{"text": {"b64": "aGk="}}]), 200, {"predictions": ["hi"]}),
    ("bytes that are no text, out under _bytes", "POST", DEMO, body("bytes", inputs=[{"b64": "/wA="}]), 200,
     {"outputs": {"length": [2], "same_bytes": [{"b64": "/wA="}]}}),
    ("no base64", "POST", DEMO, body("text", inputs=[{"b64": "!!"}]), 400, "Unable to base64 decode"),
    ("no base64 object", "POST", DEMO, body("text", inputs=[{"b65": "aGk="}]), 400,
     'JSON Value: {\n    "b65": "aGk="\n} not formatted correctly for base64 data'),
    ("a number for text", "POST", DEMO, body("text", inputs=[1]), 400, "JSON Value: 1 Type: Number is not of expected type: string"),
    ("half a surrogate pair", "POST", DEMO, '{"signature_name": "text", "inputs": ["\\ud800"]}', 400, "JSON Parse error: The surrogate pair in string is invalid."),
    # --- the document
    ("no body", "POST", DEMO, "", 400, "JSON Parse error: The document is empty"),
    ("blanks", "POST", DEMO, "  ", 400, "JSON Parse error: The document is empty. at offset: 2"),
    ("no JSON", "POST", DEMO, "hello", 400, "JSON Parse error: Invalid value. at offset: 0"),
    ("cut off", "POST", DEMO, '{"instances": [1.0', 400,
     "JSON Parse error: Missing a comma or } after an object member, or a comma or ] after an array element. at offset: 18"),
    ("a name without quotes", "POST", DEMO, "{instances: 1}", 400, "JSON Parse error: Missing a name for object member. at offset: 1"),
    ("no colon", "POST", DEMO, '{"instances" 1}', 400, "JSON Parse error: Missing a colon after a name of object member. at offset: 13"),
    ("an open string", "POST", DEMO, '{"a', 400, "JSON Parse error: Missing a closing quotation mark in string. at offset: 1"),
    ("a bad escape", "POST", DEMO, '{"a\\x": 1}', 400, "JSON Parse error: Invalid escape character in string. at offset: 3"),
    ("offsets in bytes", "POST", DEMO, '{"é": ?}'.encode(), 400, "JSON Parse error: Invalid value. at offset: 7"),
    ("a list", "POST", DEMO, "[]", 400, "JSON Value: [] Is not object"),
    ("a number", "POST", DEMO, "1", 400, "JSON Value: 1 Is not object"),
    ("bytes after the document", "POST", DEMO, '{"instances": [1.0]} and more', 200, {"predictions": [3.5]}),
    ("a byte order mark", "POST", DEMO, b'\xef\xbb\xbf{"instances": [1.0]}', 200, {"predictions": [3.5]}),
    ("neither key", "POST", DEMO, "{}", 400, "Missing 'inputs' or 'instances' key"),
    ("both keys", "POST", DEMO, '{"inputs": 1, "instances": 1}', 400,
     'JSON Value: {\n    "inputs": 1,\n    "instances": 1\n} Not formatted correctly expecting only one of \'inputs\' or \'instances\' keys to exist '),
    ("instances that are no list", "POST", DEMO, '{"instances": 1}', 400, 'JSON Value: {\n    "instances": 1\n} Excepting \'instances\' to be an list/array'),
    ("a signature's name that is no text", "POST", DEMO, '{"signature_name": 1}', 400,
     'JSON Value: {\n    "signature_name": 1\n} not formatted correctly. \'signature_name\' key must be a string value.'),
    ("no such signature", "POST", DEMO, body("x", instances=[1.0]), 400, 'Serving signature name: "x" not found in signature def'),
    ("the initialiser is no signature", "POST", DEMO, body("__saved_model_init_op", instances=[1.0]), 400,
     'Serving signature name: "__saved_model_init_op" not found in signature def'),
    # --- outputs
    ("a scalar out in a row", "POST", DEMO, body("scalar", instances=[1.0]), 400, "Tensor name: total has no shape information "),
    ("a scalar out in a column", "POST", DEMO, body("scalar", inputs=[1.0, 2.0]), 200, {"outputs": 3.0}),
    ("uneven outputs in rows", "POST", DEMO, body("uneven", instances=[1.0, 2.0]), 400, "Tensor name: first has inconsistent batch size: 1 expecting: 2"),
    ("uneven outputs in columns", "POST", DEMO, body("uneven", inputs=[1.0, 2.0]), 200, {"outputs": {"all": [1.0, 2.0], "first": [1.0]}}),
    ("no rows out", "POST", DEMO, body("nothing_left", instances=[1.0]), 400, "Tensor name: none has invalid batch size: 0"),
    ("what an operation refuses", "POST", DEMO, body("divide", inputs=[0]), 400, None),
    # --- versions, labels, names
    ("a version", "POST", "/v1/models/demo/versions/1:predict", body(instances=[1.0]), 200, {"predictions": [2.5]}),
    ("a version with zeros before it", "POST", "/v1/models/demo/versions/0001:predict", body(instances=[1.0]), 200, {"predictions": [2.5]}),
    ("the highest version", "POST", "/v1/models/demo/versions/2:predict", body(instances=[1.0]), 200, {"predictions": [3.5]}),
    ("a label", "POST", "/v1/models/demo/labels/stable:predict", body(instances=[1.0]), 200, {"predictions": [2.5]}),
    ("another label", "POST", "/v1/models/demo/labels/canary:predict", body(instances=[1.0]), 200, {"predictions": [3.5]}),
    ("no such label", "POST", "/v1/models/demo/labels/nope:predict", body(instances=[1.0]), 400, "Unrecognized servable version label: nope"),
    ("no such version", "POST", "/v1/models/demo/versions/7:predict", body(instances=[1.0]), 404, "Servable not found for request: Specific(demo, 7)"),
    ("no such model", "POST", "/v1/models/nope:predict", body(instances=[1.0]), 404, "Servable not found for request: Latest(nope)"),
    ("a version of no such model", "POST", "/v1/models/nope/versions/3:predict", body(instances=[1.0]), 404, "Servable not found for request: Specific(nope, 3)"),
    ("JSON is read before the model is looked for", "POST", "/v1/models/nope:predict", "{", 400, "JSON Parse error: Missing a name for object member. at offset: 1"),
    ("a version beyond 64 bits", "POST", "/v1/models/demo/versions/99999999999999999999:predict", body(instances=[1.0]), 400,
     "Failed to convert version: 99999999999999999999 to numeric."),
    ("a version of five thousand digits", "POST", f"/v1/models/demo/versions/{'9' * 5000}:predict", body(instances=[1.0]), 400,
     f"Failed to convert version: {'9' * 5000} to numeric."),
    ("a predict without a name", "POST", "/v1/models:predict", "{}", 400, "Malformed request: POST /v1/models:predict"),
    ("the version of no name", "GET", "/v1/models/versions/1", None, 400, "Missing model name in request."),
    ("POST of the page's list", "POST", "/models", "{}", 400, "Malformed request: POST /models"),
    ("a name with a space", "POST", "/v1/models/my%20model:predict", body(instances=[1.0]), 200, {"predictions": [2.5]}),
    ("capitals in the path", "POST", "/V1/Models/demo:PREDICT", body(instances=[1.0]), 200, {"predictions": [3.5]}),
    ("a query", "POST", DEMO + "?x=1", body(instances=[1.0]), 200, {"predictions": [3.5]}),
    # --- paths and verbs
    ("GET of predict", "GET", DEMO, None, 400, f"Malformed request: GET {DEMO}"),
    ("PUT of predict", "PUT", DEMO, "{}", 400, f"Malformed request: PUT {DEMO}"),
    ("DELETE of a model", "DELETE", "/v1/models/demo", None, 400, "Malformed request: DELETE /v1/models/demo"),
    ("OPTIONS", "OPTIONS", DEMO, None, 400, f"Malformed request: OPTIONS {DEMO}"),
    ("POST of a status", "POST", "/v1/models/demo", "{}", 400, "Malformed request: POST /v1/models/demo"),
    ("no such method", "POST", "/v1/models/demo:ask", "{}", 400, "Malformed request: POST /v1/models/demo:ask"),
    ("version and label", "POST", "/v1/models/demo/versions/1/labels/stable:predict", "{}", 400,
     "Malformed request: POST /v1/models/demo/versions/1/labels/stable:predict"),
    ("a version that is no number", "POST", "/v1/models/demo/versions/one:predict", "{}", 400, "Malformed request: POST /v1/models/demo/versions/one:predict"),
    ("another path under v1", "GET", "/v1/other", None, 400, "Malformed request: GET /v1/other"),
    ("a slash at the end", "GET", "/v1/models/demo/", None, 400, "Malformed request: GET /v1/models/demo/"),
    ("classify", "POST", "/v1/models/demo:classify", '{"examples": [{"x": 1.0}]}', 400,
     "Expected classification signature method_name to be tensorflow/serving/classify. Was: tensorflow/serving/predict"),
    ("regress", "POST", "/v1/models/demo/versions/1:regress", '{"signature_name": "matrix", "examples": [{"x": 1.0}]}', 400,
     "Expected regression signature method_name to be tensorflow/serving/regress. Was: tensorflow/serving/predict"),
    ("classify by no signature", "POST", "/v1/models/demo:classify", '{"signature_name": "x", "examples": [{}]}', 400,
     "No signature was found with the name: x"),
    ("outside v1", "GET", "/v2/models/demo", None, 404, b"404"),
    ("outside v1, another verb", "PATCH", "/index.html", None, 404, b"404"),
    # --- status and metadata
    ("all versions", "GET", "/v1/models/demo", None, 200, {"model_version_status": [TWO, ONE]}),
    ("the status of a version", "GET", "/v1/models/demo/versions/1", None, 200, {"model_version_status": [ONE]}),
    ("the status of a label", "GET", "/v1/models/demo/labels/stable", None, 200, {"model_version_status": [ONE]}),
    ("the status of no such label", "GET", "/v1/models/demo/labels/nope", None, 400, "Unrecognized servable version label: nope"),
    ("the status of no such version", "GET", "/v1/models/demo/versions/7", None, 404, "Could not find version 7 of model demo"),
    ("the status of no such model", "GET", "/v1/models/nope", None, 404, "Could not find any versions of model nope"),
    ("the status of a version of no such model", "GET", "/v1/models/nope/versions/7", None, 404, "Could not find version 7 of model nope"),
    ("the number of a folder 00000123", "GET", "/v1/models/my%20model", None, 200, {"model_version_status": [ONE | {"version": "123"}]}),
    ("a status without a name", "GET", "/v1/models", None, 400, "Missing model name in request."),
    ("metadata without a name", "GET", "/v1/models/metadata", None, 404, "Could not find any versions of model metadata"),
    ("metadata of no such model", "GET", "/v1/models/nope/metadata", None, 404, "Servable not found for request: Latest(nope)"),
    ("metadata of no such version", "GET", "/v1/models/demo/versions/7/metadata", None, 404, "Servable not found for request: Specific(demo, 7)"),
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("models")
    half_plus_two(folder / "demo", 1, add=2.0)
    half_plus_two(folder / "demo", 2, add=3.0)
    half_plus_two(folder / "spaced", 1, add=2.0).rename(folder / "spaced" / "00000123")
    labels = ["--label", "demo/stable=1", "--label", "demo/canary=2"]
    with run_server(folder / "demo", f"my model={folder / 'spaced'}", "--keep", "2", *labels) as process:
        yield process


@pytest.mark.parametrize(
    ("verb", "path", "sent", "status", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_request_is_answered_as_tf_serving_answers_it(
    verb: str, path: str, sent: Any, status: int, expected: Any, server: ServerProcess
) -> None:
    code, headers, answer = server.ask(verb, path, sent)
    assert code == status, answer
    if isinstance(expected, bytes):
        assert expected in answer
        return
    assert headers["Content-Type"] == "application/json"
    if isinstance(expected, str):
        assert answer == {"error": expected}
    elif expected is None:
        assert list(answer) == ["error"]
        assert answer["error"]
    else:
        assert json.dumps(answer, sort_keys=True) == json.dumps(expected, sort_keys=True)  # NaN is itself here


def test_there_are_eighty_cases_or_more() -> None:
    assert len({case[0] for case in CASES}) == len(CASES) >= 80


def test_metadata_is_doubly_nested_with_sizes_as_text(server: ServerProcess) -> None:
    code, _, answer = server.ask("GET", "/v1/models/demo/versions/1/metadata")
    assert code == 200
    assert answer["model_spec"] == {"name": "demo", "signature_name": "", "version": "1"}
    assert list(answer["metadata"]) == ["signature_def"]
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    default = signatures["serving_default"]
    assert default["method_name"] == "tensorflow/serving/predict"
    assert default["inputs"] == {
        "x": {
            "dtype": "DT_FLOAT",
            "tensor_shape": {"dim": [{"size": "-1", "name": ""}], "unknown_rank": False},
            "name": "serving_default_x:0",
        }
    }
    assert default["defaults"] == {}
    assert server.ask("GET", "/v1/models/demo/labels/canary/metadata")[2]["model_spec"]["version"] == "2"


def test_a_body_may_be_gzip_and_come_in_chunks(server: ServerProcess) -> None:
    packed = gzip.compress(body(instances=[1.0]).encode())
    assert server.ask("POST", DEMO, packed, Content_Encoding="gzip")[2] == {"predictions": [3.5]}
    assert server.ask("POST", DEMO, iter([b'{"instances"', b": [1.0]}"]))[2] == {"predictions": [3.5]}  # type: ignore[arg-type]


def test_digits_are_the_shortest_that_read_back_the_same(server: ServerProcess) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as client:
        sent = body("any", inputs=[0.1, 3, math.nan, 1e20])
        client.sendall(
            f"POST {DEMO} HTTP/1.1\r\nConnection: close\r\nContent-Length: {len(sent)}\r\n\r\n{sent}".encode()
        )
        received = b"".join(iter(lambda: client.recv(65536), b""))
    assert received.endswith(b'\r\n\r\n{"outputs": [0.1, 3.0, NaN, 1e+20]}')

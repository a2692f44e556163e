"""The files in deploy/, as far as they can be checked without the images and a cluster."""

from __future__ import annotations

import re
from typing import Any

import yaml
from conftest import ROOT

from seqapp.serving.rest import routes

DEPLOY = ROOT / "deploy"


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def test_compose_mounts_an_export_where_tensorflow_serving_looks_for_it() -> None:
    composed = read("docker-compose.yml")
    assert composed.keys() == {"name", "services", "configs"}
    server = composed["services"]["serving"]
    known = {"image", "environment", "volumes", "command", "configs", "ports", "healthcheck", "restart", "read_only",
             "tmpfs", "cap_drop", "security_opt"}  # fmt: skip
    assert server.keys() <= known  # of the Compose specification
    assert server["image"].startswith("tensorflow/serving:")
    name = server["environment"]["MODEL_NAME"]
    assert name.startswith("${RUN:?")  # reports what is missing
    (mount,) = server["volumes"]
    assert (mount["source"], mount["target"], mount["read_only"]) == ("../runs/${RUN}/export", "/models/${RUN}", True)
    assert server["ports"] == ["127.0.0.1:8501:8501", "127.0.0.1:8500:8500"]
    assert server["configs"][0]["source"] in composed["configs"]
    assert f"--monitoring_config_file={server['configs'][0]['target']}" in server["command"]


def test_kserve_s_manifest_is_an_inference_service_of_its_tensorflow_runtime() -> None:
    manifest = read("kserve.yaml")
    assert (manifest["apiVersion"], manifest["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", manifest["metadata"]["name"])  # a DNS label
    model = manifest["spec"]["predictor"]["model"]
    assert model["modelFormat"] == {"name": "tensorflow"}
    assert model["protocolVersion"] == "v1"
    assert model["storageUri"].startswith("pvc://")
    assert model["resources"].keys() == {"requests", "limits"}


def test_the_curl_lines_use_paths_that_the_server_answers() -> None:
    addresses = re.findall(r'curl "\$BASE([^"]*)"', (DEPLOY / "README.md").read_text())
    assert len(addresses) == 5
    paths = [("POST" if ":" in path else "GET", path) for path in addresses]
    assert {routes.parse(verb, path).resource for verb, path in paths} == {"status", "metadata", "predict"}

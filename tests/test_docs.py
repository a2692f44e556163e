"""The documentation: complete, current, and every command and link in it works. Trains only for the README's example."""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import shlex
from pathlib import Path

import click
import pytest
from conftest import ROOT, seqapp

from docs import reference
from seqapp import rooms
from seqapp.cli import main

OWN_PAGES = ("README.md", "CONTRIBUTING.md", "datasets/README.md", "models/README.md", "deploy/README.md")
GUIDES = [*OWN_PAGES, *(str(page.relative_to(ROOT)) for page in reference.pages())]
PAGES = [*GUIDES, "CHANGELOG.md", "benchmarks/README.md"]
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (.+)$", re.MULTILINE)
FOREIGN = {"--saved-model", "--output", "--opset", "--parts", "--kills", "--leak", "--enable_batching", "--help"}
FOREIGN |= {"--model_config_file", "--length", "--depth", "--ff-only", "--minutes"}


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def command_lines(page: str) -> list[list[str]]:
    """Return the arguments of every `seqapp` command in a page's code blocks."""
    text = read(page)
    blocks = [match[2] for match in FENCED.finditer(text) if match[1] in ("sh", "console")]
    lines = "\n".join([*blocks, *INDENTED.findall(FENCED.sub("", text))]).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in re.split(r"&&|\|(?=\s)|\s>\s", line.removeprefix("$ "))]
    commands = [shlex.split(part, comments=True) for part in parts if re.match(r"\s*seqapp \w", part)]
    return [command[1:] for command in commands if not placeholders(command)]


def placeholders(command: list[str]) -> set[str]:
    """Return the words of a command that stand for something: DATASET, [OPTIONS], …"""
    return {word for word in command if re.fullmatch(r"[A-Z]+|\[.*|.*…|.*\.\.\.|.*\|[A-Z].*", word)}


def parse(arguments: list[str]) -> None:
    """Parse a command as the command line does, without running it; click.UsageError where it cannot be."""
    name, *rest = arguments
    command = main.get_command(click.Context(main), name)
    assert command is not None
    context = click.Context(command, info_name=name)
    if name == "inspect" and len(rest) > 1:
        assert isinstance(command, click.Group)
        command, rest = command.get_command(context, rest[1]), rest[2:]
    if name == "train":
        assert isinstance(command, click.Group)
        _, command, rest = command.resolve_command(context, rest)
    assert command is not None
    parsed = command.make_context(name, rest)
    if name == "compare":  # the options that it does not know are those of train
        own, values = parsed.params["models"].split(","), parsed.args
        for model in own:
            parse(["train", str(parsed.params["dataset"]), "--model", *shlex.split(model.format(gap=50)), *values])


@functools.cache
def known_options() -> frozenset[str]:
    """Return the names of all options of all commands, datasets, models and views."""
    outputs = [seqapp(name, "--help").output for name in commands()]
    outputs += [seqapp("train", dataset, "--help").output for dataset in rooms.names("datasets")]
    outputs += [seqapp("train", "fibonacci", "--model", model, "--help").output for model in rooms.names("models")]
    outputs += [seqapp("inspect", "run", view, "--help").output for view in rooms.names("inspection")]
    return frozenset(re.findall(r"--[a-z][a-z0-9-]*", "".join(outputs)))


def commands() -> list[str]:
    return main.list_commands(click.Context(main))


@pytest.fixture
def own_files(tmp_path: Path) -> None:
    """The files that the pages call a user's own, here the complete examples of datasets/README.md and models/README.md."""
    dataset, model = (FENCED.search(read(f"{kind}/README.md")) for kind in ("datasets", "models"))
    assert dataset
    assert model
    for name in set(re.findall(r"\./(\w+\.py)", "".join(map(read, PAGES)))):
        (tmp_path / name).write_text((model if "model" in name or "gru" in name else dataset)[2])


@pytest.mark.parametrize("name", commands())
def test_every_command_is_documented(name: str) -> None:
    assert len(seqapp(name, "--help").output.splitlines()) > 4
    assert f"seqapp {name}" in read("README.md")
    assert f"\n## {name}\n" in read("docs/commands.md")


@pytest.mark.parametrize("kind", ["datasets", "models"])
def test_every_dataset_and_model_is_documented_and_listed(kind: str) -> None:
    output = seqapp("list").output
    for name in rooms.names(kind):
        assert re.search(rf"^  {name} +\S", output, re.MULTILINE)
        assert f"`{name}.py`" in read(f"{kind}/README.md")
        assert f"`{name}`" in read("README.md")


@pytest.mark.parametrize("dataset", rooms.names("datasets"))
def test_every_dataset_has_its_options_and_its_signatures_documented(dataset: str) -> None:
    assert f"\n### {dataset}\n" in read("docs/datasets.md")
    assert f"\n| {dataset} | serving_default |" in read("docs/signatures.md")


def test_every_option_has_help() -> None:
    for row in re.findall(r"^\| `--.*", "".join(map(read, GUIDES)), re.MULTILINE):
        assert not row.endswith("|  |"), row


@pytest.mark.parametrize("page", [page.name for page in reference.pages()])
def test_the_reference_sections_are_current(page: str) -> None:
    text = read(f"docs/{page}")
    assert reference.renewed(text) == text, "run: make docs"


@pytest.mark.usefixtures("own_files")
@pytest.mark.parametrize("page", GUIDES)
def test_commands_in_code_blocks_can_be_parsed(page: str) -> None:
    for arguments in command_lines(page):
        with contextlib.suppress(click.exceptions.Exit):  # --help
            parse(arguments)


def test_code_blocks_hold_commands() -> None:
    assert sum(len(command_lines(page)) for page in GUIDES) > 50


@pytest.mark.parametrize("page", GUIDES)
def test_commands_and_options_in_sentences_exist(page: str) -> None:
    code = re.findall(r"`([^`\n]+)`", FENCED.sub("", read(page)))
    for text in code:
        for name in re.findall(r"seqapp (\w+)", text):
            assert name in commands(), text
        for option in re.findall(r"(?<![\w-])--[a-z][\w-]*", text):
            assert option in known_options() | FOREIGN, text


def test_make_targets_in_the_documentation_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for page in PAGES:
        code = [*re.findall(r"`([^`\n]+)`", read(page)), *INDENTED.findall(read(page))]
        for target in re.findall(r"^make ([a-z-]+)\b(?!/)", "\n".join(code), re.MULTILINE):
            assert target in targets | {"runs"}, f"{page}: make {target}"


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to a page's headings."""
    titles = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", read(page))):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("page", PAGES)
def test_files_and_modules_that_are_named_exist(page: str) -> None:
    code = re.findall(r"`([^`\n]+)`", FENCED.sub("", read(page)))
    for path in re.findall(
        r"(?<![\w./-])((?:seqapp|tests|benchmarks|docs|datasets|models|deploy)/[\w/.]+)", "\n".join(code)
    ):
        assert (ROOT / path.rstrip(".")).exists() or re.search("my_|docker", path), path
    for module in re.findall(r"python -m ((?:benchmarks|tests|docs)[\w.]+)", read(page)):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module


@pytest.mark.slow
def test_the_readmes_worked_example_prints_what_it_says() -> None:
    session, program = re.findall(r"^```(?:console|python)\n(.*?)^```$", read("README.md"), re.MULTILINE | re.DOTALL)
    printed = ""
    for line in re.findall(r"^\$ seqapp (.*)$", session, re.MULTILINE):
        printed += f"$ seqapp {line}\n{seqapp(*shlex.split(line)).stdout}"
    assert seconds_hidden(printed) == seconds_hidden(session)
    *statements, last = ast.parse(program).body
    assert isinstance(last, ast.Expr)
    names: dict[str, object] = {}
    exec(compile(ast.Module(statements, []), "README.md", "exec"), names)
    value = eval(compile(ast.Expression(last.value), "README.md", "eval"), names)
    assert program.rstrip().endswith(f"# {value.numpy().tolist()}".replace("'", '"'))


def seconds_hidden(text: str) -> str:
    return re.sub(r"\d+ s\. ", "N s. ", text)

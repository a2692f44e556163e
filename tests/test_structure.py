"""How seqapp/ is built, read from its syntax trees: no cycles, imports point down, no name of a dataset or model file.

`python tests/test_structure.py` and `pytest -s tests/test_structure.py` print its figures.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = [  # from the top down
    "cli", "commands", "api", "serving", "inspection", "distribution", "training", "tasks", "generation", "runs",
    "saved_model", "networks", "evaluation", "data", "features", "heads", "layers", "rooms", "contract", "trust",
    "system", "errors",
]  # fmt: skip
LINES = 30  # of a function's body, docstring apart


def name_of(file: Path, root: Path = ROOT) -> str:
    """The module of a file: seqapp/data/table.py is `seqapp.data.table`."""
    return ".".join(file.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


@cache
def trees() -> dict[str, ast.Module]:
    """The syntax tree of each module of seqapp/."""
    return {name_of(file): ast.parse(file.read_text()) for file in sorted((ROOT / "seqapp").rglob("*.py"))}


def imports_of(module: str, tree: ast.Module) -> Iterator[str]:
    """The modules of seqapp that a module imports: inside functions and for type checkers too."""
    known = trees()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: a relative import"
            for alias in node.names:
                result = f"{node.module}.{alias.name}" if f"{node.module}.{alias.name}" in known else str(node.module)
                if result in known:
                    yield result


@cache
def arrows() -> set[tuple[str, str]]:
    """Who imports whom. `seqapp` itself, which gives the version, and `__main__` stand apart."""
    apart = {"seqapp", "seqapp.__main__"}
    result = {(module, other) for module, tree in trees().items() for other in imports_of(module, tree)}
    return {(one, two) for one, two in result if one != two and not {one, two} & apart}


def cycles(edges: set[tuple[str, str]]) -> set[frozenset[str]]:
    """The largest sets of modules of which each leads to each."""
    after: dict[str, set[str]] = {}
    for one, two in edges:
        after.setdefault(one, set()).add(two)

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            new = after.get(waiting.pop(), set()) - seen
            seen |= new
            waiting += new
        return seen

    reach = {module: reachable(module) for module in after}
    return {frozenset(two for two in reach[one] if one in reach.get(two, set())) for one in reach if one in reach[one]}


def upward(edges: set[tuple[str, str]]) -> set[str]:
    """Imports that point up DESIGN's list of packages."""

    def floor(module: str) -> int:
        return PACKAGES.index(module.split(".")[1])

    return {f"{one} -> {two}" for one, two in edges if floor(one) > floor(two)}


def room_names() -> set[str]:
    """The names of all files in datasets/ and models/."""
    return {file.stem for kind in ("datasets", "models") for file in (ROOT / kind).glob("*.py")}


def dependences_on_names(tree: ast.AST, names: set[str]) -> Iterator[ast.AST]:
    """Where a tree compares with a name, falls back on it, or returns it. Words such as "text" may be keys and values."""

    def is_name(node: ast.AST | None) -> bool:
        parts = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
        return any(isinstance(part, ast.Constant) and part.value in names for part in parts if part)

    for node in ast.walk(tree):
        candidates: list[ast.AST | None] = []
        match node:
            case ast.Compare(left=left, comparators=others):
                candidates = [left, *others]
            case ast.MatchValue(value=value) | ast.Return(value=value):
                candidates = [value]
            case ast.arguments(defaults=defaults, kw_defaults=others):
                candidates = [*defaults, *others]
            case ast.keyword(arg="default" | "model" | "dataset" | "name", value=value):
                candidates = [value]
            case ast.BoolOp(values=values):
                candidates = list(values)
            case ast.IfExp(body=one, orelse=two):
                candidates = [one, two]
            case ast.Call(func=ast.Attribute(attr="get" | "find" | "pop" | "getattr"), args=arguments):
                candidates = list(arguments[1:])
            case ast.Assign(targets=[ast.Name()], value=value):
                candidates = [value]
        if any(map(is_name, candidates)):
            yield node


def names_in_seqapp() -> set[str]:
    """Each dependence on a name in seqapp/, as its module and code."""
    names = room_names()
    return {
        f"{module}: {ast.unparse(node)[:80]}"
        for module, tree in trees().items()
        for node in dependences_on_names(tree, names)
    }


def bodies() -> Iterator[tuple[int, str]]:
    """The lines of each function's body, without its docstring, and where it stands."""
    for module, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
                yield (node.end_lineno or 0) - first[0].lineno + 1, f"{module}.{node.name}"


def test_no_import_leads_back() -> None:
    assert not cycles(arrows())


def test_imports_point_down_the_list_of_packages() -> None:
    assert not upward(arrows())


def test_nothing_depends_on_the_name_of_a_dataset_or_model() -> None:
    assert not names_in_seqapp()


def test_no_dataset_or_model_is_imported() -> None:
    for file in (file for folder in ("seqapp", "datasets", "models") for file in (ROOT / folder).rglob("*.py")):
        for line in file.read_text().splitlines():
            assert not re.match(r"\s*(from|import) (seqapp\.)?(datasets|models)\b", line), f"{file}: {line}"


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("if name == 'gru': pass", 1),
        ("if name in ('gru', 'x'): pass", 1),
        ("def f(model='gru'): pass", 1),
        ("click.option('--model', default='gru')", 1),
        ("model = model or 'gru'", 1),
        ("table.get(name, 'gru')", 1),
        ("match name:\n    case 'gru': pass", 1),
        ("'''gru'''\nsays('a gru'); {'gru': 1}", 0),
    ],
)
def test_a_dependence_on_a_name_would_be_found(code: str, count: int) -> None:
    assert len(list(dependences_on_names(ast.parse(code), {"gru"}))) == count


def test_a_cycle_and_an_arrow_up_would_be_found() -> None:
    edges = {("seqapp.cli", "seqapp.errors"), ("seqapp.errors", "seqapp.data.a"), ("seqapp.data.a", "seqapp.cli")}
    assert cycles(edges) == {frozenset({"seqapp.cli", "seqapp.errors", "seqapp.data.a"})}
    assert upward(edges) == {"seqapp.errors -> seqapp.data.a", "seqapp.data.a -> seqapp.cli"}


@pytest.mark.slow
def test_with_every_dataset_and_model_renamed_the_contract_holds(tmp_path: Path) -> None:
    for name in ("seqapp", "datasets", "models", "tests", "benchmarks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    names = room_names()
    for kind in ("datasets", "models"):
        for file in (tmp_path / kind).glob("*.py"):
            file.rename(file.with_stem(f"renamed_{file.stem}"))
    for file in (tmp_path / "tests" / "conftest.py", tmp_path / "tests" / "test_contract.py"):  # their small options
        words = re.compile(rf'"({"|".join(names)})"')
        file.write_text(words.sub(r'"renamed_\1"', file.read_text()))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-m",
        "not slow",
        "tests/test_contract.py",
    ]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def figures() -> str:
    """The size of seqapp/ and how its parts hang together."""
    sizes = sorted(
        ((len(file.read_text().splitlines()), file) for file in (ROOT / "seqapp").rglob("*.py")), reverse=True
    )
    packages = {(one.split(".")[1], two.split(".")[1]) for one, two in arrows()}
    long = sorted((body for body in bodies() if body[0] > LINES), reverse=True)
    return "\n".join([
        f"{len(sizes)} files, {sum(size for size, _ in sizes):,} lines, {len({name.split('.')[1] for name in trees() if '.' in name})} packages and files at the top",
        f"{len(arrows())} arrows between files, {sum(one != two for one, two in packages)} between packages",
        "largest files: " + ", ".join(f"{file.relative_to(ROOT)} {size}" for size, file in sizes[:10]),
        f"{len(long)} functions with more than {LINES} lines of body: " + ", ".join(f"{name} {size}" for size, name in long),
    ])  # fmt: skip


def test_figures_are_printed_with_s() -> None:
    print(f"\n{figures()}")
    assert "files" in figures()


if __name__ == "__main__":
    print(figures(), *cycles(arrows()), *upward(arrows()), *names_in_seqapp(), sep="\n")

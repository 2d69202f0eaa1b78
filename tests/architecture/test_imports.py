"""Imports: no circle between files, and what is imported from elsewhere is declared."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("orchestration", "ingestion", "models", "dashboards", "simulator")
# Declared and imported nowhere.
COMMANDS = {
    "dagster-webserver": "the UI of `kpi dev`",
    "dbt-spark": "dbt's own import of the adapter",
    "import-linter": "make lint",
    "mypy": "make lint",
    "pre-commit": "the hooks of .pre-commit-config.yaml",
    "pytest-xdist": "make test runs on all cores",
    "ruff": "make lint",
    "sqlfluff": "make lint",
    "types-pyyaml": "types for mypy",
}
# Imported and not declared: benchmarks load with it in another environment.
ELSEWHERE = {"dlt", "prophet", "statsmodels"}


def files(*folders: str) -> dict[str, Path]:
    """Module -> its file."""
    found = {}
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


MODULES = files(*PACKAGES, "tests", "benchmarks", "examples")


def imported(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever it does and be it for types alone."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module  # also where a module of the package is meant: it is run first
            full = (f"{node.module}.{alias.name}" for alias in node.names)
            yield from (name for name in full if name in MODULES)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_file_imports_itself_by_way_of_others() -> None:
    needs = {name: set(imported(path)) & MODULES.keys() - {name} for name, path in MODULES.items()}
    assert sum(map(len, needs.values())) > len(MODULES)  # it does see imports
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def declared() -> set[str]:
    extras = PROJECT["optional-dependencies"].values()
    wanted = [*PROJECT["dependencies"], *(name for extra in extras for name in extra)]
    return {normal(re.split(r"[\[<>=;]", one)[0]) for one in wanted}


def test_what_is_imported_is_declared_and_what_is_declared_is_used() -> None:
    tops = {name.split(".")[0] for path in MODULES.values() for name in imported(path)}
    own = {name.split(".")[0] for name in MODULES}
    foreign = tops - sys.stdlib_module_names - own - ELSEWHERE
    offered = packages_distributions()
    used = {name: {normal(one) for one in offered.get(name, [name])} for name in foreign}
    undeclared = {name for name, owners in used.items() if not owners & declared()}
    assert undeclared == set()
    unused = declared() - set().union(*used.values())
    # where the extra is installed, the adapter is one of those that offer `dbt`
    assert unused | {"dbt-spark"} == set(COMMANDS)


def test_private_names_of_others_are_imported_in_one_file() -> None:
    """A minor release may move them: `test_event_log` fails then, and nothing else."""
    private = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES.values()
        for name in imported(path)
        if name not in MODULES and re.search(r"\._[a-z]", name)
    }
    assert private == {"orchestration/event_log.py"}

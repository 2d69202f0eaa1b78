"""No two files of the program need each other, not even for a type."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("ingestion", "models", "dashboards", "simulator", "orchestration")


def test_no_file_imports_itself_by_way_of_others() -> None:
    files = [path for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    names = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p
             for p in files}  # fmt: skip
    needs: dict[str, set[str]] = {}
    for name, path in names.items():
        found = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                module = node.module or ""
                parts = {f"{module}.{alias.name}" for alias in node.names} & names.keys()
                # `from package import module` needs the module, else what the package holds.
                found |= parts if len(parts) == len(node.names) else parts | {module}
        needs[name] = found & names.keys()
    assert sum(map(len, needs.values())) > len(files)  # it does see imports
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None

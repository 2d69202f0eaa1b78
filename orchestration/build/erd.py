"""The marts and how they belong together, as a Mermaid diagram made of the tests `refers_to`.

Belongs here: what the project's tests hold of keys. `make docs` writes it to docs/erd.md.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HEAD = """# How the marts belong together

Made from the tests `refers_to` and `unique_grain` by `make docs`. A line goes from a row to the one it refers to; where a key is NULL a row refers to none. Facts by day (`fct_*_daily`) have no keys of rows: join them by `business_date` and their dimensions.

"""  # noqa: E501 - a line of the page


@dataclass(frozen=True)
class Reference:
    """Columns of a table that name a row of another."""

    table: str
    columns: tuple[str, ...]
    to: str


def references(manifest: Mapping[str, Any]) -> list[Reference]:
    """What the tests `refers_to` of a dbt manifest hold."""
    return sorted(
        (
            Reference(_name(node["attached_node"]), tuple(test["kwargs"]["columns"]),
                      str(re.search(r"ref\('(\w+)'\)", test["kwargs"]["to"])[1]))  # type: ignore[index]
            for node, test in _tests(manifest, "refers_to")
        ),
        key=lambda found: (found.table, found.to),
    )  # fmt: skip


def grains(manifest: Mapping[str, Any]) -> dict[str, list[str]]:
    """Table -> the columns that identify a row; of several tests `unique_grain` the shortest."""
    found = [(_name(node["attached_node"]), list(test["kwargs"]["columns"]))
             for node, test in _tests(manifest, "unique_grain")]  # fmt: skip
    return dict(sorted(found, key=lambda one: -len(one[1])))


def _tests(manifest: Mapping[str, Any], name: str) -> list[tuple[Any, Any]]:
    nodes = [node for _, node in sorted(manifest["nodes"].items())]
    tests = [(node, node.get("test_metadata") or {}) for node in nodes]
    return [(node, test) for node, test in tests if test.get("name") == name]


def _name(unique_id: str) -> str:
    return unique_id.rpartition(".")[2]


def diagram(manifest: Mapping[str, Any]) -> str:
    """Mermaid of the marts that refer to one another, with their keys."""
    found, keys = references(manifest), grains(manifest)
    tables = sorted({name for one in found for name in (one.table, one.to)})
    lines = ["erDiagram"]
    lines += [f'    {one.to} |o--o{{ {one.table} : "{", ".join(one.columns)}"' for one in found]
    for table in tables:
        lines.append(f"    {table} {{")
        mine = [column for one in found if one.table == table for column in one.columns]
        for column in dict.fromkeys([*keys.get(table, []), *mine]):
            marks = [
                mark for mark, of in (("PK", keys.get(table, [])), ("FK", mine)) if column in of
            ]
            kind = _type(manifest, table, column)
            lines.append(f"        {kind} {column} {', '.join(marks)}")
        lines.append("    }")
    return "\n".join(lines) + "\n"


def _type(manifest: Mapping[str, Any], table: str, column: str) -> str:
    for node in manifest["nodes"].values():
        if node["name"] == table and column in node["columns"]:
            return str(node["columns"][column].get("data_type") or "string")
    return "string"


def page(manifest: Mapping[str, Any]) -> str:
    """The page `docs/erd.md`."""
    return f"{_HEAD}```mermaid\n{diagram(manifest)}```\n"


if __name__ == "__main__":
    from orchestration.build import dbt

    dbt.prepare_manifest()
    sys.stdout.write(page(dbt.manifest()))

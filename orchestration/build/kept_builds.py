"""Builds by dbt, repeated by the statements that dbt has sent of one before.

They are the same each time: what a build holds that changes from run to run is what its statements
read. To have dbt render a hundred models anew costs a third of a small shop's run, to run what
comes of it a tenth. Of a shop with other variables dbt renders what reads one, and all else of a
full build is as it was sent before.

A build in part, where every incremental table replaces some rows, is kept for itself. What it asks
the build before a statement is rendered stands in a comment of the statement, beside the answer
(`asked` in dbt_project/macros/incremental/incremental_scope.sql), and is asked again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb

from orchestration.build.results import Result
from orchestration.build.warehouse import connect

# dbt begins what it sends with a comment; what only asks is left out.
_WRITES = re.compile(
    r"\s*(/\*.*?\*/)?\s*(alter|copy|create|delete|drop|insert|truncate|update)\b", re.I | re.S
)
_ASKED = re.compile(r"/\* asked (.*?) \*/.*?/\* answered \*/", re.S)
_VAR = re.compile(r"\bvar\s*\(")
_BUILT = ("model.", "seed.")
_ABRIDGED = 512  # characters


class Statements:
    """What dbt sends during a build: node, or "" before the first, -> its statements, in order."""

    def __init__(self) -> None:
        self._sent: dict[str, list[str]] = {}

    def note(self, event: Any) -> None:
        """Note an event of dbt, if it tells of a statement that writes."""
        if event.info.name == "SQLQuery" and _WRITES.match(event.data.sql):
            sql = event.data.sql
            if len(sql) < _ABRIDGED:  # so is told what reads a seed, and marked even if it is whole
                sql = sql.removesuffix("...")
            self._sent.setdefault(event.data.node_info.unique_id, []).append(sql)

    def of_all(
        self, project: Mapping[str, Any], results: Sequence[Result]
    ) -> list[tuple[str, str, list[str]]]:
        """Of each node name, what dbt compiled of it and what it sent, in order.

        Empty unless all that the project has was built, and its hooks have run.
        """
        if any(one.status == "error" for one in results):
            return []
        built = {one.unique_id: one.compiled_code for one in results if one.status == "success"}
        if not built.keys() >= {name for name in project["nodes"] if name.startswith(_BUILT)}:
            return []
        return [(name, built.get(name) or "", sent) for name, sent in self._sent.items()]


def reading_variables(project: Mapping[str, Any]) -> list[str]:
    """Models and tests whose SQL, or that of a macro that it calls, reads a variable."""
    reads: dict[str, bool] = {}

    def is_reading(text: str, macros: Sequence[str]) -> bool:
        return bool(_VAR.search(text)) or any(of_macro(name) for name in macros)

    def of_macro(name: str) -> bool:
        if name not in reads:
            reads[name] = False  # while it is looked at: a macro may call itself
            macro = project["macros"][name]
            reads[name] = is_reading(macro["macro_sql"], macro["depends_on"]["macros"])
        return reads[name]

    return [
        name
        for name, node in project["nodes"].items()
        if name.startswith(("model.", "test."))
        and is_reading(
            node["raw_code"] + json.dumps(node.get("test_metadata")), node["depends_on"]["macros"]
        )
    ]


def with_variables(
    sent: Sequence[tuple[str, str, list[str]]], compiled: Mapping[str, str]
) -> list[tuple[str, str, list[str]]] | None:
    """What dbt would have sent with other variables.

    Args:
        sent: as `Statements.of_all` gave it.
        compiled: node that reads a variable -> what dbt compiles of it with the others.

    Returns:
        Likewise; None if a statement does not hold what was compiled of its node.
    """
    found = []
    for name, before, statements in sent:
        now = compiled.get(name, before)
        if now != before:
            if sum(sql.count(before) for sql in statements) != 1:
                return None
            statements = [sql.replace(before, now) for sql in statements]  # noqa: PLW2901
        found.append((name, now, statements))
    return found


def repeat(kept: Path, build_file: Path) -> list[Result] | None:
    """Send the statements of a build to another build file.

    Args:
        kept: holds what `Statements.of_all` gave.
        build_file: has the schema `raw`; what is there of a failed try does no harm, for each node
            is a transaction, with the state that the next try reads.

    Returns:
        The results; None if one failed, of which dbt has to tell.
    """
    with connect(build_file) as con:
        # As dbt does, see profiles.yml.
        con.execute("set preserve_insertion_order = false; set fsync_mode = 'NONE'")
        try:
            return list(_results(json.loads(kept.read_text("utf-8")), con))
        except duckdb.Error:
            return None


def _results(
    sent: list[tuple[str, str, list[str]]], con: duckdb.DuckDBPyConnection
) -> Iterator[Result]:
    for name, compiled, statements in sent:
        started = monotonic()
        con.begin()
        for sql in statements:
            con.execute(_answered(con, sql, {}))
        con.commit()
        if name.startswith(_BUILT):
            yield Result(name, "success", "OK", None, monotonic() - started, compiled)


def _answered(con: duckdb.DuckDBPyConnection, sql: str, known: dict[str, str]) -> str:
    """A statement with what the build answers now to what the statement asks."""

    def answer(found: re.Match[str]) -> str:
        query = _answered(con, found[1].replace("/~*", "/*").replace("*~/", "*/"), known)
        if query not in known:
            values = [str(row[0]) for row in con.execute(query).fetchall() if row[0] is not None]
            known[query] = "'" + "', '".join(values) + "'" if values else "null"
        return known[query]

    return _ASKED.sub(answer, sql)


def is_partial(project: Mapping[str, Any], build_file: Path) -> bool:
    """Whether every incremental table of a build replaces some rows, and none is built in full."""
    tables = [
        node["name"]
        for name, node in project["nodes"].items()
        if name.startswith("model.") and "replace" in node["config"]["meta"]
    ]
    with connect(build_file, read_only=True) as con:
        try:
            [(found,)] = con.execute(_IS_PARTIAL, [tables]).fetchall()
        except duckdb.CatalogException:  # nothing was built in it yet
            return False
    return bool(found)


_IS_PARTIAL = """
with newest as (
    select model, max(seq) as seq
    from incremental.state
    where list_contains($1, model)
    group by model
)
select
    count(*) = len($1)
    and not exists (
        from incremental.changes where day is null and seq > (select min(seq) from newest)
    )
from newest
"""

"""The published file: its columns against the contracts of fakes, and what it says of them."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb

from orchestration.build import tables
from tests.support.contracts import contracts

_PUBLISHED = "in ('marts', 'insights', 'quality')"
_EMPTY_WORDS = {"a", "an", "the", "of", "is", "in", "and", "its", "row", "column", "value"}


def _read(home: Path, sql: str) -> list[tuple[str, ...]]:
    file = (home / "data/published/current.duckdb").resolve()
    with duckdb.connect(str(file), read_only=True) as con:
        return con.execute(sql).fetchall()


def _words(text: str) -> set[str]:
    """Words without the endings that tell a plural or a passive."""
    found = re.findall(r"[a-z0-9]+", text.lower())
    return {re.sub(r"(es|s|ed)$", "", word) for word in found} - _EMPTY_WORDS


def test_fakes_have_the_columns_and_types_of_the_published_tables(finished_home: Path) -> None:
    file = (finished_home / "data/published/current.duckdb").resolve()
    with duckdb.connect(str(file), read_only=True) as con:
        names = con.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            f" where table_schema {_PUBLISHED}"
        ).fetchall()
        published = {name: dict(con.sql(f"from {name} limit 0").pl().schema) for (name,) in names}
    assert contracts() == published


def test_every_table_and_column_says_what_it_holds(finished_home: Path) -> None:
    """Not nothing, and not the words of its own name again."""
    told = _read(
        finished_home,
        "select schema_name || '.' || table_name, comment, table_name from duckdb_tables()"
        f" where schema_name {_PUBLISHED} union all"
        " select schema_name || '.' || table_name || '.' || column_name, comment, column_name"
        f" from duckdb_columns() where schema_name {_PUBLISHED} order by 1",
    )
    assert len(told) > 400
    silent = [
        place
        for place, text, name in told
        if not _words(text or "") - _words(name.replace("_", " "))
    ]
    assert silent == []


def test_only_columns_that_are_published_are_described() -> None:
    held = {f"{table}.{column}" for table, columns in contracts().items() for column in columns}
    assert tables.comments().keys() <= held | contracts().keys()

"""Pseudonyms replaced in published generations and their pages, without a reader noticing.

A database is never mended in place, deleted text would stay in its pages: it is written anew under
a name of its own, and who has the old one open keeps it until they close it. Which pseudonyms, and
when what points where, is decided in `forget.py`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]

from ingestion.landing.erase import Replacements
from orchestration.build import warehouse
from orchestration.build.warehouse import literal
from orchestration.config.settings import Paths
from orchestration.erasure.files import files_below, rewrite_file

_ROWS = 250_000
Hits = dict[tuple[str, str], dict[str, int]]


def generation_files(paths: Paths) -> list[Path]:
    """The published databases, oldest first."""
    return sorted(paths.published.glob("marts_*.duckdb"))


def key_frames(file: Path, columns: Iterable[str]) -> list[pl.LazyFrame]:
    """The pseudonyms of a published database: one frame a table, each combination once."""
    wanted = set(columns)
    frames = []
    with warehouse.connect(file, read_only=True) as con:
        for schema, table, names in _text_columns(con):
            if keys := [name for name in names if name in wanted]:
                listed = ", ".join(f'"{name}"' for name in keys)
                rows = con.sql(f'select distinct {listed} from "{schema}"."{table}"')
                frames.append(rows.pl().lazy())
    return frames


def session_ids(file: Path, visitors: dict[str, str]) -> dict[str, str]:
    """Ids of the sessions of some visitors -> the ids they have under their new pseudonyms.

    A session is known by its shop, visitor and first instant, as the macro `session_id` says.
    """
    with warehouse.connect(file, read_only=True) as con:
        if not con.execute(
            "select 1 from duckdb_tables() where schema_name = 'marts'"
            " and table_name = 'fct_sessions'"
        ).fetchone():
            return {}
        rows = con.execute(
            "select session_id, platform, shop_id, visitor_key, started_at::varchar"
            " from marts.fct_sessions where visitor_key in (select unnest(?))",
            [list(visitors)],
        ).fetchall()
    return {
        old: _md5(f"{platform}|{shop}|{visitors[visitor]}|{started}")
        for old, platform, shop, visitor, started in rows
    }


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def hits_in_database(file: Path, wanted: Replacements) -> Hits:
    """Tables of a DuckDB file that hold texts to replace -> their columns -> number of cells."""
    found: Hits = {}
    with warehouse.connect(file, read_only=True) as con:
        for schema, table, names in _text_columns(con):
            listed = ", ".join(f'"{name}"' for name in names)
            cells: dict[str, int] = {}
            for batch in con.sql(f'select {listed} from "{schema}"."{table}"').to_arrow_reader(
                _ROWS
            ):
                for name, count in wanted.columns(pl.DataFrame(batch)).items():
                    cells[name] = cells.get(name, 0) + count
            if cells:
                found[schema, table] = cells
    return found


def _text_columns(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, list[str]]]:
    """Schema, table and text columns of every table of a database that has any."""
    rows: list[tuple[str, str, list[str]]] = con.execute(
        "select c.schema_name, c.table_name, list(c.column_name order by c.column_index)"
        " from duckdb_columns() as c inner join duckdb_tables() as t"
        " using (database_oid, schema_oid, table_oid)"
        " where c.data_type = 'VARCHAR' and not t.internal group by all order by all"
    ).fetchall()
    return rows


def rewrite_generation(paths: Paths, file: Path, wanted: Replacements, found: Hits) -> Path:
    """Write a published database anew with texts replaced, and its pages beside it.

    Args:
        paths: the data folder.
        file: the generation; it stays as it is.
        wanted: what to replace.
        found: where, see `hits_in_database`.

    Returns:
        The new file. Nothing points at it yet.
    """
    run_id = file.stem.removeprefix("marts_")
    new_id = _successor(run_id)
    target = paths.published / f"marts_{new_id}.duckdb"
    partial = paths.published / f".partial_{new_id}.duckdb"
    partial.unlink(missing_ok=True)
    with closing(duckdb.connect()) as con:
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach {literal(file)} as old (read_only)")
        con.execute(
            f"attach {literal(partial)} as new (storage_version '{warehouse.STORAGE_VERSION}')"
        )
        _copy_tables(con, wanted, found)
        con.execute("checkpoint new")
        con.execute("detach new")
    warehouse.seal(partial, target)
    pages, copy = paths.published / f"site_{run_id}", paths.published / f"site_{new_id}"
    # A copy that is there is whole; after a kill the pages it was made of may not be any more.
    if pages.exists() and not copy.exists():
        _copy_pages(pages, copy, wanted)
    return target


def _copy_tables(con: duckdb.DuckDBPyConnection, wanted: Replacements, found: Hits) -> None:
    """Copy every table of `old` into `new`, comments included; nothing old is ever written."""
    tables = con.execute(
        "select schema_name, table_name, comment from duckdb_tables()"
        " where database_name = 'old' order by all"
    ).fetchall()
    for (schema,) in con.execute(
        "select schema_name from duckdb_schemas() where database_name = 'old' and not internal"
    ).fetchall():
        con.execute(f'create schema if not exists new."{schema}"')
    for schema, table, comment in tables:
        name = f'"{schema}"."{table}"'
        columns = found.get((schema, table))
        con.execute(f"create table new.{name} as from old.{name}{' limit 0' if columns else ''}")
        if columns:
            _copy_rows(con, name, wanted, columns)
        if comment:
            con.execute(f"comment on table new.{name} is {literal(comment)}")
    for schema, table, column, comment in con.execute(
        "select schema_name, table_name, column_name, comment from duckdb_columns()"
        " where database_name = 'old' and comment is not null"
    ).fetchall():
        name = f'new."{schema}"."{table}"."{column}"'
        con.execute(f"comment on column {name} is {literal(comment)}")


def _copy_rows(
    con: duckdb.DuckDBPyConnection,
    name: str,
    wanted: Replacements,
    columns: Iterable[str],
) -> None:
    # A second cursor: what is executed on a connection ends the stream read from it.
    with closing(con.cursor()) as source:
        for batch in source.sql(f"from old.{name}").to_arrow_reader(_ROWS):
            rows = pa.Table.from_batches([batch])
            for column in columns:
                texts = pl.DataFrame(rows.select([column]))
                new = wanted.applied(texts, [column])[column].to_arrow()
                rows = rows.set_column(rows.column_names.index(column), column, new)
            con.register("_rows", rows)
            con.execute(f"insert into new.{name} from _rows")
            con.unregister("_rows")


def _copy_pages(pages: Path, target: Path, wanted: Replacements) -> None:
    """Pages under another name: the same files, those with a text to replace written anew."""
    partial = target.with_name(f".partial_{target.name}")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(pages, partial, copy_function=os.link)
    for file in files_below(partial):
        rewrite_file(file, wanted)
    partial.rename(target)


def _successor(run_id: str) -> str:
    """Name of a generation that takes the place of another: sorts right after it."""
    found = re.fullmatch(r"(.*?)(?:_(\d+))?", run_id)
    assert found is not None
    return f"{found.group(1)}_{int(found.group(2) or 0) + 1}"

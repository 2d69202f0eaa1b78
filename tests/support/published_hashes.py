"""Hashes of every published table, to see that a change of structure changes no figure.

    python -m tests.support.published_hashes small > before.json
    python -m tests.support.published_hashes small --against before.json

What is hashed is `small` (the simulated shop of the tests, run into a folder that is thrown
away), `golden` (the hand-worked shop) or a published file. With `--against` only what the earlier
hashes name is looked at: added columns and tables are no difference. It exits with 1 where a table
or column is missing or holds something else.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import duckdb

SCHEMAS = ("marts", "insights", "quality")
# What says when or by which run a row was made, not what it says.
STAMPS = {
    "quality.checks": {"checked_run"},
    "quality.ingest_files": {"landed_at"},
    "quality.run": {"run_id", "built_at", "inputs"},
    "quality.source_watermarks": {"last_arrived_at", "last_file"},
}

Hashes = dict[str, dict[str, str]]


def hashes(file: Path, like: Hashes | None = None) -> Hashes:
    """Table -> column -> digest of the column in the sorted order of the rows.

    With `like` only of the tables and columns it names: others must not tell rows apart either.
    A double is compared by twelve significant digits: engines add in no fixed order.
    """
    with duckdb.connect(str(file.resolve()), read_only=True) as con:
        found = con.execute(
            "select schema_name || '.' || table_name, column_name, data_type"
            " from duckdb_columns() where schema_name in (select unnest(?))"
            " order by all", [list(SCHEMAS)],
        ).fetchall()  # fmt: skip
        tables: dict[str, dict[str, str]] = {}
        for table, column, kind in found:
            if like is not None and column not in like.get(table, {}):
                continue
            if column not in STAMPS.get(table, set()):
                text = f"printf('%.12g', \"{column}\")" if kind == "DOUBLE" else f'"{column}"'
                tables.setdefault(table, {})[column] = f"coalesce({text}::varchar, '<null>')"
        return {table: _digests(con, table, texts) for table, texts in tables.items()}


def _digests(con: duckdb.DuckDBPyConnection, table: str, texts: dict[str, str]) -> dict[str, str]:
    # A column is hashed together with all that identify its row: those that are not measured.
    kinds = dict(con.execute(f"select column_name, column_type from (describe {table})").fetchall())
    named = [
        c for c in texts if not kinds[c].startswith(("DOUBLE", "DECIMAL", "BIGINT", "HUGEINT"))
    ]
    place = ", ".join(texts[c] for c in named) or "''"
    sums = ", ".join(f"sum(hash({place}, {text}))::varchar" for text in texts.values())
    count, *digests = con.execute(f"select count(*)::varchar, {sums} from {table}").fetchall()[0]
    return {"(rows)": count, **dict(zip(texts, map(str, digests), strict=True))}


def differences(before: Hashes, after: Hashes) -> list[str]:
    """What the earlier hashes name and the later ones lack or say otherwise."""
    return [
        f"{table}.{column}: {digest} -> {after.get(table, {}).get(column, 'missing')}"
        for table, columns in before.items()
        for column, digest in columns.items()
        if after.get(table, {}).get(column) != digest
    ]


def made(shop: str, folder: Path) -> Path:
    """The file of a shop, built from nothing; any other name is a file already."""
    if shop == "small":
        from tests.support import shop as small

        home = small.new_home(folder)
        small.deliver(home)
        small.run(home)
        return home / "data/published/current.duckdb"
    if shop == "golden":
        from tests.golden.shop import build

        return build(folder)
    return Path(shop)


def main() -> int:
    """Print the hashes, or what differs from those of a file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shop", help="small, golden, or a published file")
    parser.add_argument("--against", type=Path)
    given = parser.parse_args()
    before = json.loads(given.against.read_text()) if given.against else None
    with tempfile.TemporaryDirectory() as folder:
        after = hashes(made(given.shop, Path(folder)), before)
    if before is None:
        sys.stdout.write(json.dumps(after, indent=1) + "\n")
        return 0
    found = differences(before, after)
    told = f"{len(before)} tables, {sum(map(len, before.values()))} hashes, {len(found)} differ"
    sys.stdout.write("\n".join([*found, told]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""The contracts that fakes are made of, against the tables of a whole run."""

from __future__ import annotations

from pathlib import Path

import duckdb

from tests.support.contracts import contracts


def test_fakes_have_the_columns_and_types_of_the_published_tables(finished_home: Path) -> None:
    file = (finished_home / "data/published/current.duckdb").resolve()
    with duckdb.connect(str(file), read_only=True) as con:
        names = con.execute(
            "select table_schema || '.' || table_name from information_schema.tables"
            " where table_schema in ('marts', 'insights', 'quality')"
        ).fetchall()
        published = {name: dict(con.sql(f"from {name} limit 0").pl().schema) for (name,) in names}
    assert contracts() == published

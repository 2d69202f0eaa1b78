"""The published file: its columns against the contracts of fakes, and what it says of them."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import polars as pl

from orchestration.build import tables
from tests.support.contracts import INSTANT, MONEY, contracts, registry

_PUBLISHED = "in ('marts', 'insights', 'quality')"
# What a column's name says of its type (DESIGN.md 6); the first rule that fits.
_BY_NAME: tuple[tuple[str, set[pl.DataType]], ...] = (
    (r"(is|has)_.*", {pl.Boolean()}),
    (r".*_amount|(base_)?gmv|net_sales(_by_order_date)?|cost", {MONEY}),
    (r".*_(rate|effect|share)|expected_rows", {pl.Float64()}),  # what is expected is no count
    (r"(turnover|lead(_time|_sd)?)_days", {pl.Float64()}),  # means, of no whole days
    (r".*_at", {INSTANT}),
    (r"date|.*_date", {pl.Date()}),
    (r".*_(id|key)", {pl.String()}),
    (r".*_(count|days)", {pl.Int64(), pl.Int32()}),
    (r"rows_.*|.*_rows|impressions|clicks|quantity", {pl.Int64()}),
)
_DECOMPOSED = {"marts.fct_gmv_change", "marts.fct_review_changes"}
# Decomposed, credited or estimated: DOUBLE and never rounded in marts.
_SHARED_OUT = re.compile(r"(attributed|credited|claimed)_.*|new_customers")
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


def _of_another_type(
    published: dict[str, dict[str, pl.DataType]], metrics: pl.DataFrame
) -> list[str]:
    """Columns whose type is another than their name or the unit of their metric says."""
    whole = metrics.filter(pl.col("additivity") != "ratio")
    units = dict(whole.select("name", "unit").iter_rows())
    units |= dict.fromkeys(metrics.filter(additivity="ratio")["name"], "ratio")
    of_unit = {"count": pl.Int64(), "currency": MONEY, "rate": pl.Float64(), "ratio": pl.Float64()}
    wrong = []
    for table, columns in published.items():
        for name, dtype in columns.items():
            if name in units:
                wanted = {of_unit.get(units[name], pl.Float64())}
            else:
                fitting = (kinds for rule, kinds in _BY_NAME if re.fullmatch(rule, name))
                wanted = next(fitting, {dtype})
            is_number = wanted & {MONEY, pl.Int64()}
            if is_number and (table in _DECOMPOSED or _SHARED_OUT.fullmatch(name)):
                wanted = {pl.Float64()}
            if dtype not in wanted:
                wrong.append(f"{table}.{name}: {dtype}")
    return wrong


def test_names_say_the_type_in_every_published_table() -> None:
    """In those the run itself writes as well; that the file has these is held above."""
    held = contracts()
    assert {name.partition(".")[0] for name in held} == {"marts", "insights", "quality"}
    assert _of_another_type(held, registry()) == []


def test_a_type_that_its_name_does_not_say_is_told() -> None:
    columns = {"paid_amount": pl.Float64(), "orders": pl.Int32(), "aov": MONEY, "is_paid": MONEY,
               "orphan_rows": pl.Float64(), "paid_at": pl.Date(), "gmv": MONEY}  # fmt: skip
    told = _of_another_type({"quality.some": columns}, registry())
    assert [line.partition(":")[0].rpartition(".")[2] for line in told] == list(columns)[:-1]
    assert _of_another_type({"marts.fct_gmv_change": {"gmv": MONEY}}, registry()) != []


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

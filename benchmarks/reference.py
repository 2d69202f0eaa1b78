"""The heavy marts by hand-written DuckDB SQL from landed files: a floor and an independent check.

`floor/*.sql` follows what the columns of the marts are said to mean, and shares no SQL with
dbt_project. It knows one reporting currency, the default settings of `metrics` in shop.yml and no
child orders; it stops where the landing has others. What it counts must equal the published tables
in every cell before any time is worth comparing.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
FAMILIES = {
    path.stem.partition("_")[2]: path for path in (Path(__file__).parent / "floor").glob("*.sql")
}
_BEYOND = {
    "orders": "parent_order_id is not null or exchange_rate is not null"
    " or coalesce(is_presale, false)",
    "order_items": "currency is not null",
    "refunds": "currency is not null",
}


@dataclass(frozen=True)
class Table:
    """A published table that the floor counts too.

    Attributes:
        name: its name in both.
        keys: columns that tell a row.
        figures: what is compared; amounts to half a cent, all else exactly.
        where: rows of the published table that tell anything; others are left out.
        is_sparse: a row that is not there says zeros, which the other side may spell out.
    """

    name: str
    keys: tuple[str, ...]
    figures: tuple[str, ...]
    where: str = "true"
    is_sparse: bool = False


_GMV = ("visitors", "buyers", "new_buyers", "orders", "units", "gmv", "net_sales")
_COHORT = ("kind", "retention_type", "dimension", "segment", "period_number")
_RETENTION = ("cohort_size", "retained_count", "classic_revenue")
# The floor does not ask by which channel a customer came first.
_KNOWN = "retained_count is not null and not (kind = 'purchase' and dimension = 'channel')"
TABLES = (
    Table("fct_sessions", ("session_id",), (
        "visitor_key", "customer_key", "started_at", "ended_at", "business_date", "channel",
        "campaign", "device", "region", "event_count", "has_product_view", "has_add_to_cart",
        "has_checkout", "has_purchase")),
    Table("fct_orders", ("source", "order_id"), (
        "customer_key", "channel", "device", "region", "session_id", "order_date", "business_date",
        "is_paid", "placed_amount", "paid_amount", "refunded_amount", "units", "order_number")),
    Table("fct_funnel_daily", ("business_date", "basis", "dimension", "segment", "step_number"),
          ("entered_count", "reached_count", "direct_count", "attempt_count")),
    Table("fct_gmv_daily", ("business_date", "dimension", "segment"), _GMV, "gmv is not null",
          is_sparse=True),
    Table("fct_gmv_weekly", ("period_start", "dimension", "segment"), _GMV, is_sparse=True),
    Table("fct_gmv_monthly", ("period_start", "dimension", "segment"), _GMV, is_sparse=True),
    Table("fct_retention_daily", ("cohort_date", *_COHORT), _RETENTION, _KNOWN),
    Table("fct_retention_monthly", ("cohort_month", *_COHORT), _RETENTION, _KNOWN),
    Table("fct_attribution_daily", ("business_date", "platform", "model", "channel", "campaign"),
          ("credited_orders", "credited_revenue"), is_sparse=True),
    Table("dim_customer", ("customer_key",), (
        "first_order_date", "last_order_date", "orders", "net_sales", "recency_days", "r_score",
        "f_score", "m_score")),
)  # fmt: skip


def build(con: duckdb.DuckDBPyConnection, landing: Path, timezone: str) -> dict[str, float]:
    """Build all tables of the floor; return the CPU seconds of this process by family."""
    for feed, condition in _BEYOND.items():
        beyond = con.execute(
            f"select count(*) from read_parquet('{landing}/{feed}/batch=*/data.parquet')"
            f" where {condition}"
        ).fetchall()[0][0]
        if beyond:
            raise ValueError(
                f"{beyond} rows of {feed} are beyond what the floor knows: {condition}"
            )
    con.execute("set timezone = 'UTC'")
    con.execute("set preserve_insertion_order = false")
    spent = {}
    for family, path in sorted(FAMILIES.items(), key=lambda item: item[1].name):
        begun = cpu_seconds()
        con.execute(
            path.read_text().format(
                landing=landing, timezone=timezone, seeds=ROOT / "dbt_project/seeds"
            )
        )
        spent[family] = cpu_seconds() - begun
    return spent


def cpu_seconds() -> float:
    """CPU seconds of all threads of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def differences(con: duckdb.DuckDBPyConnection, published: Path) -> Iterator[str]:
    """Tell of every figure whose published cells differ from the floor's, with an example."""
    con.execute(f"attach '{published}' as published (read_only)")
    for table in TABLES:
        yield from _differing(con, table)
    con.execute("detach published")


def _differing(con: duckdb.DuckDBPyConnection, table: Table) -> Iterator[str]:
    figures = ", ".join(table.figures).replace(
        "classic_revenue", "if(retention_type = 'classic', revenue, 0) as classic_revenue"
    )
    keys = ", ".join(table.keys)
    unknown = f"select ({keys}) from published.marts.{table.name} where ({table.where}) is not true"
    for alias, name, where in (
        ("ours", f"published.marts.{table.name}", table.where),
        # what is not known is no figure to compare; the floor knows nothing of it
        (
            "floor",
            table.name,
            f"({keys}) not in ({unknown})"
            if table.is_sparse or table.where == "true"
            else f"({keys}) in (select ({keys}) from ours)",
        ),
    ):
        con.execute(
            f"create or replace temp view {alias} as"
            f" select {keys}, {figures} from {name} where {where}"
        )
    rows = con.execute("select count(*) from ours").fetchall()[0][0]
    if not rows:
        yield f"{table.name}: no rows to compare"
    joined = f"ours full join floor using ({keys})"
    for figure in table.figures:
        ours, floor = f"ours.{figure}", f"floor.{figure}"
        if table.is_sparse:
            ours, floor = f"coalesce({ours}, 0)", f"coalesce({floor}, 0)"
        kind = con.execute(f"select any_value(typeof({figure})) from ours").fetchall()[0][0]
        same = (
            f"coalesce(abs({ours} - {floor}) < 0.005, {ours} is null and {floor} is null)"
            if kind == "DOUBLE" or kind.startswith("DECIMAL")
            else f"{ours} is not distinct from {floor}"
        )
        found = con.execute(
            f"select count(*), min(({keys}, {ours}, {floor})) from {joined} where not {same}"
        ).fetchall()[0]
        if found[0]:
            yield (
                f"{table.name}.{figure}: {found[0]} of {rows} rows differ,"
                f" such as {found[1]} (published, floor)"
            )

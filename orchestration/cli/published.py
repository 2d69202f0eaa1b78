"""What several commands ask the published generation."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import duckdb
import polars as pl

from dashboards.wording.caveats import Gap
from dashboards.wording.comparisons import Comparisons
from dashboards.wording.metrics import Metrics, by_name
from orchestration.errors import ExitCode, KpiError

_GAPS = """
    select business_date, source, feed, platform, reason
    from quality.source_completeness_daily
    where not is_complete and reason <> 'not_expected'
        and business_date in (select unnest(?::date[]))
    order by all
"""


def gaps(con: duckdb.DuckDBPyConnection, days: Iterable[date]) -> list[Gap]:
    """Feeds that are not whole on these days, from `quality.source_completeness_daily`.

    Args:
        con: connection to the published marts.
        days: the days asked for.
    """
    rows = con.execute(_GAPS, [[day.isoformat() for day in days]]).fetchall()
    return [Gap(*row) for row in rows]


def change_of(con: duckdb.DuckDBPyConnection, day: date, comparison: str) -> dict[str, Any] | None:
    """The company's row of `fct_gmv_change`; None without."""
    return one_row(
        con,
        "select * from marts.fct_gmv_change"
        " where business_date = ? and comparison = ? and dimension = 'all'",
        [day, comparison],
    )


def company_of(con: duckdb.DuckDBPyConnection, day: date) -> dict[str, Any] | None:
    """Day, GMV and orders of the company, NULL where they are not known; None without the day."""
    return one_row(
        con,
        "select business_date, gmv, orders from marts.fct_gmv_daily"
        " where business_date = ? and dimension = 'all'",
        [day],
    )


def comparisons(con: duckdb.DuckDBPyConnection) -> Comparisons:
    """The published list of comparisons."""
    return Comparisons(_frame(con, "quality.comparisons"))


def metrics(con: duckdb.DuckDBPyConnection) -> Metrics:
    """The published registry of metrics by name."""
    return by_name(_frame(con, "quality.metrics"))


def _frame(con: duckdb.DuckDBPyConnection, table: str) -> pl.DataFrame:
    """A whole published table, read beside what the connection is reading.

    Raises:
        KpiError: an earlier version of the program published the generation, without the table.
    """
    try:
        frame: pl.DataFrame = con.cursor().sql(f"from {table}").pl()
    except duckdb.CatalogException as error:
        raise KpiError(
            f"the published generation has no {table}: an earlier version made it",
            do_this="Do: kpi run",
            code=ExitCode.CONFIG,
        ) from error
    return frame


def one_row(
    con: duckdb.DuckDBPyConnection, query: str, values: list[Any] | None = None
) -> dict[str, Any] | None:
    """The first row of a query as a mapping; None without rows."""
    return next(iter(rows_of(con.execute(query, values or []))), None)


def rows_of(result: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    """All rows of an executed query as mappings; one half read would block the connection."""
    columns = [column[0] for column in result.description or []]
    return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]

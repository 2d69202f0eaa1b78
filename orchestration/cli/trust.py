"""What a reader has to know of the data behind figures: how fresh, what is missing, what is cut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.cli.published import one_row

if TYPE_CHECKING:
    from orchestration.cli.places import Question

_GAPS = """
    select source, feed, count(distinct business_date) as days, max(business_date) as last_day
    from quality.source_completeness_daily
    where not is_complete and reason <> 'not_expected'
        and business_date between coalesce(?, date '0001-01-01') and coalesce(?, ?)
    group by all
    order by days desc, source, feed
"""
_LAST = {
    "week": "period_start + 6",
    "month": "last_day(period_start)",
}


def as_of(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Last day of the data, instant of the build, generation and currency."""
    run = one_row(con, "select data_through, built_at, run_id, currency from quality.run") or {}
    return {key: run.get(key) for key in ("data_through", "built_at", "run_id", "currency")}


def incomplete(con: duckdb.DuckDBPyConnection, first: date | None, last: date | None) -> list[str]:
    """One sentence a source and feed that lacks data on some of these days."""
    through = as_of(con)["data_through"]
    return [
        f"{feed} of {source} are not whole on {days} of the days asked for, the last {day}"
        for source, feed, days, day in con.execute(_GAPS, [first, last, through]).fetchall()
    ]


def caveats(
    con: duckdb.DuckDBPyConnection,
    periods: Sequence[date],
    asked: Question,
    unknown: Mapping[str, int],
) -> dict[str, Any]:
    """`as_of` and `caveats` of an answer.

    Args:
        con: connection to the published marts.
        periods: first days of the periods of the rows.
        asked: the question.
        unknown: metric -> how many of the rows read do not know it.
    """
    facts = as_of(con)
    through = facts["data_through"]
    told = [
        f"{name} is not known in {count} of the rows read; they are left out, not taken for 0"
        for name, count in unknown.items()
        if count
    ]
    if periods and asked.grain in _LAST and through:
        last = max(periods)
        [(end,)] = con.execute(
            f"select ({_LAST[asked.grain]})::date from (select ?::date as period_start)", [last]
        ).fetchall()
        bound = min(filter(None, (through, asked.last)))
        if end > bound:
            told.append(f"the {asked.grain} of {last} is not whole: it is told up to {bound}")
    if periods and asked.first and asked.grain in _LAST and min(periods) < asked.first:
        told.append(f"the {asked.grain} of {min(periods)} is told from {asked.first} on")
    if not periods:
        told.append("no row fits: nothing is stored for these days, dimensions and values")
    first = asked.first or (min(periods) if periods else None)
    return {"as_of": facts, "caveats": told + incomplete(con, first, asked.last)}

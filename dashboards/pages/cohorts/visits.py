"""New visitors who come back: day 1, day 7 and day 30.

Belongs here: weekly rates of `fct_retention_daily` and their chart. Purchases are in `cohorts`.
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from dashboards.base.data import SMALLEST_GROUP, Data, SiteInfo
from dashboards.base.page import Both, Chart, Page, Table, tr
from dashboards.charts.curves import Series, rate_lines
from dashboards.figures.windows import Window, gaps, gaps_told
from dashboards.pages.shared.layout import empty_state
from dashboards.wording.formatting import DASH, integer, percent

WEEKS = 16
DAYS = {1: "accent", 7: "ink", 30: "worse"}


def _weekly(frame: pl.DataFrame, info: SiteInfo) -> pl.DataFrame:
    """One row a week of first visits and day n: size and returned; NULL until all seven matured.

    Weeks end on the weekday of the last day, so that the last one is whole. Who first came on a day
    with a gap, or would have come back on one, is left out of both.
    """
    back = (pl.lit(info.data_through) - pl.col("cohort_date")).dt.total_days()
    return (
        frame.filter(pl.col("gap_day_count").fill_null(0) == 0)
        .with_columns(week=back // 7)
        .filter(pl.col("week").is_between(0, WEEKS - 1))
        .group_by("week", "period_number")
        .agg(
            pl.col("cohort_size").sum(),
            pl.when(pl.col("retained_count").is_null().any())
            .then(None)
            .otherwise(pl.col("retained_count").sum())
            .alias("returned"),
        )
        .sort("week", "period_number")
    )


def _shown(size: float, returned: float | None) -> str:
    if returned is None:
        return DASH
    if size < SMALLEST_GROUP or 0 < returned < SMALLEST_GROUP:
        return f"<{SMALLEST_GROUP}"
    return percent(returned / size)


def _title(cells: dict[tuple[int, int], tuple[float, float | None]]) -> Both:
    """The rates over all weeks that are old enough, weighted by their size."""
    means: dict[int, str] = {}
    for n in DAYS:
        known = [(size, back) for (_, day), (size, back) in cells.items()
                 if day == n and back is not None]  # fmt: skip
        returned = sum(back for _, back in known)
        if known and (returned == 0 or returned >= SMALLEST_GROUP):
            means[n] = percent(returned / sum(size for size, _ in known))
    if 1 not in means:
        return tr("visits.title_young")
    if len(means) < len(DAYS):
        return tr("visits.title_first", d1=means[1])
    return tr("visits.title", d1=means[1], d7=means[7], d30=means[30])


def _shown_days(info: SiteInfo) -> Window:
    return Window(info.data_through - timedelta(days=7 * WEEKS - 1), info.data_through)


def visit_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """D1, D7 and D30 of first-time visitors by week of the first visit."""
    frame = data["marts.fct_retention_daily"].filter(
        pl.col("kind") == "visit",
        pl.col("retention_type") == "classic",
        pl.col("dimension") == "all",
        pl.col("period_number").is_in([float(n) for n in DAYS]),
    )
    weekly = _weekly(frame, info)
    cells = {(int(w), int(n)): (s, r) for w, n, s, r in weekly.iter_rows()}
    weeks = sorted({week for week, _ in cells}, reverse=True)
    days = [info.data_through - timedelta(days=7 * week) for week in weeks]
    lines = {n: [_rate(cells.get((week, n))) for week in weeks] for n in DAYS}
    drawn = any(v is not None for line in lines.values() for v in line)
    series = [Series(tr("visits.day", n=n), lines[n], role) for n, role in DAYS.items()]
    chart = Chart(
        id="visits",
        title=_title(cells),
        subtitle=tr("visits.subtitle", weeks=len(weeks)),
        note=gaps_told(gaps(data, "events"), _shown_days(info), "period.left_out"),
        figure=rate_lines(series, days, page.pool) if drawn else None,
        table=Table(
            [tr("visits.week"), tr("visits.size"), *(tr("visits.day", n=n) for n in DAYS)],
            _rows(weeks, days, cells),
        ),
        source="marts.fct_retention_daily",
        csv="data/retention_daily.csv",
        height=290,
        empty=empty_state(frame, info, {"events"}) or tr("visits.title_young"),
    )
    page.charts.append(chart)
    return chart


def _rate(cell: tuple[float, float | None] | None) -> float | None:
    if cell is None or cell[1] is None or not cell[0]:
        return None
    hidden = cell[0] < SMALLEST_GROUP or 0 < cell[1] < SMALLEST_GROUP
    return None if hidden else cell[1] / cell[0]


def _rows(
    weeks: list[int], days: list[date], cells: dict[tuple[int, int], tuple[float, float | None]]
) -> list[list[Both | str]]:
    rows: list[list[Both | str]] = []
    for week, day in reversed(list(zip(weeks, days, strict=True))):
        size = max(cells[week, n][0] for n in DAYS if (week, n) in cells)
        shown = [_shown(*cells[week, n]) if (week, n) in cells else DASH for n in DAYS]
        small = size < SMALLEST_GROUP
        rows.append([day.isoformat(), f"<{SMALLEST_GROUP}" if small else integer(size), *shown])
    return rows

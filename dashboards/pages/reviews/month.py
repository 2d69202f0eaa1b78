"""What the monthly review has besides its cards: causes, profit, plans, cohorts, the close."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.names import label_of
from dashboards.base.page import Page, Table, same, tr
from dashboards.charts.trail import Trail, trail_svg
from dashboards.figures.ratios import level
from dashboards.figures.reviews import Period, Reviews
from dashboards.pages.reviews.measures import Cell, Measure, change_cell, grain_name, tick
from dashboards.pages.shared.changes import Sides, effects_chart
from dashboards.pages.shared.layout import Block
from dashboards.pages.shared.ledger import close_chart, ladder_chart, plan_chart, sums
from dashboards.wording.formatting import integer, percent

_COHORTS, _MONTHS = 12, 2
_RATE = "repurchase_rate"
Site = tuple[Data, SiteInfo, Reviews]


def cohort_rows(data: Data, last: date) -> list[Row]:
    """The cohorts until a month, oldest first: customers, and who of them came back in 30 days."""
    return (
        data["marts.fct_channel_cohorts_monthly"]
        .filter(pl.col("cohort_month") <= last, pl.col("age_months") == 1)
        .group_by("cohort_month")
        .agg(
            pl.when(pl.col("repeat_buyers").null_count() == 0).then(exact_sum("repeat_buyers")),
            exact_sum("customers"),
        )
        .sort("cohort_month")
        .to_dicts()
    )


def cohort_card(data: Data, period: Period) -> Measure | None:
    """Who came back within 30 days, by month of the first order; None before any cohort is so old.

    The strip is of the newest cohort of which that is known.
    """
    rows = cohort_rows(data, period.first)
    rates = {row["cohort_month"]: level(_RATE, row, data.metrics) for row in rows}
    known = [month for month, rate in rates.items() if rate is not None]
    if not known:
        return None
    shown = [row["cohort_month"] for row in rows][-_COHORTS:]
    before = [rates.get(month.replace(year=month.year - 1)) for month in shown]
    trail = Trail(
        [tick(month.month, "month") for month in shown],
        [rates[month] for month in shown],
        before,
        [None] * len(shown),
    )
    newest, size = known[-1], {row["cohort_month"]: row["customers"] for row in rows}
    changes = ((tr("review.vs_previous_month"), known[-2] if len(known) > 1 else None),
               (tr("review.vs_year"), newest.replace(year=newest.year - 1)))  # fmt: skip
    return Measure(
        "review-cohorts",
        label_of(_RATE, data.metrics),
        [trail_svg(trail, "rate", lambda value: same(percent(value)))],
        Table(
            [tr("review.first_bought"), tr("table.customers"), tr("review.back")],
            [[f"{m:%Y-%m}", integer(size[m]), percent(rates[m])] for m in reversed(shown)],
        ),
        [
            Cell(tr("review.cohort_of", month=grain_name(newest)), same(percent(rates[newest]))),
            *(
                change_cell(head, rates[newest], rates.get(base) if base else None, "rate", "up")
                for head, base in changes
            ),
        ],
    )


def month_blocks(site: Site, page: Page, period: Period) -> list[Block]:
    """The blocks below the cards of a month."""
    data, info, reviews = site
    then = replace(info, data_through=period.last)  # plans are those of the month's last day
    blocks = []
    if (change := reviews.change(period, "previous_period")) is not None:
        base = tr("review.month_previous")
        source = ("marts.fct_review_changes", "data/review_changes.csv")
        words = Sides(base, base, period.name)
        chart = effects_chart((data, info), page, change, "review-moved", words, source)
        blocks.append(Block([chart]))
    rows = data["marts.fct_profit_daily"].filter(period.window.filter())
    if rows.height:
        chart = ladder_chart((data, then), page, sums(rows), period.window.text())
        blocks.append(Block([chart]))
    closes = close_chart(data, info, page, period.first, _MONTHS)
    return [*blocks, Block([closes, plan_chart(data, then, page, campaigns=False)])]

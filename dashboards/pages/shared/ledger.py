"""Charts of money that several pages have: the ladder of margins, plans, the close of months.

Belongs here: those charts and their titles. Does not belong here: which days they are of.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.names import label_of, segment_name
from dashboards.base.page import Both, Chart, Key, Page, Table, amount_text, both, named, same, tr
from dashboards.charts.bars import Pair
from dashboards.charts.waterfall import Step, waterfall
from dashboards.pages.shared.bars import Bars, bar_chart
from dashboards.wording.formatting import exact_money, percent

PROFIT = "marts.fct_profit_daily"
PROFIT_CSV = "profit_daily"
_MONTHS = 6
CENT = 0.005
# How a month's sales become its margins: what is taken off before each of them.
LADDER = (
    ("cm1_amount", ("refunded_amount", "goods_cost_amount")),
    (
        "cm2_amount",
        (
            "platform_fee_amount", "payment_fee_amount", "creator_commission_amount",
            "freight_amount", "freight_insurance_amount", "agency_fee_amount", "packaging_amount",
        ),
    ),
    ("cm3_amount", ("advertising_amount",)),
)  # fmt: skip
_OPTIONAL = frozenset({"agency_fee_amount", "packaging_amount"})  # taken off where they are told
_START = "merchant_receivable_amount"
PARTS = (_START, *(n for margin, parts in LADDER for n in (*parts, margin)))


def sums(rows: pl.DataFrame) -> Row:
    """Sums of the cells; NULL where a cell is not known, but for costs that few shops tell."""
    return rows.select(
        exact_sum(name) if name in _OPTIONAL
        else pl.when(pl.col(name).null_count() == 0).then(exact_sum(name)).alias(name)
        for name in (*PARTS, "estimated_amount", "gmv")
    ).row(0, named=True)  # fmt: skip


def _steps(found: Row) -> list[tuple[str, float, bool]]:
    """(name, amount, is_total) down to the last margin that is known; none without the first."""
    if found[_START] is None or found["cm1_amount"] is None:
        return []
    steps = [(_START, found[_START], True)]
    for margin, parts in LADDER:
        if found[margin] is None:
            break
        steps += [(n, -found[n], False) for n in parts if found[n] and abs(found[n]) > CENT]
        steps.append((margin, found[margin], True))
    return steps


def part_label(data: Data, name: str) -> Both:
    """What a margin, or a cost before it, is called."""
    if name in data.metrics and name.startswith("cm"):
        return label_of(name, data.metrics)
    return named("profit.part", name)


def ladder_chart(site: tuple[Data, SiteInfo], page: Page, found: Row, words: Both) -> Chart:
    """From what merchants receive to the last margin that is known."""
    data, info = site
    steps = _steps(found)
    level, drawn = 0.0, []
    for name, amount, is_total in steps:
        level = amount if is_total else level + amount
        drawn.append(Step(part_label(data, name), level, None if is_total else amount))
    costs = [(n, a) for n, a, is_total in steps if not is_total]
    largest = min(costs, key=lambda cost: cost[1], default=None)
    title = (
        tr("profit.ladder_title", name=part_label(data, largest[0]),
           amount=amount_text(largest[1], info.currency, True))
        if largest else tr("profit.ladder_plain")
    )  # fmt: skip
    chart = Chart(
        id="profit-ladder",
        title=title if steps else tr("profit.unknown"),
        subtitle=tr("profit.ladder_subtitle", days=words),
        figure=waterfall(drawn, info.currency, page.pool, from_zero=True) if steps else None,
        table=Table(
            [tr("table.factor"), tr("table.amount")],
            [
                [part_label(data, n), exact_money(a, info.currency, signed=not t)]
                for n, a, t in steps
            ],
        ),
        source=PROFIT,
        csv=f"data/{PROFIT_CSV}.csv",
        height=340,
        wide=True,
        min_width=860,
        empty=tr("profit.unknown"),
    )
    page.charts.append(chart)
    return chart


def plan_title(rows: Sequence[Row], name_of: dict[int, Both], span: str = "so_far") -> Both:
    """How many plans are kept: sales at or above theirs, spend at or below it.

    Args:
        rows: of `fct_targets_daily`.
        name_of: place of a row -> what its plan is called.
        span: so_far, or over of a month that is.
    """
    kept = [r for r in rows if (r["actual_so_far"] <= r["target_so_far"]) == (r["metric"] == "cost")
            or r["actual_so_far"] == r["target_so_far"]]  # fmt: skip
    missed = [n for n, r in enumerate(rows) if r not in kept]
    if not missed:
        return tr(f"profit.plan_kept_{span}", n=len(rows))
    worst = max(missed, key=lambda n: abs(rows[n]["attainment_so_far_rate"] - 1))
    return tr(f"profit.plan_missed_{span}", m=len(missed), n=len(rows), name=name_of[worst],
              rate=percent(rows[worst]["attainment_so_far_rate"]))  # fmt: skip


def plan_chart(data: Data, info: SiteInfo, page: Page, campaigns: bool = True) -> Chart:
    """Plan and actual of the month so far: money of the company, its platforms and campaigns."""
    frame = data["marts.fct_targets_daily"].filter(
        pl.col("business_date") == info.data_through,
        pl.col("metric").is_in(["gmv", "cost"]),
        (pl.col("dimension") != "campaign") | pl.lit(campaigns),
    )
    last = info.data_through
    span = "over" if (last + timedelta(days=1)).day == 1 else "so_far"
    rank = {"all": 0, "platform": 1, "campaign": 2}
    rows = sorted(
        frame.to_dicts(),
        key=lambda r: (r["metric"] != "gmv", rank.get(r["dimension"], 3), str(r["segment"])),
    )
    names = {n: _plan_name(row) for n, row in enumerate(rows)}
    whole = [r for r in rows if r["actual_so_far"] is not None and r["attainment_so_far_rate"]]
    order = {n: names[rows.index(r)] for n, r in enumerate(whole)}
    money = partial(amount_text, currency=info.currency)
    pairs = [
        Pair(order[n], r["actual_so_far"], money(r["actual_so_far"]), r["target_so_far"],
             money(r["target_so_far"]))
        for n, r in enumerate(whole) if r["dimension"] != "campaign"
    ]  # fmt: skip
    cells: list[list[Both | str]] = [
        [
            names[n],
            *(exact_money(r[k], info.currency)
              for k in ("actual_so_far", "target_so_far", "month_target")),
            percent(r["attainment_so_far_rate"]), percent(r["month_attainment_rate"]),
        ]
        for n, r in enumerate(rows)
    ]  # fmt: skip
    heads = ("plan", "actual", "so_far", "month", "of_so_far", "of_month")
    return bar_chart(page, Bars(
        "plan",
        (plan_title(whole, order, span) if whole else same(""), tr(f"profit.plan_{span}"),
         tr("profit.no_plan")),
        pairs, Table([tr(f"table.{k}") for k in heads], cells),
        ("marts.fct_targets_daily", "targets_daily"),
        [Key("■", "accent", tr("table.actual")), Key("■", "ink3", tr("table.so_far"))],
    ))  # fmt: skip


def _plan_name(row: Row) -> Both:
    metric, segment = tr(f"profit.metric_{row['metric']}"), str(row["segment"])
    if row["dimension"] == "all":
        return metric
    of = segment_name(str(row["dimension"]), segment)
    return both(lambda lang: f"{metric.get(lang)} · {of.get(lang)}")


def close_chart(
    data: Data, info: SiteInfo, page: Page, until: date | None = None, count: int = _MONTHS
) -> Chart:
    """Net sales of the last months as they were closed, and what came to them later."""
    rows = (
        data["marts.fct_month_close"]
        .filter(pl.col("month_start") <= (until or info.data_through))
        .sort("month_start", "platform", descending=[True, False])
    )
    months = rows["month_start"].unique().sort(descending=True).head(count)
    shown = rows.filter(pl.col("month_start").is_in(months.implode())).to_dicts()
    later = [r for r in shown if r["is_closed"] and (r["adjustment_amount"] or 0) < -CENT]
    worst = min(later, key=lambda r: (r["adjustment_amount"], str(r["platform"])), default=None)
    title = (
        tr("profit.close_late", month=worst["month_start"].strftime("%Y-%m"),
           platform=segment_name("platform", str(worst["platform"])),
           amount=amount_text(-worst["adjustment_amount"], info.currency))
        if worst else tr("profit.close_plain")
    )  # fmt: skip
    columns = ("gmv", "closed_net_amount", "adjustment_amount", "adjusted_net_amount", "cm2_amount")
    chart = Chart(
        id="month-close",
        title=title if shown else tr("profit.no_close"),
        subtitle=tr("profit.close_subtitle"),
        figure=None,
        table=Table(
            [tr("table.month_of"), tr("table.platform"), tr("table.closed"),
             *(tr(f"profit.close_{c}") for c in columns)],
            [
                [
                    r["month_start"].strftime("%Y-%m"),
                    segment_name("platform", str(r["platform"])),
                    _close_state(r),
                    *(exact_money(r[c], info.currency) for c in columns),
                ]
                for r in shown
            ],
            text_columns=3,
        ),
        source="marts.fct_month_close",
        csv="data/month_close.csv",
        is_open=True,
        empty=None if shown else tr("profit.no_close"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def _close_state(row: Row) -> Both:
    if row["reopened_date"] is None:
        return tr(f"profit.is_closed_{'yes' if row['is_closed'] else 'no'}")
    return tr("profit.is_reopened", day=row["reopened_date"].isoformat(),
              reason=str(row["reopening_reason"]))  # fmt: skip

"""Profit and budget: what is left of the month's sales, and is the plan kept?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.names import label_of, segment_name
from dashboards.base.page import (
    Both,
    Chart,
    Key,
    Page,
    Table,
    amount_text,
    both,
    named,
    same,
    sentences,
    tr,
)  # fmt: skip
from dashboards.charts.bars import Pair
from dashboards.charts.waterfall import Step, contribution_bars, waterfall
from dashboards.figures.windows import Window, incomplete
from dashboards.pages.shared.bars import Bars, bar_chart
from dashboards.pages.shared.layout import Block, Tile, analysis, empty_state
from dashboards.wording.formatting import DASH, exact_money, integer, percent

_TABLE = "marts.fct_profit_daily"
_CSV = "profit_daily"
_MONTHS = 6
_CENT = 0.005
# How a month's sales become its margins: what is taken off before each of them.
_LADDER = (
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
_PARTS = (_START, *(n for margin, parts in _LADDER for n in (*parts, margin)))


def sums(rows: pl.DataFrame) -> Row:
    """Sums of the cells; NULL where a cell is not known, but for costs that few shops tell."""
    return rows.select(
        exact_sum(name) if name in _OPTIONAL
        else pl.when(pl.col(name).null_count() == 0).then(exact_sum(name)).alias(name)
        for name in (*_PARTS, "estimated_amount", "gmv")
    ).row(0, named=True)  # fmt: skip


def _steps(found: Row) -> list[tuple[str, float, bool]]:
    """(name, amount, is_total) down to the last margin that is known; none without the first."""
    if found[_START] is None or found["cm1_amount"] is None:
        return []
    steps = [(_START, found[_START], True)]
    for margin, parts in _LADDER:
        if found[margin] is None:
            break
        steps += [(n, -found[n], False) for n in parts if found[n] and abs(found[n]) > _CENT]
        steps.append((margin, found[margin], True))
    return steps


def _label(data: Data, name: str) -> Both:
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
        drawn.append(Step(_label(data, name), level, None if is_total else amount))
    costs = [(n, a) for n, a, is_total in steps if not is_total]
    largest = min(costs, key=lambda cost: cost[1], default=None)
    title = (
        tr("profit.ladder_title", name=_label(data, largest[0]),
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
            [[_label(data, n), exact_money(a, info.currency, signed=not t)] for n, a, t in steps],
        ),
        source=_TABLE,
        csv=f"data/{_CSV}.csv",
        height=340,
        wide=True,
        min_width=860,
        empty=tr("profit.unknown"),
    )
    page.charts.append(chart)
    return chart


def _cells_chart(site: tuple[Data, SiteInfo], page: Page, rows: pl.DataFrame,
                 column: str, words: Both) -> Chart:  # fmt: skip
    """CM2 of each category or platform of the month."""
    data, info = site
    groups = sorted(str(n) for n in rows[column].drop_nulls().unique())
    known = {name: sums(rows.filter(pl.col(column) == name)) for name in groups}
    ranked = sorted(
        (n for n in groups if known[n]["cm2_amount"] is not None),
        key=lambda n: (known[n]["cm2_amount"], n),
    )

    def name_of(group: str) -> Both:
        return segment_name(column, group)

    amounts = [known[n]["cm2_amount"] for n in ranked]
    ends = {"low": ranked[0], "high": ranked[-1]} if ranked else {}
    title = tr(
        f"profit.cells_{'one' if len(ranked) == 1 else 'loss' if amounts[0] < 0 else 'plain'}",
        **{k: name_of(v) for k, v in ends.items()},
        least=amount_text(amounts[0], info.currency), most=amount_text(amounts[-1], info.currency),
    ) if ranked else same("")  # fmt: skip
    chart = Chart(
        id=f"profit-{column}",
        title=title if ranked else tr("profit.unknown"),
        subtitle=tr(f"profit.by_{column}", days=words),
        figure=contribution_bars([name_of(n) for n in ranked], amounts, info.currency, page.pool)
        if ranked else None,
        table=Table(
            [tr(f"profit.{column}"), tr("table.gmv"), *(_label(data, m) for m, _ in _LADDER)],
            [
                [name_of(n), exact_money(known[n]["gmv"], info.currency),
                 *(exact_money(known[n][m], info.currency) for m, _ in _LADDER)]
                for n in groups
            ],
        ),
        source=_TABLE,
        csv=f"data/{_CSV}.csv",
        height=60 + 36 * len(ranked),
        empty=tr("profit.unknown"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def plan_title(rows: Sequence[Row], name_of: dict[int, Both]) -> Both:
    """How many plans are kept so far: sales at or above theirs, spend at or below it."""
    kept = [r for r in rows if (r["actual_so_far"] <= r["target_so_far"]) == (r["metric"] == "cost")
            or r["actual_so_far"] == r["target_so_far"]]  # fmt: skip
    missed = [n for n, r in enumerate(rows) if r not in kept]
    if not missed:
        return tr("profit.plan_kept", n=len(rows))
    worst = max(missed, key=lambda n: abs(rows[n]["attainment_so_far_rate"] - 1))
    return tr("profit.plan_missed", m=len(missed), n=len(rows), name=name_of[worst],
              rate=percent(rows[worst]["attainment_so_far_rate"]))  # fmt: skip


def plan_chart(data: Data, info: SiteInfo, page: Page, campaigns: bool = True) -> Chart:
    """Plan and actual of the month so far: money of the company, its platforms and campaigns."""
    frame = data["marts.fct_targets_daily"].filter(
        pl.col("business_date") == info.data_through,
        pl.col("metric").is_in(["gmv", "cost"]),
        (pl.col("dimension") != "campaign") | pl.lit(campaigns),
    )
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
        (plan_title(whole, order) if whole else same(""), tr("profit.plan_subtitle"),
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
    later = [r for r in shown if r["is_closed"] and (r["adjustment_amount"] or 0) < -_CENT]
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
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def _close_state(row: Row) -> Both:
    if row["reopened_date"] is None:
        return tr(f"profit.is_closed_{'yes' if row['is_closed'] else 'no'}")
    return tr("profit.is_reopened", day=row["reopened_date"].isoformat(),
              reason=str(row["reopening_reason"]))  # fmt: skip


def settlement_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """What platforms owe: due, paid out, overdue."""
    frame = data["marts.fct_settlements_daily"]
    columns = ("due_amount", "settled_amount", "gap_amount", "overdue_amount", "unlisted_amount")
    rows = (
        frame.group_by("platform").agg(exact_sum(c) for c in (*columns, "unlisted_orders"))
        .sort("platform").to_dicts()
    )  # fmt: skip
    money = partial(amount_text, currency=info.currency)
    names = [segment_name("platform", str(r["platform"])) for r in rows]
    late = [r for r in rows if (r["overdue_amount"] or 0) > _CENT]
    title = (
        tr("profit.owed_late", amount=money(sum(r["overdue_amount"] for r in late)))
        if late else tr("profit.owed_fine")
    )  # fmt: skip
    pairs = [
        Pair(name, max(r["gap_amount"], 0.0), money(r["gap_amount"]), r["overdue_amount"],
             money(r["overdue_amount"]))
        for name, r in zip(names, rows, strict=True)
        if r["gap_amount"] is not None and r["overdue_amount"] is not None
    ]  # fmt: skip
    cells: list[list[Both | str]] = [
        [name, *(exact_money(r[c], info.currency) for c in columns), integer(r["unlisted_orders"])]
        for name, r in zip(names, rows, strict=True)
    ]
    return bar_chart(page, Bars(
        "settlements", (title, tr("profit.owed_subtitle"), tr("profit.no_settlements")),
        pairs,
        Table([tr("table.platform"), *(tr(f"profit.{c}") for c in (*columns, "unlisted_orders"))],
              cells),
        ("marts.fct_settlements_daily", "settlements_daily"),
        [Key("■", "accent", tr("profit.gap_amount")), Key("■", "ink3",
                                                          tr("profit.overdue_amount"))],
    ))  # fmt: skip


def headline(data: Data, info: SiteInfo, found: Row) -> Both:
    """The last margin that is known, by its name; else why none is."""
    margins = [m for m, _ in _LADDER if found[m] is not None]
    if not margins:
        return tr("profit.unknown")
    last = margins[-1]
    words = {"name": _label(data, last), "amount": amount_text(found[last], info.currency)}
    first = tr("profit.loss" if found[last] < 0 else "profit.headline", **words)
    rest = None if last == "cm3_amount" else tr("profit.not_further")
    return sentences([first, rest])


def build(data: Data, info: SiteInfo) -> Page:
    """The page `profit.html`."""
    page = analysis("profit")
    site = (data, info)
    if empty := empty_state(data[_TABLE], info, {"orders"}):
        page.values["headline"] = empty
        return page
    month = Window(info.data_through.replace(day=1), info.data_through)
    rows = data[_TABLE].filter(month.filter())
    found = sums(rows) if rows.height else dict.fromkeys((*_PARTS, "estimated_amount", "gmv"))
    words = month.text()
    estimated = found["estimated_amount"]
    page.values |= {
        "headline": headline(data, info, found),
        "warnings": incomplete(data, month, {"orders", "refunds", "order_costs"}),
        "remarks": [tr("profit.estimated", amount=amount_text(estimated, info.currency))]
        if estimated and estimated > _CENT else [],
        "tiles_follow": "platform",
        "tiles": [
            Tile(name, label_of(name, data.metrics),
                 amount_text(found[name], info.currency) if found[name] is not None
                 else same(DASH), tr(f"profit.tile_{name}"))
            for name in ("gmv", "cm1_amount", "cm2_amount", "cm3_amount")
        ],
        "blocks": [
            Block([ladder_chart(site, page, found, words)]),
            Block([plan_chart(data, info, page),
                   _cells_chart(site, page, rows, "category", words)]),
            Block([settlement_chart(data, info, page),
                   _cells_chart(site, page, rows, "platform", words)]),
            Block([close_chart(data, info, page)]),
        ],
    }  # fmt: skip
    return page

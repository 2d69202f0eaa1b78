"""Profit and budget: what is left of the month's sales, and is the plan kept?"""

from __future__ import annotations

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
    same,
    sentences,
    tr,
)  # fmt: skip
from dashboards.charts.bars import Pair
from dashboards.charts.waterfall import contribution_bars
from dashboards.figures.windows import Window, incomplete
from dashboards.pages.shared.bars import Bars, bar_chart
from dashboards.pages.shared.layout import Block, Tile, analysis, empty_state
from dashboards.pages.shared.ledger import (
    CENT,
    LADDER,
    PARTS,
    PROFIT,
    PROFIT_CSV,
    close_chart,
    ladder_chart,
    part_label,
    plan_chart,
    sums,
)
from dashboards.wording.formatting import DASH, exact_money, integer


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
            [tr(f"profit.{column}"), tr("table.gmv"), *(part_label(data, m) for m, _ in LADDER)],
            [
                [name_of(n), exact_money(known[n]["gmv"], info.currency),
                 *(exact_money(known[n][m], info.currency) for m, _ in LADDER)]
                for n in groups
            ],
        ),
        source=PROFIT,
        csv=f"data/{PROFIT_CSV}.csv",
        height=60 + 36 * len(ranked),
        empty=tr("profit.unknown"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


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
    late = [r for r in rows if (r["overdue_amount"] or 0) > CENT]
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
    margins = [m for m, _ in LADDER if found[m] is not None]
    if not margins:
        return tr("profit.unknown")
    last = margins[-1]
    words = {"name": part_label(data, last), "amount": amount_text(found[last], info.currency)}
    first = tr("profit.loss" if found[last] < 0 else "profit.headline", **words)
    rest = None if last == "cm3_amount" else tr("profit.not_further")
    return sentences([first, rest])


def build(data: Data, info: SiteInfo) -> Page:
    """The page `profit.html`."""
    page = analysis("profit")
    site = (data, info)
    if empty := empty_state(data[PROFIT], info, {"orders"}):
        page.values["headline"] = empty
        return page
    month = Window(info.data_through.replace(day=1), info.data_through)
    rows = data[PROFIT].filter(month.filter())
    found = sums(rows) if rows.height else dict.fromkeys((*PARTS, "estimated_amount", "gmv"))
    words = month.text()
    estimated = found["estimated_amount"]
    page.values |= {
        "headline": headline(data, info, found),
        "warnings": incomplete(data, month, {"orders", "refunds", "order_costs"}),
        "remarks": [tr("profit.estimated", amount=amount_text(estimated, info.currency))]
        if estimated and estimated > CENT else [],
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

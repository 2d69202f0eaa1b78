"""Customers and RFM: who are they, and whom to act on?"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from dashboards.base.data import SMALLEST_GROUP, Data, Row, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import Both, Chart, Page, Table, amount_text, named, same, sentences, tr
from dashboards.charts.bars import Pair
from dashboards.charts.heat import Cell, heat_map
from dashboards.pages.shared.bars import Bars, bar_chart
from dashboards.pages.shared.layout import Block, analysis, empty_state
from dashboards.wording.formatting import DASH, exact_money, fixed, integer, percent

_SEGMENTS = ("marts.fct_segments_monthly", "segments_monthly")
_MOVES = ("marts.fct_segment_migration_monthly", "segment_migration")
_BEHAVIOUR = ("marts.fct_segment_behaviour_monthly", "segment_behaviour")
_VALUE = ("insights.customer_value_by_channel", "customer_value_by_channel")
_SCORES = (5, 4, 3, 2, 1)
# From those who bring most to those who are gone; a segment that is none of these comes after.
_ORDER = ("high_value", "big_spender", "loyal", "potential", "recent_small", "needs_attention",
          "cooling", "win_back", "fading", "lost")  # fmt: skip
_FEW = f"<{SMALLEST_GROUP}"


def _name(segment: object) -> Both:
    return named("rfm", str(segment).strip("()"))


def _rank(segment: object) -> tuple[int, str]:
    name = str(segment)
    return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)


def _is_few(count: float | None) -> bool:
    return count is None or 0 < count < SMALLEST_GROUP


def _count(count: float | None) -> str:
    return DASH if count is None else _FEW if _is_few(count) else integer(count)


def latest(data: Data, info: SiteInfo, table: str) -> list[Row]:
    """Rows of the last month of a table, known segments first in their order."""
    frame = data[table].filter(pl.col("month_start") <= info.data_through)
    rows = frame.filter(pl.col("month_start") == pl.col("month_start").max()).to_dicts()
    column = "rfm_segment" if "rfm_segment" in frame.columns else "from_segment"
    return sorted(rows, key=lambda row: _rank(row[column]))


def _shown(rows: Sequence[Row]) -> list[Row]:
    """Segments proper, of enough persons."""
    return [r for r in rows if not str(r["rfm_segment"]).startswith("(")
            and not _is_few(r["customers"])]  # fmt: skip


def _size_row(row: Row, info: SiteInfo) -> list[Both | str]:
    """A segment in figures; of few persons no amount is shown."""
    amounts = [
        exact_money(row["gmv"], info.currency),
        integer(row["year_orders"]),
        exact_money(row["year_net_amount"], info.currency),
    ]
    if row["customers"] is not None and _is_few(row["customers"]):
        amounts = [_FEW] * len(amounts)
    return [_name(row["rfm_segment"]), _count(row["customers"]), _count(row["buyers"]), *amounts]


def segment_charts(info: SiteInfo, page: Page, rows: Sequence[Row]) -> list[Chart]:
    """How many customers each segment has, and what they brought in the year."""
    shown = _shown(rows)
    known = [r for r in shown if r["year_net_amount"] is not None]
    money = partial(amount_text, currency=info.currency)
    most = max(shown, key=lambda r: (r["customers"], _rank(r["rfm_segment"])), default=None)
    best = max(known, key=lambda r: (r["year_net_amount"], _rank(r["rfm_segment"])), default=None)
    table = Table(
        [tr(f"table.{k}") for k in ("segment", "customers", "buyers", "gmv", "year_orders",
                                    "year_net")],
        [_size_row(r, info) for r in rows],
    )  # fmt: skip
    empty = tr("customers.no_segments")
    return [
        bar_chart(page, Bars(
            "segment-size",
            (tr("customers.size_title", name=_name(most["rfm_segment"]),
                n=integer(most["customers"])) if most else empty,
             tr("customers.size_subtitle"), empty),
            [Pair(_name(r["rfm_segment"]), r["customers"], same(integer(r["customers"])))
             for r in shown],
            table, _SEGMENTS,
        )),
        bar_chart(page, Bars(
            "segment-sales",
            (tr("customers.sales_title", name=_name(best["rfm_segment"]),
                amount=money(best["year_net_amount"])) if best else empty,
             tr("customers.sales_subtitle"), empty),
            [Pair(_name(r["rfm_segment"]), max(r["year_net_amount"], 0.0),
                  money(r["year_net_amount"])) for r in known],
            table, _SEGMENTS,
        )),
    ]  # fmt: skip


def grid_chart(data: Data, page: Page) -> Chart:
    """Customers by recency and frequency, 5 the best; cells of few persons are not shown."""
    rows = data["marts.dim_customer"].drop_nulls(["r_score", "f_score"])
    counts = {(int(r), int(f)): n for r, f, n in
              rows.group_by("r_score", "f_score").len().iter_rows()}  # fmt: skip
    top = float(max(counts.values(), default=1))
    columns = sorted({f for _, f in counts} | {1, 5})
    columns = list(range(columns[0], columns[-1] + 1))

    def cell(r: int, f: int) -> Cell | None:
        count = counts.get((r, f), 0)
        if not count:
            return None
        return Cell(_FEW, None) if _is_few(count) else Cell(integer(count), float(count))

    best = counts.get((5, 5), 0)
    heads = [tr(f"customers.{key}") for key in ("recency", "frequency")]
    chart = Chart(
        id="rfm-grid",
        title=tr("customers.grid_title", n=_count(best)),
        subtitle=tr("customers.grid_subtitle"),
        figure=heat_map(
            [tr("customers.r_score", n=r) for r in _SCORES],
            [tr("customers.f_score", n=f) for f in columns],
            [[cell(r, f) for f in columns] for r in _SCORES],
            ("sequential", 0.0, top), page.pool,
        ) if counts else None,
        table=Table(
            [heads[0], *(tr("customers.f_score", n=f) for f in columns)],
            [[tr("customers.r_score", n=r), *(_count(counts.get((r, f), 0)) for f in columns)]
             for r in _SCORES] if counts else [],
        ),
        source="marts.dim_customer",
        csv=f"data/{_SEGMENTS[1]}.csv",
        height=280,
        empty=tr("customers.no_segments"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def moves(data: Data, info: SiteInfo) -> list[Row]:
    """Moves of enough persons between two segments in the last month, most persons first."""
    rows = [
        r for r in latest(data, info, _MOVES[0])
        if r["from_segment"] != r["to_segment"] and (r["customers"] or 0) >= SMALLEST_GROUP
        and not str(r["from_segment"]).startswith("(")
    ]  # fmt: skip
    return sorted(
        rows, key=lambda r: (-r["customers"], str(r["from_segment"]), str(r["to_segment"]))
    )


def migration_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """Where the customers of each segment were a month later."""
    rows = latest(data, info, _MOVES[0])
    starts = sorted({str(r["from_segment"]) for r in rows}, key=_rank)
    ends = sorted({str(r["to_segment"]) for r in rows}, key=_rank)
    by_pair = {(str(r["from_segment"]), str(r["to_segment"])): r for r in rows}

    def cell(start: str, end: str) -> Cell | None:
        row = by_pair.get((start, end))
        if row is None or not row["customers"]:
            return None
        if _is_few(row["customers"]) or row["migration_rate"] is None:
            return Cell(_FEW, None)
        return Cell(fixed(100 * row["migration_rate"], 0), row["migration_rate"])

    def text(start: str, end: str) -> str:
        found = cell(start, end)
        if found is None:
            return ""
        return _FEW if found.value is None else percent(found.value)

    first = next(iter(moves(data, info)), None)
    title = (
        tr("customers.moved_title", n=integer(first["customers"]),
           start=_name(first["from_segment"]), end=_name(first["to_segment"]))
        if first else tr("customers.moved_none")
    )  # fmt: skip
    chart = Chart(
        id="migration",
        title=title if rows else tr("customers.no_moves"),
        subtitle=tr("customers.moved_subtitle"),
        figure=heat_map(
            [_name(s) for s in starts], [_name(e) for e in ends],
            [[cell(s, e) for e in ends] for s in starts], ("sequential", 0.0, 1.0), page.pool,
        ) if rows else None,
        table=Table(
            [tr("customers.from"), *(_name(e) for e in ends)],
            [[_name(s), *(text(s, e) for e in ends)] for s in starts],
        ),
        source=_MOVES[0],
        csv=f"data/{_MOVES[1]}.csv",
        height=80 + 34 * len(starts),
        wide=True,
        min_width=78 * (len(ends) + 2),
        empty=tr("customers.no_moves"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def behaviour_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """What the customers of each segment did in the last month."""
    rows = _shown(latest(data, info, _BEHAVIOUR[0]))
    chart = Chart(
        id="behaviour",
        title=tr("customers.behaviour_title" if rows else "customers.no_behaviour"),
        subtitle=tr("customers.behaviour_subtitle"),
        figure=None,
        table=Table(
            [tr(f"table.{k}") for k in ("segment", "customers", "buyers", "orders_per_buyer",
                                        "aov", "top_category")],
            [
                [_name(r["rfm_segment"]), integer(r["customers"]), _count(r["buyers"]),
                 *([_FEW] * 3 if _is_few(r["buyers"]) else [
                     DASH if r["orders_per_buyer"] is None else fixed(r["orders_per_buyer"], 2),
                     exact_money(r["aov"], info.currency), str(r["top_category"] or DASH)])]
                for r in rows
            ],
        ),
        source=_BEHAVIOUR[0],
        csv=f"data/{_BEHAVIOUR[1]}.csv",
        is_open=True,
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def value_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """Sales expected of the customers of each channel, with their range."""
    rows = [r for r in data[_VALUE[0]].to_dicts()
            if not _is_few(r["customers"]) and r["expected_sales_amount"] is not None]  # fmt: skip
    rows.sort(key=lambda r: (-r["expected_sales_amount"], str(r["first_channel"])))
    names = [segment_name("channel", str(r["first_channel"])) for r in rows]
    money = partial(amount_text, currency=info.currency)
    title = (
        tr("customers.value_title", name=names[0], amount=money(rows[0]["expected_sales_amount"]))
        if rows else same("")
    )  # fmt: skip
    columns = ("expected_sales_amount", "lower_sales_amount", "upper_sales_amount")
    return bar_chart(page, Bars(
        "value", (title, tr("customers.value_subtitle"), tr("customers.no_value")),
        [Pair(name, r["expected_sales_amount"], money(r["expected_sales_amount"]))
         for name, r in zip(names, rows, strict=True)],
        Table(
            [tr(f"table.{k}") for k in ("first_channel", "customers", "expected", "lower",
                                        "upper")],
            [[name, integer(r["customers"]),
              *(exact_money(r[c], info.currency) for c in columns)]
             for name, r in zip(names, rows, strict=True)],
        ),
        _VALUE,
    ))  # fmt: skip


def headline(data: Data, info: SiteInfo, rows: Sequence[Row]) -> Both:
    """How many customers wait to be won back or looked after, and the greatest move."""
    sizes = {str(r["rfm_segment"]): r["customers"] for r in _shown(rows)}
    asked = [name for name in ("needs_attention", "win_back") if name in sizes]
    parts: list[Both | None] = [
        tr("customers.headline_segment", name=_name(name), n=integer(sizes[name]))
        for name in asked
    ]  # fmt: skip
    first = next(iter(moves(data, info)), None)
    if first:
        parts.append(tr("customers.headline_move", n=integer(first["customers"]),
                        start=_name(first["from_segment"]),
                        end=_name(first["to_segment"])))  # fmt: skip
    return sentences(parts) if parts else tr("customers.headline_none")


def build(data: Data, info: SiteInfo) -> Page:
    """The page `customers.html`."""
    page = analysis("customers")
    if empty := empty_state(data[_SEGMENTS[0]], info, {"orders"}):
        page.values["headline"] = empty
        return page
    rows = latest(data, info, _SEGMENTS[0])
    page.values["headline"] = headline(data, info, rows)
    page.values["blocks"] = [
        Block(segment_charts(info, page, rows)),
        Block([migration_chart(data, info, page)]),
        Block([value_chart(data, info, page), grid_chart(data, page)]),
        Block([behaviour_chart(data, info, page)]),
    ]
    return page

"""Products and inventory: what sells, what will run out, what is stuck?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.names import segment_name
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
from dashboards.charts.heat import Cell, heat_map
from dashboards.charts.waterfall import contribution_bars
from dashboards.figures.products import moved, windows
from dashboards.figures.stock import RUNS_OUT_DAYS, running_out, with_stock
from dashboards.figures.windows import base_remark, incomplete
from dashboards.pages.shared.bars import Bars, bar_chart
from dashboards.pages.shared.layout import Block, Tile, analysis, empty_state
from dashboards.wording.formatting import DASH, day, exact_money, fixed, integer, percent

STOCK_DAYS = 28
_ROWS, _MOVERS, _TABLE_ROWS = 10, 5, 40
_STALE_DAYS = 2
_STOCK, _SALES, _NAMES = (
    ("marts.fct_inventory_daily", "inventory_daily"),
    ("marts.fct_product_daily", "product_daily"),
    ("marts.dim_product", "products"),
)
_SUPPLIERS = ("marts.fct_supplier_monthly", "supplier_monthly")
_CLASSES = (("A", "B", "C"), ("X", "Y", "Z"))


def _name(row: Row) -> Both:
    """A product as its platform calls it, with the platform."""
    place = segment_name("platform", str(row["source"])) if row["source"] else None
    title = str(row["product_name"] or row["product_key"])
    return both(lambda lang: f"{title} · {place.get(lang)}") if place else same(title)


def _days(value: float | None) -> Both:
    return same(DASH) if value is None else tr("needs.days", n=integer(value))


def _heads(*keys: str) -> list[Both]:
    return [tr(f"table.{key}") for key in keys]


def _ranking(data: Data, info: SiteInfo, page: Page, rows: pl.DataFrame, words: Both) -> Chart:
    """Products by sales of the week, with what they are."""
    kept = ["product_key", "role", "abc_class", "xyz_class", "lifecycle_stage", "days_of_stock"]
    ranked = (
        rows.sort("gmv", "product_key", descending=[True, False])
        .join(data["marts.dim_product"].select(kept), on="product_key", how="left",
              maintain_order="left")
        .to_dicts()
    )  # fmt: skip
    money = partial(amount_text, currency=info.currency)
    pairs = [
        Pair(_name(r), r["gmv"], money(r["gmv"]), r["base_gmv"], money(r["base_gmv"]))
        for r in ranked[:_ROWS]
    ]
    cells: list[list[Both | str]] = [
        [
            _name(r),
            exact_money(r["gmv"], info.currency),
            exact_money(r["base_gmv"], info.currency),
            exact_money(r["change"], info.currency, signed=True),
            f"{r['abc_class'] or DASH}{r['xyz_class'] or ''}",
            named("role", str(r["role"] or DASH)),
            named("lifecycle", str(r["lifecycle_stage"] or DASH)),
            _days(r["days_of_stock"]),
        ]
        for r in ranked[:_TABLE_ROWS]
    ]
    title = tr("products.rank_title", name=_name(ranked[0]),
               amount=money(ranked[0]["gmv"])) if ranked else same("")  # fmt: skip
    heads = ("product", "gmv", "base", "change", "class", "role", "stage", "cover")
    return bar_chart(page, Bars(
        "product-rank",
        (title, tr("products.rank_subtitle", words=words, n=_ROWS), tr("products.no_sales")),
        pairs, Table(_heads(*heads), cells), _SALES,
        [Key("■", "accent", tr("products.now")), Key("■", "ink3", tr("table.base"))],
    ))  # fmt: skip


def _moved(info: SiteInfo, page: Page, rows: pl.DataFrame, words: Both) -> Chart:
    """The greatest rises and falls between two weeks."""
    falls = rows.filter(pl.col("change") < 0).head(_MOVERS)
    gains = rows.filter(pl.col("change") > 0).tail(_MOVERS)
    shown = [*falls.to_dicts(), *gains.to_dicts()]
    amounts = [row["change"] for row in shown]
    fell, rose = falls.height > 0, gains.height > 0
    key = "both" if fell and rose else "fell" if fell else "rose" if rose else "none"
    words_of = {
        "up": _name(shown[-1]) if rose else same(""),
        "gain": amount_text(amounts[-1], info.currency, True) if rose else same(""),
        "down": _name(shown[0]) if fell else same(""),
        "loss": amount_text(amounts[0], info.currency, True) if fell else same(""),
    }
    chart = Chart(
        id="product-moves",
        title=tr(f"products.moved_{key}", **words_of),
        subtitle=tr("products.moved_subtitle", words=words, n=_MOVERS),
        figure=contribution_bars([_name(r) for r in shown], amounts, info.currency, page.pool)
        if shown else None,
        table=Table(
            _heads("product", "gmv", "base", "change"),
            [
                [
                    _name(r), exact_money(r["gmv"], info.currency),
                    exact_money(r["base_gmv"], info.currency),
                    exact_money(r["change"], info.currency, signed=True),
                ]
                for r in shown
            ],
        ),
        source=_SALES[0],
        csv=f"data/{_SALES[1]}.csv",
        height=60 + 34 * len(shown),
        empty=tr("products.no_sales"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def _cover_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """How long the stock of the best sellers lasts, the first to end on top."""
    first = running_out(data, 10_000).head(_ROWS).to_dicts()
    urgent = running_out(data).height
    pairs = [Pair(_name(r), r["days_of_stock"], _days(r["days_of_stock"])) for r in first]
    cells: list[list[Both | str]] = [
        [_name(r), integer(r["on_hand"]), _days(r["days_of_stock"]),
         exact_money(r["gmv"], info.currency)]
        for r in first
    ]  # fmt: skip
    title = (
        tr("products.cover_urgent", n=urgent, days=RUNS_OUT_DAYS) if urgent
        else tr("products.cover_fine", name=_name(first[0]),
                days=_days(first[0]["days_of_stock"])) if first
        else same("")
    )  # fmt: skip
    return bar_chart(page, Bars(
        "stock-cover", (title, tr("products.cover_subtitle"), tr("products.no_stock")),
        pairs, Table(_heads("product", "on_hand", "cover", "gmv_ever"), cells), _NAMES,
    ))  # fmt: skip


def _stock(data: Data, info: SiteInfo) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Stock of the last day that was counted until the last day, and of the weeks to it."""
    frame = data["marts.fct_inventory_daily"].filter(pl.col("business_date") <= info.data_through)
    last = frame["business_date"].max()
    if last is None:
        return frame, frame
    span = pl.col("business_date") > pl.lit(last) - pl.duration(days=STOCK_DAYS)
    return frame.filter(pl.col("business_date") == last), frame.filter(span)


def _stuck(data: Data, today: pl.DataFrame) -> pl.DataFrame:
    """Stock that hardly sells, by what it cost: product_key, product_name, stock_amount."""
    slow = data["marts.dim_product"].filter("is_slow_moving")
    return (
        today.group_by("product_key")
        .agg(exact_sum("stock_amount"), exact_sum("on_hand"))
        .join(slow.select("product_key", "product_name", "source", "sell_through_rate"),
              on="product_key")
        .drop_nulls("stock_amount")
        .sort("stock_amount", "product_key", descending=[True, False])
    )  # fmt: skip


def _stuck_chart(info: SiteInfo, page: Page, stuck: pl.DataFrame) -> Chart:
    rows = stuck.head(_ROWS).to_dicts()
    money = partial(amount_text, currency=info.currency)
    title = tr("products.stuck_title", name=_name(rows[0]),
               amount=money(rows[0]["stock_amount"])) if rows else same("")  # fmt: skip
    return bar_chart(page, Bars(
        "stock-stuck", (title, tr("products.stuck_subtitle"), tr("products.stuck_none")),
        [Pair(_name(r), r["stock_amount"], money(r["stock_amount"])) for r in rows],
        Table(
            _heads("product", "stock_amount", "on_hand", "sell_through"),
            [[_name(r), exact_money(r["stock_amount"], info.currency), integer(r["on_hand"]),
              percent(r["sell_through_rate"])] for r in rows],
        ),
        _STOCK,
    ))  # fmt: skip


def reorder_chart(data: Data, info: SiteInfo, page: Page) -> Chart:
    """What to order, the first to be ordered on top; and how much lies there that nobody needs."""
    plan = data["insights.reorder_plan"]
    wanted = plan.filter(pl.col("suggested_units") > 0).sort(
        "order_by_date", "suggested_amount", "product_key", descending=[False, True, False],
        nulls_last=True,
    )  # fmt: skip
    rows = wanted.head(_TABLE_ROWS).to_dicts()
    heads = ("product", "warehouse", "supplier", "on_hand", "on_order", "cover", "order_by",
             "order_units", "order_amount", "why")  # fmt: skip
    title = (
        tr("products.order_title", n=wanted.height, name=_name(rows[0])) if rows
        else tr("products.order_none" if plan.height else "products.order_unknown")
    )  # fmt: skip
    chart = Chart(
        id="reorder",
        title=title,
        subtitle=tr("products.order_subtitle"),
        figure=None,
        table=Table(
            [tr(f"table.{key}") for key in heads],
            [
                [
                    _name(r), str(r["warehouse"] or DASH), str(r["supplier_id"] or DASH),
                    integer(r["on_hand"]), integer(r["on_order"]), _days(r["days_of_stock"]),
                    DASH if r["order_by_date"] is None else r["order_by_date"].isoformat(),
                    integer(r["suggested_units"]),
                    exact_money(r["suggested_amount"], info.currency),
                    named("reorder", str(r["reason"])),
                ]
                for r in rows
            ],
            text_columns=3,
        ),
        source="insights.reorder_plan",
        csv="data/reorder_plan.csv",
        is_open=True,
        empty=None if rows else title,
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def _classes(data: Data, page: Page) -> Chart:
    """How many products there are of each class of sales and of each steadiness of demand."""
    rows = data["marts.dim_product"].drop_nulls(["abc_class", "xyz_class"])
    counts = {(a, x): n for a, x, n in rows.group_by("abc_class", "xyz_class").len().iter_rows()}
    lines, columns = _CLASSES
    cells = [[counts.get((a, x), 0) for x in columns] for a in lines]
    names = [tr(f"products.abc_{a}") for a in lines], [tr(f"products.xyz_{x}") for x in columns]
    top = float(max(max(line) for line in cells) or 1)
    chart = Chart(
        id="product-classes",
        title=tr("products.class_title", n=counts.get(("A", "X"), 0)),
        subtitle=tr("products.class_subtitle"),
        figure=heat_map(
            *names, [[Cell(str(n), float(n)) for n in line] for line in cells],
            ("sequential", 0.0, top), page.pool,
        ) if counts else None,
        table=Table(
            [tr("table.class"), *names[1]],
            [[name, *(str(n) for n in line)] for name, line in zip(names[0], cells, strict=True)],
        ),
        source=_NAMES[0],
        csv=f"data/{_NAMES[1]}.csv",
        height=210,
        empty=tr("products.no_classes"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def _suppliers(data: Data, info: SiteInfo, page: Page) -> Chart:
    """Suppliers by score of their last month, the worst on top."""
    frame = data["marts.fct_supplier_monthly"]
    last = frame.drop_nulls("score")["period_start"].max()
    rows = (
        frame.filter(pl.col("period_start") == last)
        .sort("score", "supplier_id", nulls_last=True)
        .to_dicts()
    )
    judged = [r for r in rows if r["score"] is not None]
    pairs = [
        Pair(same(str(r["supplier_id"])), r["score"],
             same(f"{fixed(r['score'], 0)} · {r['grade']}")) for r in judged[:_ROWS]
    ]  # fmt: skip
    cells: list[list[Both | str]] = [
        [
            str(r["supplier_id"]), DASH if r["score"] is None else fixed(r["score"], 0),
            str(r["grade"] or DASH), percent(r["on_time_rate"]), percent(r["fill_rate"]),
            percent(r["defect_rate"]), DASH if r["lead_time_days"] is None
            else fixed(r["lead_time_days"], 1), exact_money(r["ordered_amount"], info.currency),
            percent(r["single_source_gmv_rate"]),
        ]
        for r in rows
    ]  # fmt: skip
    title = tr("products.supplier_title", name=str(judged[0]["supplier_id"]),
               score=fixed(judged[0]["score"], 0),
               grade=str(judged[0]["grade"])) if judged else same("")  # fmt: skip
    heads = ("supplier", "score", "grade", "on_time", "fill", "defects", "lead", "ordered",
             "single")  # fmt: skip
    return bar_chart(page, Bars(
        "suppliers",
        (title, tr("products.supplier_subtitle"), tr("products.no_suppliers")),
        pairs, Table(_heads(*heads), cells), _SUPPLIERS,
    ))  # fmt: skip


def headline(data: Data, info: SiteInfo, stuck: pl.DataFrame) -> Both:
    """What runs out and what is stuck, by the lists below."""
    if with_stock(data).is_empty():
        return tr("products.headline_no_stock")
    urgent, held = running_out(data), stuck.select(exact_sum("stock_amount")).item()
    first = (
        tr("products.headline_out", n=urgent.height, name=_name(urgent.row(0, named=True)))
        if urgent.height else tr("products.headline_fine", days=RUNS_OUT_DAYS)
    )  # fmt: skip
    second = tr("products.headline_stuck", n=stuck.height,
                amount=amount_text(held, info.currency)) if stuck.height else None  # fmt: skip
    return sentences([first, second])


def _tiles(info: SiteInfo, today: pl.DataFrame, weeks: pl.DataFrame,
           stuck: pl.DataFrame) -> Sequence[Tile]:  # fmt: skip
    if today.is_empty():
        return []
    held = today.select(exact_sum("stock_amount")).item()
    lost = weeks.select(exact_sum("lost_sales_amount")).item()
    out = today.filter("is_stock_out").height
    idle = stuck.select(exact_sum("stock_amount")).item()
    shown = {"held": held, "lost": lost, "idle": idle}
    texts = {key: amount_text(value, info.currency) for key, value in shown.items()}
    texts["out"] = same(integer(out))
    return [
        Tile(key, tr(f"products.tile_{key}"), texts[key], tr(f"products.tile_{key}_detail",
             n=STOCK_DAYS)) for key in ("held", "idle", "out", "lost")
    ]  # fmt: skip


def build(data: Data, info: SiteInfo) -> Page:
    """The page `products.html`."""
    page = analysis("products")
    if empty := empty_state(data["marts.fct_product_daily"], info, {"order_items"}):
        page.values["headline"] = empty
        return page
    now, base = windows(data, info.data_through)
    today, weeks = _stock(data, info)
    stuck = _stuck(data, today)
    rows = moved(data, now, base or now)
    words = tr("movers.subtitle", days=now.text(),
               base=base.text(now.last)) if base else now.text()  # fmt: skip
    counted = today["business_date"].max()
    page.values |= {
        "headline": headline(data, info, stuck),
        "warnings": incomplete(data, now, {"order_items", "inventory_snapshots"}),
        "remarks": [remark] if (remark := base_remark(data, now, base)) else [],
        "tiles": _tiles(info, today, weeks, stuck),
    }
    if counted and info.data_through - counted > timedelta(days=_STALE_DAYS):  # type: ignore[operator]
        at = both(lambda lang: day(counted, lang, info.data_through))  # type: ignore[arg-type]
        page.values["warnings"].append(tr("products.stale", day=at))
    page.values["blocks"] = [
        Block([_cover_chart(data, info, page), _stuck_chart(info, page, stuck)]),
        Block([reorder_chart(data, info, page)]),
        Block([_ranking(data, info, page, rows, words), _moved(info, page, rows, words)]),
        Block([_suppliers(data, info, page), _classes(data, page)]),
    ]
    return page

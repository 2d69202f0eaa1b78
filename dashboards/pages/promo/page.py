"""Promotion review: did it pay?"""

from __future__ import annotations

from functools import partial

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.names import segment_name
from dashboards.base.page import Both, Chart, Key, Page, Table, amount_text, both, same, tr
from dashboards.charts.bars import Pair
from dashboards.pages.shared.bars import Bars, bar_chart
from dashboards.pages.shared.layout import Block, Tile, analysis, empty_state
from dashboards.pages.shared.pacing import pacing_chart
from dashboards.wording.formatting import DASH, exact_money, fixed, integer, percent

_TABLE = ("marts.fct_promo_review", "promo_review")
_LISTED = 16
_SUMMED = ("gmv", "baseline_naive_gmv", "after_gmv", "after_baseline_naive_gmv", "cost",
           "discount_amount", "new_buyers")  # fmt: skip


def reviews(data: Data, info: SiteInfo) -> list[Row]:
    """Promotions that had begun, by platform, the latest first, with their labels."""
    labels = data["marts.dim_promo"].group_by("promo", "promo_year").agg(
        pl.col("label_en", "label_zh").drop_nulls().first()
    )  # fmt: skip
    frame = (
        data[_TABLE[0]]
        .filter(pl.col("first_date") <= info.data_through)
        .join(labels, on=["promo", "promo_year"], how="left")
        .sort("last_date", "promo", "platform", descending=[True, False, False])
    )
    return frame.to_dicts()


def _label(row: Row) -> Both:
    name = Both(row["label_en"] or row["promo"], row["label_zh"] or row["promo"])
    year = int(row["promo_year"])
    return both(lambda lang: f"{name.get(lang)} {year}")


def latest(rows: list[Row]) -> list[Row]:
    """The rows of the promotion that ended last, one a platform."""
    key = [(r["promo"], r["promo_year"]) for r in rows[:1]]
    return [r for r in rows if (r["promo"], r["promo_year"]) in key]


def whole(rows: list[Row]) -> Row:
    """Sums over platforms; NULL where one of them is not known."""
    frame = pl.DataFrame({name: [r[name] for r in rows] for name in _SUMMED},
                         schema=dict.fromkeys(_SUMMED, pl.Float64))  # fmt: skip
    return frame.select(
        pl.when(pl.col(name).null_count() == 0).then(exact_sum(name)).alias(name)
        for name in _SUMMED
    ).row(0, named=True)


def headline(rows: list[Row], info: SiteInfo) -> Both:
    """What the last promotion sold beside ordinary days, and whether it is over."""
    if not rows:
        return tr("promo.none")
    sums = whole(rows)
    if sums["gmv"] is None:
        return tr("promo.headline_unknown", promo=_label(rows[0]))
    before = sums["baseline_naive_gmv"]
    side = "plain" if before is None else "above" if sums["gmv"] > before else "below"
    state = "" if all(r["is_over"] for r in rows) else "_so_far"
    words = {"gmv": sums["gmv"], "before": before}
    return tr(f"promo.headline_{side}{state}", promo=_label(rows[0]),
              **{k: amount_text(v, info.currency) for k, v in words.items()})  # fmt: skip


def _compared(page: Page, info: SiteInfo, rows: list[Row], kind: str) -> Chart:
    """Sales of the promotion, or of the two weeks after it, beside ordinary days."""
    now, base = {"during": ("gmv", "baseline_naive_gmv"),
                 "after": ("after_gmv", "after_baseline_naive_gmv")}[kind]  # fmt: skip
    money = partial(amount_text, currency=info.currency)
    known = [r for r in rows if r[now] is not None and r[base] is not None]
    names = [segment_name("platform", str(r["platform"])) for r in rows]
    above = sum(r[now] > r[base] for r in known)
    key = "all" if above == len(known) else "none" if not above else "some"
    title = tr(f"promo.{kind}_{key}", n=above, of=len(known)) if known else same("")
    return bar_chart(page, Bars(
        f"promo-{kind}",
        (title, tr(f"promo.{kind}_subtitle"), tr(f"promo.{kind}_unknown")),
        [Pair(segment_name("platform", str(r["platform"])), r[now], money(r[now]), r[base],
              money(r[base])) for r in known],
        Table(
            [tr("table.platform"), tr("table.gmv"), tr("promo.ordinary")],
            [[name, exact_money(r[now], info.currency), exact_money(r[base], info.currency)]
             for name, r in zip(names, rows, strict=True)],
        ),
        _TABLE,
        [Key("■", "accent", tr(f"promo.{kind}")), Key("■", "ink3", tr("promo.ordinary"))],
    ))  # fmt: skip


def review_chart(page: Page, info: SiteInfo, rows: list[Row]) -> Chart:
    """All promotions: what they sold, cost and brought."""
    shown = rows[:_LISTED]
    heads = ("promo", "platform", "days", "gmv", "ordinary", "discount", "spend", "roi", "new",
             "back", "usual")  # fmt: skip
    judged = [r for r in shown if r["margin_roi"] is not None]
    best = max(judged, key=lambda r: (r["margin_roi"], str(r["platform"])), default=None)
    title = (
        tr("promo.table_title", promo=_label(best), roi=fixed(best["margin_roi"], 2),
           platform=segment_name("platform", str(best["platform"])))
        if best else tr("promo.table_plain")
    )  # fmt: skip
    chart = Chart(
        id="promo-reviews",
        title=title,
        subtitle=tr("promo.table_subtitle"),
        figure=None,
        table=Table(
            [tr(f"promo.head_{key}") for key in heads],
            [
                [
                    _label(r), segment_name("platform", str(r["platform"])),
                    integer(r["day_count"]), exact_money(r["gmv"], info.currency),
                    exact_money(r["baseline_naive_gmv"], info.currency),
                    exact_money(r["discount_amount"], info.currency),
                    exact_money(r["cost"], info.currency),
                    DASH if r["margin_roi"] is None else fixed(r["margin_roi"], 2),
                    integer(r["new_buyers"]), percent(r["new_buyer_d30_repurchase"]),
                    percent(r["ordinary_d30_repurchase_rate"]),
                ]
                for r in shown
            ],
            text_columns=2,
        ),
        source=_TABLE[0],
        csv=f"data/{_TABLE[1]}.csv",
        is_open=True,
    )  # fmt: skip
    page.charts.append(chart)
    return chart


def build(data: Data, info: SiteInfo) -> Page:
    """The page `promo.html`."""
    page = analysis("promo")
    if empty := empty_state(data[_TABLE[0]], info, {"orders"}):
        page.values["headline"] = empty
        return page
    rows = reviews(data, info)
    last = latest(rows)
    sums = whole(last)
    money = partial(amount_text, currency=info.currency)
    tiles = {
        "gmv": money(sums["gmv"]), "discount": money(sums["discount_amount"]),
        "spend": money(sums["cost"]), "new": same(integer(sums["new_buyers"])),
    }  # fmt: skip
    pacing = pacing_chart(data, info, page, is_running=False)
    page.values |= {
        "headline": headline(last, info),
        "remarks": [tr("promo.naive")],
        "tiles_follow": "platform",
        "tiles": [Tile(key, tr(f"promo.tile_{key}"), value, _label(last[0]))
                  for key, value in tiles.items()] if last else [],
        "blocks": [
            *([Block([pacing])] if pacing else []),
            Block([_compared(page, info, last, "during"), _compared(page, info, last, "after")]),
            Block([review_chart(page, info, rows)]),
        ],
    }  # fmt: skip
    return page

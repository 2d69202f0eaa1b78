"""A promotion hour by hour against the one before it: the pacing.

Belongs here: the chart and what its title says. Does not belong here: the sums, which
`fct_promo_hourly` holds.
"""

from __future__ import annotations

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.names import segment_name
from dashboards.base.page import (
    Both,
    Chart,
    Key,
    Page,
    Panel,
    Table,
    amount_text,
    both,
    same,
    tr,
)  # fmt: skip
from dashboards.charts.money import MoneyLine, money_lines
from dashboards.wording.formatting import exact_money, integer

_PHASES = ("peak", "opening", "burst", "sustain", "presale")
_SAME = 0.01  # of the amount before: closer than that is on pace


def _running(data: Data, info: SiteInfo, is_running: bool) -> pl.DataFrame:
    """Hours of one phase a platform: of a running one those of the last day, else the latest."""
    rows = data["marts.fct_promo_hourly"]
    begun = data["marts.dim_promo"].filter(pl.col("start_date") <= info.data_through)
    if is_running:
        begun = begun.filter(pl.col("end_date") >= info.data_through)
    keys = ["promo", "promo_year", "platform", "phase"]
    rank = {name: place for place, name in enumerate(_PHASES)}
    latest = (
        begun.join(rows.select(keys).unique(), on=keys, how="semi")
        .with_columns(
            rank=pl.col("phase").replace_strict(rank, default=len(rank), return_dtype=pl.Int64)
        )
        .sort("start_date", "rank", descending=[True, False])
        .group_by("platform", maintain_order=True)
        .first()
    )
    return rows.join(latest.select(*keys, "label_en", "label_zh"), on=keys).sort(
        "platform", "hours_since_start"
    )


def _said(name: Both, last: Row, info: SiteInfo) -> tuple[str, Both]:
    now, before = last["cumulative_gmv"], last["previous_cumulative_gmv"]
    side = (
        "new" if not before
        else "same" if abs(now - before) < _SAME * before
        else "ahead" if now > before else "behind"
    )  # fmt: skip
    words = {"now": now, "before": before}
    return side, tr(f"pacing.{side}", platform=name,
                    **{k: amount_text(v, info.currency) for k, v in words.items()})  # fmt: skip


def pacing_chart(data: Data, info: SiteInfo, page: Page, is_running: bool) -> Chart | None:
    """Cumulative GMV by hours since the phase began, a small figure a platform.

    Args:
        data: the frames.
        info: facts about the site.
        page: page it stands on.
        is_running: only a phase that the last day lies in; else the latest that began.

    Returns:
        None where there is no such phase.
    """
    rows = _running(data, info, is_running)
    panels: list[Panel] = []
    cells: list[list[Both | str]] = []
    told: list[Both] = []
    for (platform,), hours in rows.group_by("platform", maintain_order=True):
        name = segment_name("platform", str(platform))
        known = hours.drop_nulls("cumulative_gmv").to_dicts()
        if not known:
            continue
        lines = hours.to_dicts()
        ticks = [tr("pacing.hour", n=integer(row["hours_since_start"])) for row in lines]
        figure = money_lines(
            [
                MoneyLine(tr("pacing.before"), [r["previous_cumulative_gmv"] for r in lines],
                          "ink3", is_dashed=True),
                MoneyLine(tr("pacing.now"), [r["cumulative_gmv"] for r in lines]),
            ],
            (ticks, max(1, len(ticks) // 4)), info.currency, page.pool,
        )  # fmt: skip
        told.append(_said(name, known[-1], info)[1])
        value = amount_text(known[-1]["cumulative_gmv"], info.currency)
        label = both(lambda lang, n=name, v=value: f"{n.get(lang)} · {v.get(lang)}")  # type: ignore[misc]
        panels.append(Panel(f"pacing-{len(panels)}", label, "", figure))
        days = [row for row in lines if int(row["hours_since_start"]) % 24 == 23] or lines[-1:]
        cells += [
            [
                name,
                integer(row["hours_since_start"] + 1),
                exact_money(row["cumulative_gmv"], info.currency),
                exact_money(row["previous_cumulative_gmv"], info.currency),
            ]
            for row in ([*days, known[-1]] if known[-1] not in days else days)
        ]
    if not panels:
        return None
    first = rows.row(0, named=True)
    chart = Chart(
        id="pacing",
        title=both(lambda lang: ("；" if lang == "zh" else "; ").join(t.get(lang) for t in told)),
        subtitle=tr("pacing.subtitle", promo=Both(first["label_en"], first["label_zh"]),
                    year=same(str(int(first["promo_year"])))),
        figure=None,
        panels=panels,
        table=Table(
            [tr(f"table.{key}") for key in ("platform", "hours", "gmv", "promo_before")], cells
        ),
        source="marts.fct_promo_hourly",
        csv="data/promo_hourly.csv",
        height=210,
        wide=True,
        legend=[
            Key("—", "accent", tr("pacing.now")), Key("┄", "ink3", tr("pacing.before")),
        ],
    )  # fmt: skip
    page.charts.append(chart)
    return chart

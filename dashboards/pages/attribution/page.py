"""Attribution: which touchpoints earn their money? Attributed, never incremental."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from dashboards.base.data import Data, SiteInfo, exact_sum
from dashboards.base.names import segment_name
from dashboards.base.page import Both, Chart, Key, Page, Table, amount_text, same, tr
from dashboards.charts.bars import Pair, bars_paired
from dashboards.charts.curves import DotSeries, money_dots
from dashboards.figures.ratios import ratio
from dashboards.figures.windows import Window, incomplete
from dashboards.pages.shared.layout import Block, Choice, analysis, empty_state
from dashboards.wording.formatting import exact_money, fixed

DAYS = 30
_TABLE = "marts.fct_attribution_daily"
_CSV = "data/attribution_daily.csv"
_ROWS, _CAMPAIGNS = 12, 15
_NOTABLE = 0.25  # of the mean over models: from here on a channel's worth depends on the model
_TOLERANCE = 0.01  # models must credit the same sum; a cent a window is rounding
# Single-touch models in ink, the others in blue; the sign tells them apart without colour.
MODELS = {
    "first": ("triangle-left", "◀", "ink"),
    "last": ("triangle-right", "▶", "ink"),
    "last_non_direct": ("diamond", "◆", "ink3"),
    "linear": ("circle", "●", "accent"),
    "position": ("square", "■", "accent"),
    "time_decay": ("triangle-up", "▲", "accent"),
}


@dataclass(frozen=True)
class Credit:
    """What the models give to a channel, by model: revenue and orders."""

    channel: str
    revenue: dict[str, float]
    orders: dict[str, float]

    @property
    def low(self) -> float:
        """The least any model gives."""
        return min(self.revenue.values())

    @property
    def high(self) -> float:
        """The most any model gives."""
        return max(self.revenue.values())

    @property
    def middle(self) -> float:
        """Half way between; orders the rows and is never shown, for models are not averaged."""
        return (self.low + self.high) / 2


def channel_name(channel: str) -> Both:
    """A channel's name."""
    return segment_name("channel", channel)


def window_of(info: SiteInfo) -> Window:
    """The days of the page."""
    return Window(info.data_through - timedelta(days=DAYS - 1), info.data_through)


def rows_of(data: Data, info: SiteInfo) -> pl.DataFrame:
    """Rows of the window."""
    return data[_TABLE].filter(window_of(info).filter(), pl.col("model").is_in(list(MODELS)))


def credits_by_channel(frame: pl.DataFrame) -> list[Credit]:
    """Every channel with what each model gives it, largest first; a model's silence is 0."""
    summed = frame.group_by("channel", "model").agg(
        exact_sum("credited_revenue"), exact_sum("credited_orders")
    )
    models = [m for m in MODELS if m in set(frame["model"].to_list())]
    found: dict[str, Credit] = {}
    for channel in sorted(set(summed["channel"].to_list())):
        found[channel] = Credit(channel, dict.fromkeys(models, 0.0), dict.fromkeys(models, 0.0))
    for channel, model, revenue, orders in summed.iter_rows():
        found[channel].revenue[model] = float(revenue or 0)
        found[channel].orders[model] = float(orders or 0)
    return sorted(found.values(), key=lambda c: (-c.middle, c.channel))


def _title(found: Sequence[Credit], info: SiteInfo) -> Both:
    """The channel whose worth depends most on the model, in money."""
    named = [c for c in found if not c.channel.startswith("(")]
    widest = max(named, key=lambda c: (c.high - c.low, c.channel), default=None)
    if widest is None or len(widest.revenue) < 2:
        return tr("attribution.title_plain")
    if widest.high - widest.low < _NOTABLE * abs(widest.middle):
        return tr("attribution.title_agree")
    return tr(
        "attribution.title_spread",
        channel=channel_name(widest.channel),
        low=amount_text(widest.low, info.currency),
        high=amount_text(widest.high, info.currency),
    )


def dot_chart(found: Sequence[Credit], info: SiteInfo, page: Page) -> Chart:
    """One row a channel, one dot a model; the line between them is the uncertainty."""
    shown = found[:_ROWS]
    models = list(found[0].revenue)
    series = [
        DotSeries(
            tr(f"attribution.model_{m}"), MODELS[m][0], MODELS[m][2], [c.revenue[m] for c in shown]
        )
        for m in models
    ]
    chart = Chart(
        id="attribution-dots",
        title=_title(found, info),
        subtitle=tr("attribution.subtitle", days=DAYS),
        figure=money_dots(
            [channel_name(c.channel) for c in shown], series, info.currency, page.pool
        ),
        table=Table(
            [
                tr("dimension.channel"),
                *(tr(f"attribution.model_{m}") for m in models),
                tr("attribution.spread"),
            ],
            [
                [
                    channel_name(c.channel),
                    *(exact_money(c.revenue[m], info.currency) for m in models),
                    exact_money(c.high - c.low, info.currency),
                ]
                for c in found
            ],
        ),
        source=_TABLE,
        csv=_CSV,
        height=60 + 40 * len(shown),
        legend=[Key(MODELS[m][1], MODELS[m][2], tr(f"attribution.model_{m}")) for m in models],
        is_open=True,
    )
    page.charts.append(chart)
    return chart


def spend_by_channel(data: Data, info: SiteInfo) -> dict[str, float]:
    """What was spent on each channel in the window; channels without spend are not in it.

    Of platforms and days that track visits alone, for others can earn no credit.
    """
    rows = (
        data["marts.fct_channel_daily"]
        .filter(window_of(info).filter(), pl.col("attributed_gmv").is_not_null())
        .group_by("channel")
        .agg(exact_sum("cost"))
        .filter(pl.col("cost") > 0)
    )
    return {str(channel): float(cost) for channel, cost in rows.iter_rows()}


def model_chart(
    model: str, found: Sequence[Credit], spend: dict[str, float], page: Page, info: SiteInfo
) -> Chart:
    """What one model says of every channel, beside what was spent on it."""
    ranked = sorted(found, key=lambda c: (-c.revenue[model], c.channel))
    rows = [
        Pair(
            channel_name(c.channel),
            max(c.revenue[model], 0.0),
            amount_text(c.revenue[model], info.currency),
            spend.get(c.channel),
            amount_text(spend[c.channel], info.currency) if c.channel in spend else None,
        )
        for c in ranked[:_ROWS]
    ]
    heads = ["orders", "revenue", "spend", "roas"]
    chart = Chart(
        id=f"attribution-{model}",
        title=tr("attribution.model_title", model=tr(f"attribution.model_{model}")),
        subtitle=tr(f"attribution.meaning_{model}"),
        note=tr("attribution.net_roas") if spend else None,
        figure=bars_paired(rows, page.pool),
        table=Table(
            [tr("dimension.channel"), *(tr(f"attribution.head_{key}") for key in heads)],
            [
                [
                    channel_name(c.channel),
                    fixed(c.orders[model], 1),
                    exact_money(c.revenue[model], info.currency),
                    exact_money(spend.get(c.channel), info.currency),
                    fixed(ratio(c.revenue[model], spend.get(c.channel)), 2),
                ]
                for c in ranked
            ],
        ),
        source=_TABLE,
        csv=_CSV,
        height=50 + 52 * len(rows),
        legend=[
            Key("■", "accent", tr("attribution.head_revenue")),
            Key("■", "ink3", tr("attribution.head_spend")),
        ],
    )
    page.charts.append(chart)
    return chart


def campaign_table(frame: pl.DataFrame, model: str, info: SiteInfo) -> Table:
    """The campaigns to which one model gives most."""
    rows = (
        frame.filter(pl.col("model") == model, pl.col("campaign").is_not_null())
        .group_by("channel", "campaign")
        .agg(exact_sum("credited_orders"), exact_sum("credited_revenue"))
        .filter(~pl.col("campaign").str.starts_with("("), pl.col("campaign") != "")
        .sort("credited_revenue", "channel", "campaign", descending=[True, False, False])
        .head(_CAMPAIGNS)
    )
    heads = ["campaign", "channel", "orders", "revenue"]
    return Table(
        [tr(f"attribution.head_{key}") for key in heads],
        [
            [same(str(campaign)), channel_name(str(channel)), fixed(orders, 1),
             exact_money(revenue, info.currency)]
            for channel, campaign, orders, revenue in rows.iter_rows()
        ],
        text_columns=2,
    )  # fmt: skip


def campaign_chart(frame: pl.DataFrame, model: str, page: Page, info: SiteInfo) -> Chart | None:
    """A table of campaigns; there is nothing a picture would add."""
    table = campaign_table(frame, model, info)
    if not table.rows:
        return None
    chart = Chart(
        id=f"campaigns-{model}",
        title=tr("attribution.campaigns", model=tr(f"attribution.model_{model}")),
        subtitle=tr("attribution.campaigns_subtitle", n=len(table.rows), days=DAYS),
        figure=None,
        table=table,
        source=_TABLE,
        csv=_CSV,
        is_open=True,
    )
    page.charts.append(chart)
    return chart


def _warnings(found: Sequence[Credit], info: SiteInfo) -> list[Both]:
    """Models that do not credit the same sum: the page then says that one of them is wrong."""
    totals = {m: sum(c.revenue[m] for c in found) for m in found[0].revenue}
    gap = max(totals.values()) - min(totals.values())
    if gap <= _TOLERANCE:
        return []
    return [tr("attribution.unequal", gap=amount_text(gap, info.currency))]


def build(data: Data, info: SiteInfo) -> Page:
    """The page `attribution.html`."""
    frame = rows_of(data, info)
    page = analysis("attribution")
    missing = empty_state(frame, info, {"events"})
    if missing:
        page.values["headline"] = missing
        return page
    found = credits_by_channel(frame)
    spend = spend_by_channel(data, info)
    models = list(found[0].revenue)
    total = sum(c.revenue[models[0]] for c in found)
    page.values["headline"] = tr(
        "attribution.headline", total=amount_text(total, info.currency), days=DAYS
    )
    page.values["remarks"] = [tr("attribution.not_incremental")]
    page.values["warnings"] = _warnings(found, info)
    page.values["warnings"] += incomplete(data, window_of(info), {"events", "orders"})
    choices = []
    for model in models:
        charts = [model_chart(model, found, spend, page, info)]
        campaigns = campaign_chart(frame, model, page, info)
        blocks = [Block(charts=(*charts, campaigns) if campaigns else charts)]
        choices.append(Choice(model, tr(f"attribution.model_{model}"), blocks))
    page.values["blocks"] = [
        Block(charts=(dot_chart(found, info, page),)),
        Block(group="model", label=tr("attribution.model"), choices=choices),
    ]
    return page

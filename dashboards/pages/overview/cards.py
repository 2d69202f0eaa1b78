"""The eight cards of the overview: a figure, what it is set against, four weeks as a line.

Belongs here: which measures have a card, and when a card is flagged.
Does not belong here: the measures themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl
from markupsafe import Markup

from dashboards.base.data import Data, Row, SiteInfo, exact_sum
from dashboards.base.names import definition_of, label_of
from dashboards.base.page import Both, amount_text, both, same, tr
from dashboards.charts.sparkline import sparkline
from dashboards.figures.buyers import is_young
from dashboards.figures.channels import known_both, total
from dashboards.figures.ratios import level
from dashboards.figures.windows import Window, window_until
from dashboards.pages.overview.versus import Versus
from dashboards.pages.shared.deltas import Delta, delta, level_text
from dashboards.wording.formatting import fixed, month_name, percent
from dashboards.wording.i18n import word
from dashboards.wording.metrics import unit_of

SPARK_DAYS = 28
SPAN_DAYS = 28  # of the spend and refunds that a single day says too little of
TRAFFIC, ORDERS = frozenset({"events", "traffic_daily"}), frozenset({"orders"})
_HISTORY_DAYS = 400
_ATTRIBUTED = "new_buyers"
Series = Mapping[date, float | None]


@dataclass(frozen=True)
class Measure:
    """A measure of `fct_gmv_daily` with a card.

    Attributes:
        name: its column.
        href: the page that explains it.
        feeds: feeds of which one must be configured.
        aliases: other names of the measure in `insights.anomalies`.
    """

    name: str
    href: str
    feeds: frozenset[str] = ORDERS
    aliases: tuple[str, ...] = ()


MEASURES = (
    Measure("gmv", "drivers.html"),
    Measure("visitors", "funnel.html", TRAFFIC),
    Measure("conversion_rate", "funnel.html", TRAFFIC, ("conversion",)),
    Measure("gmv_per_buyer", "drivers.html"),
    Measure(_ATTRIBUTED, "channels.html"),
)


@dataclass(frozen=True)
class Card:
    """What a card shows.

    Attributes:
        deltas: changes by tab; a change of tab "" stands whatever is chosen.
        flag: why its border is marked, if it is.
        note: said instead of a value.
        remarks: small lines below.
    """

    name: str
    label: Both
    definition: Both
    value: Both
    href: str
    deltas: Sequence[tuple[str, Delta]] = ()
    spark: Markup | str = ""
    flag: Both | None = None
    note: Both | None = None
    remarks: Sequence[Both] = ()


def _flag(data: Data, info: SiteInfo, measure: Measure, good: str) -> Both | None:
    """Why the card is marked: outside its range on the bad side only."""
    judged = data["insights.anomalies"].filter(
        pl.col("business_date") == info.data_through,
        pl.col("dimension") == "all",
        pl.col("status") == "anomaly",
        pl.col("observed").is_not_null(),
        pl.col("metric").is_in([measure.name, *measure.aliases]),
    )
    for row in judged.to_dicts():
        low = row["lower"] is not None and row["observed"] < row["lower"]
        high = row["upper"] is not None and row["observed"] > row["upper"]
        if (low and good == "up") or (high and good == "down"):
            return tr("card.below_range" if low else "card.above_range")
    return None


def _good(data: Data, name: str) -> str:
    return str((data.metrics.get(name) or {}).get("good_direction") or "up")


def _label(data: Data, name: str) -> Both:
    """The registry's label, or the catalogue's short form where that has no room on a card."""
    label = label_of(name, data.metrics)
    return both(lambda lang: word("card_name", name, lang, label.get(lang)))


def _card(
    site: tuple[Data, SiteInfo], name: str, href: str, series: Series, bases: Sequence[Versus]
) -> Card:
    """A card of the last day of a daily series."""
    data, info = site
    unit, now = unit_of(name, data.metrics), series.get(info.data_through)
    window = [info.data_through - timedelta(days=n) for n in range(SPARK_DAYS - 1, -1, -1)]
    deltas = [
        (base.key, delta(now, series.get(base.day), unit, _good(data, name), base.beside))
        for base in bases
    ]
    return Card(
        name=name,
        label=_label(data, name),
        definition=definition_of(name, data.metrics),
        value=level_text(now, unit, info),
        href=href,
        deltas=deltas if now is not None else (),
        spark=sparkline([series.get(day) for day in window]),
        note=None if now is not None else tr("state.unknown"),
    )


def _of_target(data: Data, info: SiteInfo, name: str) -> list[Both]:
    rows = data["marts.fct_targets_daily"].filter(
        pl.col("business_date") == info.data_through,
        pl.col("metric") == name,
        pl.col("dimension") == "all",
        pl.col("attainment_rate").is_not_null(),
    )
    return [tr("card.of_target", rate=percent(rate)) for rate in rows["attainment_rate"]]


def _remarks(data: Data, info: SiteInfo, name: str) -> list[Both]:
    found = _of_target(data, info, name)
    company = data.company_on(info.data_through) or {}
    if name == "gmv_per_buyer" and company.get("aov") and company.get("orders_per_buyer"):
        aov = amount_text(company["aov"], info.currency)
        found.append(tr("card.per_buyer", orders=fixed(company["orders_per_buyer"], 2), aov=aov))
    if name == _ATTRIBUTED:
        cac = total(data, window_until(info.data_through, SPAN_DAYS, data.first_day())).cac
        if cac is not None:
            found.append(tr("card.cac", cac=amount_text(cac, info.currency), n=SPAN_DAYS))
    return found


def _known(row: Row, name: str) -> float | None:
    """The measure of a day; a day without a single visitor has unknown traffic, not zero."""
    value = row[name]
    if name == "visitors" and not value:
        return None
    return None if value is None else float(value)


def _daily(
    site: tuple[Data, SiteInfo], measure: Measure, rows: Sequence[Row], bases: Sequence[Versus]
) -> Card:
    data, info = site
    if measure.feeds and not measure.feeds & info.configured_feeds:
        card = _card(site, measure.name, measure.href, {}, bases)
        return replace(card, note=tr("state.not_configured"))
    series = {row["business_date"]: _known(row, measure.name) for row in rows}
    if measure.name == _ATTRIBUTED:  # near the beginning of the data nearly all buyers are new
        far = [b.day for b in bases if is_young(data, info.data_through,
                                                (info.data_through - b.day).days)]  # fmt: skip
        series = {day: value for day, value in series.items() if day not in far}
    card = _card(site, measure.name, measure.href, series, bases)
    return replace(
        card,
        flag=None if card.note else _flag(data, info, measure, _good(data, measure.name)),
        remarks=_remarks(data, info, measure.name),
    )


def _profit(site: tuple[Data, SiteInfo], bases: Sequence[Versus]) -> Card:
    """CM2 of the day; where its costs are not all known, what spend brings back."""
    data, info = site
    cells = data["marts.fct_profit_daily"]
    days = cells.group_by("business_date").agg(
        pl.when(pl.col("cm2_amount").null_count() == 0).then(exact_sum("cm2_amount")),
        pl.col("is_estimated").any(),
    )
    series = dict(days.select("business_date", "cm2_amount").iter_rows())
    if series.get(info.data_through) is not None:
        today = days.filter(pl.col("business_date") == info.data_through)
        estimated = [tr("card.estimated")] if today["is_estimated"].item() else []
        card = _card(site, "cm2_amount", "profit.html", series, bases)
        return replace(card, remarks=[*_of_target(data, info, "cm2_amount"), *estimated])
    spent = known_both(data).group_by("business_date").agg(exact_sum("cost"), exact_sum("gmv"))
    mer = {row["business_date"]: level("mer", row, data.metrics) for row in spent.to_dicts()}
    card = _card(site, "mer", "channels.html", mer, bases)
    return replace(card, remarks=[tr("card.costs_unknown")])


def _repurchase(site: tuple[Data, SiteInfo]) -> Card:
    """Customers of the latest whole cohort who came back within 30 days, beside the one before."""
    data, _ = site
    rows = (
        data["marts.fct_channel_cohorts_monthly"]
        .filter(pl.col("age_months") == 1)
        .group_by("cohort_month")
        .agg(
            pl.when(pl.col("repeat_buyers").null_count() == 0).then(exact_sum("repeat_buyers")),
            exact_sum("customers"),
        )
        .drop_nulls("repeat_buyers")
        .sort("cohort_month")
        .tail(13)
        .to_dicts()
    )
    name = "repurchase_rate"
    rates = [level(name, row, data.metrics) for row in rows]
    card = _card(site, name, "cohorts.html", {}, ())
    if not rates or rates[-1] is None:
        return card
    months = [both(lambda lang, at=row["cohort_month"]: month_name(at, lang)) for row in rows]  # type: ignore[misc]
    before = rates[-2] if len(rates) > 1 else None
    label = tr("card.vs_cohort", month=months[-2]) if len(rates) > 1 else same("")
    return replace(
        card,
        value=same(percent(rates[-1])),
        deltas=[("", delta(rates[-1], before, "rate", "up", label))] if before is not None else (),
        spark=sparkline(rates),
        note=None,
        remarks=[tr("card.cohort", month=months[-1])],
    )


def _refunds(site: tuple[Data, SiteInfo]) -> Card:
    """Refund rate of the latest orders whose refunds have all come, beside those before them."""
    data, info = site
    name = "refund_amount_rate"
    card = _card(site, name, "service.html", {}, ())
    if "refunds" not in info.configured_feeds:
        return replace(card, note=tr("state.not_configured"))
    cells = data["marts.fct_after_sales_daily"].filter(pl.col("date_basis") == "order_date")
    whole = cells.group_by("business_date").agg(pl.col("is_mature").all())
    last = whole.filter("is_mature")["business_date"].max()
    if not isinstance(last, date):
        return replace(card, note=tr("card.not_mature"))

    def rate(window: Window) -> float | None:
        rows = cells.filter(window.filter())
        sums = {part: rows.select(exact_sum(part)).item() for part in ("refunded_amount", "gmv")}
        return level(name, sums, data.metrics)

    now = window_until(last, SPAN_DAYS, None)
    value, before = rate(now), rate(now.back(SPAN_DAYS))
    if value is None:
        return card
    change = delta(value, before, "rate", "down", tr("card.vs_span", n=SPAN_DAYS))
    return replace(
        card,
        value=same(percent(value)),
        deltas=[("", change)],
        note=None,
        remarks=[tr("card.mature", days=now.text(info.data_through))],
    )


def cards(data: Data, info: SiteInfo, bases: Sequence[Versus]) -> list[Card]:
    """All cards of the last day, in fixed order."""
    site = (data, info)
    rows = data.company(info.data_through, _HISTORY_DAYS).to_dicts()
    daily = [_daily(site, measure, rows, bases) for measure in MEASURES]
    return [daily[0], _profit(site, bases), *daily[1:], _repurchase(site), _refunds(site)]

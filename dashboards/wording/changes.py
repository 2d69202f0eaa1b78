"""Sentences about a change of GMV, by rule and without chance: same row, same words.

Belongs here: which driver is named, when a change is too small to speak of, how it is put.
Does not belong here: effects themselves (they come from `fct_gmv_change`), HTML.

A sentence never gives a driver's share of the change: drivers that offset each other make shares
above 100 %. It gives money.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, SupportsFloat

from dashboards.wording.formatting import as_date, inline, long_day, money, percent
from dashboards.wording.i18n import text

EFFECT_ORDER = (
    "visitors",
    "mix",
    "conversion",
    "untracked_buyers",
    "orders_per_buyer",
    "anonymous_orders",
    "aov",
)
"""The chain of the GMV identity; a row's effects sum to its change."""

COUNTS = ("visitors", "tracked_buyers", "untracked_buyers", "buyers", "identified_orders",
          "anonymous_orders", "orders", "gmv")  # fmt: skip
"""What both sides of a row are counted in; the base's with `base_` before the name."""

NOTABLE_CHANGE = 0.01  # of the base: below it the day is "within 1 %"
SECOND_DRIVER = 0.5  # of the first driver's effect
OFFSET_DRIVER = 0.1  # of the first driver's effect
_CENT = 0.005


@dataclass(frozen=True)
class Effect:
    """What one driver did to GMV.

    Attributes:
        name: column of `fct_gmv_change` without `_effect`; `buyers` where traffic is unknown.
        label: the driver's name in the asked language.
        amount: money, signed, in the reporting currency.
        text: label and short amount, such as "Traffic −¥30K".
    """

    name: str
    label: str
    amount: float
    text: str


def _number(change: Mapping[str, Any], key: str) -> float | None:
    value: SupportsFloat | None = change.get(key)
    if value is None:
        return None
    number = float(value)
    return number if isfinite(number) else None


def is_traffic_unknown(change: Mapping[str, Any]) -> bool:
    """True where no visitor is known on either side, so buyers carry the whole traffic layer."""
    return not any(
        _number(change, f"{name}_effect") for name in ("visitors", "mix", "conversion")
    ) and bool(_number(change, "untracked_buyers_effect"))


def effects(change: Mapping[str, Any], lang: str, currency: str) -> list[Effect]:
    """The drivers of one row of `fct_gmv_change`, in chain order, those of 0.00 left out.

    Args:
        change: the row as a mapping; missing or NULL effects count as zero.
        lang: `en` or `zh`.
        currency: ISO 4217 code of the reporting currency.
    """
    unknown = is_traffic_unknown(change)
    found = []
    for name in EFFECT_ORDER:
        amount = _number(change, f"{name}_effect") or 0.0
        if abs(amount) < _CENT:
            continue
        shown = "buyers" if unknown and name == "untracked_buyers" else name
        label = text(f"effect.{shown}", lang)
        found.append(
            Effect(shown, label, amount, f"{label} {money(amount, currency, lang, signed=True)}")
        )
    return found


def _level(change: Mapping[str, Any], lang: str, currency: str, versus: str) -> str:
    """The first half: how much, on which day, against what."""
    gmv, base = _number(change, "gmv"), _number(change, "base_gmv")
    moment = as_date(change.get("business_date"))
    when = long_day(moment, lang) if moment else text("headline.that_day", lang)
    if gmv is None:
        return text("headline.unknown", lang, day=when)
    words = {"day": when, "gmv": money(gmv, currency, lang)}
    is_alone = base is None or not change.get("comparison")
    if not is_alone:
        words |= {"base": versus, "base_gmv": money(base, currency, lang)}
    if gmv == 0 and _number(change, "orders") == 0:
        alike = base == 0 and _number(change, "base_orders") == 0
        key = "no_orders_no_base" if is_alone else "no_orders_either" if alike else "no_orders"
        return text(f"headline.{key}", lang, **words)
    if base is None or is_alone:
        return text("headline.no_base", lang, **words)
    if base == 0:
        return text("headline.both_zero" if gmv == 0 else "headline.base_zero", lang, **words)
    if gmv == 0:
        return text("headline.fell_to_zero", lang, **words)
    rate = gmv / base - 1
    key = "within" if abs(rate) < NOTABLE_CHANGE else "above" if rate > 0 else "below"
    return text(f"headline.{key}", lang, rate=percent(abs(rate)), **words)


def drivers(change: Mapping[str, Any], lang: str, currency: str) -> str:
    """The second half: what moved it, and what offset that; empty without a comparison."""
    base, gmv = _number(change, "base_gmv"), _number(change, "gmv")
    if base is None or gmv is None or not change.get("comparison"):
        return ""
    found = sorted(effects(change, lang, currency), key=lambda effect: -abs(effect.amount))
    floor = NOTABLE_CHANGE * max(base, gmv)
    if not found or abs(found[0].amount) < floor:
        return text("headline.nothing_notable", lang) if gmv or base else ""
    along = [effect for effect in found if effect.amount * (gmv - base) > 0]
    if abs(gmv - base) < floor or not along:
        against = [effect for effect in found if effect.amount * found[0].amount < 0]
        if not against or abs(against[0].amount) < floor:
            return text("headline.nothing_notable", lang)
        return text(
            "headline.cancelled", lang, first=found[0].text, second=inline(against[0].text, lang)
        )
    against = [effect for effect in found if effect.amount * (gmv - base) < 0]
    lead = along[0]
    amount = money(lead.amount, currency, lang, signed=True)
    two = along[: 2 if _is_second(along) else 1]
    if against and abs(against[0].amount) > abs(sum(effect.amount for effect in two)):
        # What is named would leave the sum on the other side.
        return text(
            "headline.outweighed", lang, driver=against[0].text, lead=inline(lead.text, lang)
        )
    if len(two) > 1:
        second = inline(along[1].text, lang)
        sentence = text("headline.two_drivers", lang, first=lead.text, second=second)
    else:
        sentence = text("headline.one_driver", lang, driver=lead.label, amount=amount)
    if against and abs(against[0].amount) >= OFFSET_DRIVER * abs(lead.amount):
        sentence += text("headline.offset", lang, driver=inline(against[0].text, lang))
    return sentence + text("headline.stop", lang)


def _is_second(along: list[Effect]) -> bool:
    return len(along) > 1 and abs(along[1].amount) >= SECOND_DRIVER * abs(along[0].amount)


def _caveat(change: Mapping[str, Any], lang: str) -> str:
    if change.get("base_gmv") is None:
        return ""
    if change.get("method") == "lmdi_gap":
        return text("headline.gap", lang)
    if change.get("method") == "lmdi_tracking_changed":
        return text("headline.tracking_changed", lang)
    return text("headline.traffic_unknown", lang) if is_traffic_unknown(change) else ""


def headline(change: Mapping[str, Any], lang: str, currency: str, versus: str = "") -> str:
    """A day's GMV, its change and its drivers in one or two sentences.

    Args:
        change: the row (`all`, `all`) of `fct_gmv_change` of one comparison, with
            `business_date`; without `base_gmv` (no comparison possible) only the level is told.
        lang: `en` or `zh`.
        currency: ISO 4217 code of the reporting currency.
        versus: the base inside a sentence, as `Comparisons.said` gives it.

    Returns:
        Such as "GMV was ¥332K on Sat 21 Nov, 4.9% below the same day last week. Traffic moved it
        −¥30K, partly offset by AOV +¥5.7K."
    """
    parts = [_level(change, lang, currency, versus), drivers(change, lang, currency)]
    parts.append(_caveat(change, lang))
    return ("" if lang == "zh" else " ").join(part for part in parts if part)

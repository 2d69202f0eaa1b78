"""Sentences about a closed week or month, by rule: same rows, same words.

Belongs here: against what a period's GMV is told, and when a difference is too small to speak of.
Does not belong here: the figures (`fct_reviews`, `fct_review_changes`), HTML.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.wording.changes import NOTABLE_CHANGE, drivers, is_traffic_unknown
from dashboards.wording.formatting import money, percent
from dashboards.wording.i18n import text

BASES = {"previous_value": "previous", "year_before_value": "year", "target": "target"}
"""Columns that a figure is told against -> their words in the catalogue."""


def review_headline(
    row: Mapping[str, Any] | None, grain: str, name: str, lang: str, currency: str
) -> str:
    """GMV of a period against the one before, a year before and its target, as far as known.

    Args:
        row: that of GMV in `fct_reviews`; None where there is none.
        grain: `week` or `month`.
        name: the period inside a sentence.
        lang: `en` or `zh`.
        currency: ISO 4217 code of the reporting currency.
    """
    value = row["value"] if row else None
    if row is None or value is None:
        return text("review.unknown", lang, period=name)
    words = {"period": name, "gmv": money(value, currency, lang)}
    told = [
        _against(value, float(row[column]), text(f"review.{grain}_{base}", lang), lang)
        for column, base in BASES.items()
        if row[column] is not None
    ]
    if not told:
        return text("review.alone", lang, **words)
    return text("review.headline", lang, told=("，" if lang == "zh" else ", ").join(told), **words)


def _against(value: float, base: float, name: str, lang: str) -> str:
    if base <= 0:
        return text("review.nothing_before", lang, base=name)
    rate = value / base - 1
    key = "within" if abs(rate) < NOTABLE_CHANGE else "above" if rate > 0 else "below"
    return text(f"review.{key}", lang, rate=percent(abs(rate)), base=name)


def review_drivers(change: Mapping[str, Any] | None, grain: str, lang: str, currency: str) -> str:
    """What moved GMV against the period before, and what is not known of it.

    Returns:
        Empty where there is no comparison.
    """
    if change is None:
        return ""
    base = text(f"review.{grain}_{'year' if change['comparison'] == 'last_year' else 'previous'}",
                lang)  # fmt: skip
    parts = [text("review.moved", lang, base=base, told=drivers(change, lang, currency))]
    if change["method"] == "lmdi_tracking_changed":
        parts.append(text("review.tracking_changed", lang))
    elif is_traffic_unknown(change):
        parts.append(text("headline.traffic_unknown", lang))
    return ("" if lang == "zh" else " ").join(parts)

"""What an incident says of its money: the figure out of its range, the impact, and its effects.

Belongs here: sentences whose figures are all of the same days and one place, those of the row of
`insights.incidents` and its rows of `insights.incident_effects`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.wording.formatting import money
from dashboards.wording.i18n import text, word
from dashboards.wording.incidents import (
    cause_label,
    day_of,
    impact_of,
    is_above,
    place_label,
)
from dashboards.wording.message import AlertInfo
from dashboards.wording.metrics import Metrics, in_unit, metric_word, unit_of

_TOLD = 0.5  # of the currency: less is written as nothing


def loss_lines(
    incident: Mapping[str, Any],
    effects: pl.DataFrame | None,
    metrics: Metrics,
    info: AlertInfo,
    lang: str,
) -> list[str]:
    """What left its range and when, what that cost over all days, and which factors made it.

    Args:
        incident: one row of `models.incidents.INCIDENT_SCHEMA` as a mapping.
        effects: `insights.incident_effects`; rows of other incidents are not looked at.
        metrics: the registry.
        info: shop, currency.
        lang: `en` or `zh`.
    """
    metric = str(incident["metric"])
    unit = unit_of(metric, metrics)
    seen, wanted, low, high = (
        text("told.unknown", lang) if incident[name] is None
        else in_unit(incident[name], unit, info.currency, lang)
        for name in ("observed", "expected", "lower", "upper")
    )  # fmt: skip
    lines = [
        text(
            "told.rose" if is_above(incident) else "told.fell", lang,
            shop=info.shop, metric=metric_word(metric, metrics, lang),
            place=place_label(incident, lang), day=day_of(incident),
            severity=word("severity", str(incident["severity"]), lang),
        ),
        text(f"told.range{_bounds(incident)}", lang, day=day_of(incident), seen=seen,
             wanted=wanted, low=low, high=high),
    ]  # fmt: skip
    if incident["impact_amount"] is not None:
        lines.append(_impact_line(incident, effects, metrics, info, lang))
    cause = incident["cause_metric"]
    # What is named as the cause already is not named twice.
    named = (metric, _factor_of(incident, effects))
    if cause and (cause not in named or incident["cause_side"] == "above"):
        said = cause_label(incident, metrics, lang)
        if lang == "en" and incident["cause_side"] != "above":
            said = metric_word(str(cause), metrics, lang)
        lines.append(text("told.cause", lang, cause=said))
    return [
        *lines,
        *_effect_lines(incident, effects, info, lang),
        *_company_line(incident, info, lang),
    ]


def _bounds(incident: Mapping[str, Any]) -> str:
    """Which ends the range has: of counts only the bad one, of trends none."""
    has_low, has_high = (incident[name] is not None for name in ("lower", "upper"))
    return "" if has_low and has_high else "_low" if has_low else "_high" if has_high else "_none"


def span_of(incident: Mapping[str, Any], lang: str) -> str:
    """The days of an incident, such as "from 2026-11-15 to 2026-11-16"."""
    first, last = incident["opened_date"], incident["last_date"]
    return text("story.one_day" if first == last else "story.span", lang, first=first, last=last)


def own_effects(incident: Mapping[str, Any], effects: pl.DataFrame | None) -> list[dict[str, Any]]:
    """The rows of effects of an incident, the cause first."""
    if effects is None or effects.is_empty():
        return []
    return effects.filter(incident_id=incident["incident_id"]).sort("position").to_dicts()


def _money(amount: Any, info: AlertInfo, lang: str, signed: bool = False) -> str:
    return money(amount, info.currency, lang, signed=signed)


def _factor_of(incident: Mapping[str, Any], effects: pl.DataFrame | None) -> str:
    """Whose effect an impact is: of a step of the funnel that of conversion."""
    own = [row["factor"] for row in own_effects(incident, effects) if row["is_impact"]]
    return str(own[0] if len(own) == 1 else incident["metric"])


def _impact_line(
    incident: Mapping[str, Any],
    effects: pl.DataFrame | None,
    metrics: Metrics,
    info: AlertInfo,
    lang: str,
) -> str:
    of, days = impact_of(incident), incident["days"]
    factor = str(incident["metric"])
    if of == "metric" and incident.get("observed_amount") is None:
        of = "gmv"  # counts and operations say themselves what they cost
    if of == "metric":
        factor = _factor_of(incident, effects)
    if of == "refunds" and incident.get("observed_amount") is None:
        of = "refunds_alone"
    return text(
        f"told.impact.{of}", lang,
        impact=_money(incident["impact_amount"], info, lang, signed=True),
        cause=metric_word(factor, metrics, lang),
        span=span_of(incident, lang),
        days=text("told.days_one", lang) if days == 1 else text("told.days", lang, n=days),
        seen=_money(incident.get("observed_amount"), info, lang),
        wanted=_money(incident.get("expected_amount"), info, lang),
    )  # fmt: skip


def _effect_lines(
    incident: Mapping[str, Any], effects: pl.DataFrame | None, info: AlertInfo, lang: str
) -> list[str]:
    """Every effect on the GMV of the days; they sum to its gap."""
    seen, wanted = incident.get("observed_amount"), incident.get("expected_amount")
    if impact_of(incident) not in ("gmv", "metric") or seen is None or wanted is None:
        return []
    rows = own_effects(incident, effects)
    place = {**incident, "dimension": incident["impact_dimension"],
             "segment": incident["impact_segment"]}  # fmt: skip
    is_split = len(rows) > 1
    first = text(
        "told.gmv_of" if is_split else "told.gmv_alone", lang, place=place_label(place, lang),
        seen=_money(seen, info, lang), wanted=_money(wanted, info, lang),
        change=_money(seen - wanted, info, lang, signed=True), span=span_of(incident, lang),
    )  # fmt: skip
    if not is_split:
        return [first]
    return [
        first,
        *(
            f"  {word('effect', str(row['factor']), lang)}"
            f" {_money(row['effect_amount'], info, lang, signed=True)}"
            for row in rows
            if abs(row["effect_amount"]) >= _TOLD
        ),
    ]


def _company_line(incident: Mapping[str, Any], info: AlertInfo, lang: str) -> list[str]:
    amount = incident.get("company_impact_amount")
    if amount is None:
        return []
    of = "refunds" if impact_of(incident) == "refunds" else "gmv"
    shown = _money(amount, info, lang, signed=True)
    return [text(f"told.company.{of}", lang, amount=shown, span=span_of(incident, lang))]

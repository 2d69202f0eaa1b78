"""Where an incident happened, and what its reader can do: places, combinations, holidays, advice.

Belongs here: words on rows of `insights.root_causes`, `insights.root_cause_sets` and `dim_promo`.
Which segments are places is decided in `models.root_cause`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.wording.formatting import inline, integer, money
from dashboards.wording.i18n import catalogue, text
from dashboards.wording.incidents import (
    day_of,
    dimension_word,
    is_above,
    platform_word,
    segment_word,
)
from dashboards.wording.metrics import Metrics, metric_word

_JOINED = " + "  # as insights.root_cause_sets joins dimensions and segments
_SHOWN_DIMENSIONS, _SHOWN_SEGMENTS = 3, 3
_CONVERTING = ("device", "region", "channel", "product")


def own_places(incident: Mapping[str, Any], causes: pl.DataFrame | None) -> list[dict[str, Any]]:
    """Segments that belong to the cause, the likeliest dimension first.

    The segment an incident is told by is always among them, others only where they lost.
    """
    if causes is None or causes.is_empty():
        return []
    is_told = (pl.col("dimension") == incident["dimension"]) & (
        pl.col("segment") == incident["segment"]
    )
    own = causes.filter(
        pl.col("incident_id") == incident["incident_id"],
        pl.col("is_cause"),
        is_told | (pl.col("impact_amount") < 0),
    )
    return own.sort("dimension_rank", "position").to_dicts()


def place_lines(
    incident: Mapping[str, Any],
    causes: pl.DataFrame | None,
    completeness: pl.DataFrame,
    currency: str,
    lang: str,
) -> list[str]:
    """The places of an incident, a line a dimension; none where it fell everywhere alike."""
    lines: dict[str, list[str]] = {}
    for row in own_places(incident, causes):
        dimension = str(row["dimension"])
        said = segment_word(dimension, row["segment"], lang, row.get("segment_name"))
        # The money of the segment told of is the impact itself.
        is_told = (dimension, row["segment"]) == (incident["dimension"], incident["segment"])
        if not is_told:
            said += f" {money(row['impact_amount'], currency, lang, signed=True)}"
        lines.setdefault(dimension, []).append(said)
    if not lines or (
        set(lines) == {incident["dimension"]} and len(lines[incident["dimension"]]) == 1
    ):
        return []  # the headline names it
    comma, stop = (", ", ": ") if lang == "en" else ("、", "：")
    shown = [
        f"  {dimension_word(name, lang)}{stop}{comma.join(parts[:_SHOWN_SEGMENTS])}"
        for name, parts in lines.items()
    ]
    first = text("told.where", lang, scope=_scope(incident, completeness, lang))
    return [first, *shown[:_SHOWN_DIMENSIONS]]


def together_lines(incident: Mapping[str, Any], sets: pl.DataFrame | None, lang: str) -> list[str]:
    """The combination of segments that explains the loss best, where it is more than one."""
    if sets is None or sets.is_empty():
        return []
    own = sets.filter(pl.col("incident_id") == incident["incident_id"], pl.col("is_cause"))
    for row in own.to_dicts():
        names = str(row["dimensions"]).split(_JOINED)
        segments = str(row["segments"]).split(_JOINED)
        if len(names) > 1:
            said = str(row["segments"])
            if len(names) == len(segments):  # else one is written with the sign itself
                said = _JOINED.join(
                    f"{inline(dimension_word(name, lang), lang)} {segment_word(name, one, lang)}"
                    for name, one in zip(names, segments, strict=True)
                )
            return [text("told.together", lang, segments=said, seen=integer(row["observed"]),
                         wanted=integer(row["expected"]))]  # fmt: skip
    return []


def holiday_lines(incident: Mapping[str, Any], promos: pl.DataFrame | None, lang: str) -> list[str]:
    """The holiday or promotion the day told of lies in; on some the shop is usually closed."""
    if promos is None or promos.is_empty():
        return []
    own = promos.filter(
        pl.lit(day_of(incident)).is_between(pl.col("start_date"), pl.col("end_date"))
    )
    if incident["platform"] is not None:
        own = own.filter(pl.col("platform") == incident["platform"])
    ranked = own.sort(pl.col("kind") != "closed", pl.col("kind") != "sale", "promo").to_dicts()
    for row in ranked:
        key = "told.holiday" if row["kind"] == "closed" else "told.in_promo"
        return [text(key, lang, holiday=row[f"label_{lang}"], day=day_of(incident))]
    return []


def todo_key(incident: Mapping[str, Any]) -> str:
    """Which line of the table `todo` of the catalogues suits an incident."""
    if incident["kind"] == "data":
        of_events = "data_tracking" if incident["reason"] == "few_rows" else "data"
        return "data_all" if incident["dimension"] == "all" else of_events
    metric = str(incident["metric"])
    factor = str(incident["cause_metric"] or metric)
    dimension, segment = (incident[name] for name in ("cause_dimension", "cause_segment"))
    above = "above" if is_above(incident) else "below"
    if incident["cause_side"] == "above":
        return "visitors_above"
    step = "conversion" if metric in ("gmv", "conversion_rate") else "step"
    at_place = f"conversion_{dimension}" if dimension in _CONVERTING else step
    by_source = "campaign" if str(segment).startswith("paid") else "source"
    is_of_source = dimension in ("channel", "traffic_source")
    known = {
        "refund_rate": "refunds",
        "visitors": f"visitors_{by_source}" if is_of_source else "visitors",
        "gmv_per_unit": "price",
        "orders_per_buyer": f"orders_{above}",
        "aov": "aov_product" if dimension == "product" else "aov",
        "orders_3_days": at_place,
        "orders_7_days": at_place,
        "last_step_3_days": at_place,
        "orders_1_hour": "hours",
        "orders_3_hours": "hours",
        "refunds_3_days": "refunds",
        "price_share": "aov",
        "buyers": "buyers",
        "gmv": "stock" if incident["dimension"] == "product" else "gmv",
    }
    # A metric with a line of its own has it.
    own = factor if f"todo.{factor}" in catalogue("en") else at_place
    return known.get(factor, own)


def todo_line(incident: Mapping[str, Any], metrics: Metrics, lang: str) -> str:
    """What the reader can do first."""
    of_cause = "" if incident["kind"] == "data" else "cause_"
    dimension, segment = (incident[f"{of_cause}{part}"] for part in ("dimension", "segment"))
    name = incident.get(f"{of_cause}segment_name")
    said = segment_word(dimension, segment, lang, name) if segment else ""
    what = text(
        f"todo.{todo_key(incident)}", lang,
        segment=said if name or said == str(segment) else inline(said, lang),
        metric=metric_word(str(incident["metric"]), metrics, lang),
    )  # fmt: skip
    return text("told.do", lang, what=what)


def _scope(incident: Mapping[str, Any], completeness: pl.DataFrame, lang: str) -> str:
    """What the list of places is a list of; platforms that are not whole are not in it."""
    if incident["platform"] is not None:
        platform = platform_word(incident["platform"], lang)
        return f"within {platform}" if lang == "en" else f"{platform}内"
    gaps = completeness.filter(
        pl.col("business_date").is_between(incident["opened_date"], incident["last_date"]),
        ~pl.col("is_complete"),
        pl.col("reason") != "not_expected",
    )
    names = gaps["platform"].drop_nulls().unique().sort()
    late = ", ".join(platform_word(name, lang) for name in names)
    if lang == "en":
        return f"whole company without {late}, not complete" if late else "whole company"
    return f"全公司，不含数据不完整的 {late}" if late else "全公司"

"""An incident in a sentence, in both languages and without currency signs.

Belongs here: the sentence published with an incident. Whole messages, with money written as money,
are composed in `alerts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from dashboards.wording.formatting import inline
from dashboards.wording.i18n import text, word
from dashboards.wording.metrics import Metrics, by_name, metric_word


def _span(row: Mapping[str, object], lang: str) -> str:
    opened, last = row["opened_date"], row["last_date"]
    if opened == last:
        return f"on {opened}" if lang == "en" else f"{opened}"
    return f"from {opened} to {last}" if lang == "en" else f"{opened} 至 {last}"


def reason_label(reason: object, lang: str, default: str | None = None) -> str:
    """Why data are not whole, as it stands on its own."""
    return word("reason.told", str(reason), lang, default)


def place_label(row: Mapping[str, object], lang: str) -> str:
    """What an incident is of: the company, a platform, or a segment within one."""
    if row["dimension"] == "all":
        return "the company" if lang == "en" else "全公司"
    if row["dimension"] == "source":
        return str(row["segment"])
    if row["dimension"] == "platform":
        return platform_word(row["segment"], lang)
    part = segment_label(row["dimension"], row["segment"], lang, row.get("segment_name"))
    if row["platform"] is None:
        return part
    name = platform_word(row["platform"], lang)
    return f"{name} ({part})" if lang == "en" else f"{name}（{part}）"


def platform_word(platform: object, lang: str) -> str:
    """A platform as people call it; one that the catalogue does not know by its own name."""
    return word("segment.platform", str(platform), lang)


def segment_word(dimension: object, segment: object, lang: str, name: object = None) -> str:
    """A segment as people call it, such as "Paid search"; a product by its name and id."""
    known = str(segment)
    if name:
        return f"{name} [{known}]"
    if known.startswith("("):
        return word("segment", known.strip("()"), lang, known)
    return word(f"segment.{dimension}", known, lang)


def segment_label(dimension: object, segment: object, lang: str, called: object = None) -> str:
    """A segment with its dimension, such as "device mobile"; a product by its name."""
    name = str(dimension)
    label = inline(dimension_word(name, lang), lang)
    said = segment_word(dimension, segment, lang, called)
    # Names stay as they are written.
    is_common = said != str(segment) and name != "platform" and not called
    return f"{label} {inline(said, lang) if is_common else said}"


def dimension_word(dimension: object, lang: str) -> str:
    """A dimension as it stands on its own."""
    return word("dimension", str(dimension), lang, str(dimension).replace("_", " "))


def is_above(row: Mapping[str, object]) -> bool:
    """Whether an incident's metric left its range upwards."""
    seen, low, high = (row[name] for name in ("observed", "lower", "upper"))
    if row["metric"] == "refund_rate" or (low is None and high is not None):
        return True  # only more of it is bad
    return seen is not None and high is not None and float(str(seen)) > float(str(high))


def day_of(row: Mapping[str, object]) -> object:
    """The day whose figures an incident is told with."""
    return row.get("told_date") or row["last_date"]


def cause_label(row: Mapping[str, object], metrics: Metrics, lang: str) -> str:
    """The cause of an incident in words."""
    name = metric_word(str(row["cause_metric"]), metrics, lang)
    if row["cause_side"] == "above":
        if lang == "zh":
            return f"{name}高于预期区间而未带来成交：疑为机器流量或重复统计"
        return f"{name} above their range and no sales with them: robots, or counted twice"
    return f"mainly {name}" if lang == "en" else f"主因：{name}"


def explained(incidents: pl.DataFrame, registry: pl.DataFrame) -> pl.DataFrame:
    """Incidents with a sentence each: adds explanation_en and explanation_zh.

    Args:
        incidents: frame of `models.incidents.INCIDENT_SCHEMA`.
        registry: `quality.metrics`.
    """
    metrics = by_name(registry)
    told = [
        _data_words(row) if row["kind"] == "data" else _kpi_words(row, metrics)
        for row in incidents.to_dicts()
    ]
    return incidents.with_columns(
        pl.Series("explanation_en", [en for en, _ in told], dtype=pl.String),
        pl.Series("explanation_zh", [zh for _, zh in told], dtype=pl.String),
    )


def _kpi_words(row: Mapping[str, object], metrics: Metrics) -> tuple[str, str]:
    """One sentence in English and one in Chinese about a KPI out of its range.

    Args:
        row: an incident: metric, dimension, segment, platform, opened_date, last_date,
            impact_amount, cause_metric, cause_dimension, cause_segment.
        metrics: the registry.
    """
    metric, cause = str(row["metric"]), row["cause_metric"]
    company = row["dimension"] == "all"
    first = (
        f"{'' if company else place_label(row, 'en') + ': '}{metric_word(metric, metrics, 'en')}"
        f" {'above' if is_above(row) else 'below'} the expected range {_span(row, 'en')}"
        f"{_impact_words(row, 'en')}"
    )
    second = (
        f"{place_label(row, 'zh')}{metric_word(metric, metrics, 'zh')}"
        f"{'高于' if is_above(row) else '低于'}预期区间（{_span(row, 'zh')}）"
        f"{_impact_words(row, 'zh')}"
    )
    if cause is not None and cause != metric:
        first += f"; {cause_label(row, metrics, 'en')}"
        second += f"；{cause_label(row, metrics, 'zh')}"
    if row["cause_dimension"] is not None and row["cause_dimension"] != row["dimension"]:
        where = (row["cause_dimension"], row["cause_segment"])
        name = row.get("cause_segment_name")
        first += f"; most in {segment_label(*where, 'en', name)}"
        second += f"；主要来自{segment_label(*where, 'zh', name)}"
    return first + ".", second + "。"


def impact_of(row: Mapping[str, object]) -> str:
    """Whose money the impact is.

    Returns:
        `gmv` or `refunds`: against what these were expected to be; `price`: of the units sold,
        against their expected price; `metric`: what the metric alone does to GMV, whatever the
        others did. Of an older generation's incident what its metric says.
    """
    if known := row.get("impact_of"):
        return str(known)
    if row["metric"] in ("refund_rate", "refunds_3_days"):
        return "refunds"
    is_gmv = (
        row["metric"] in ("gmv", "gmv_3_days", "gmv_trend", "on_hand")
        or row["cause_side"] == "above"
    )
    return "gmv" if is_gmv else "metric"


def _impact_words(row: Mapping[str, object], lang: str) -> str:
    if row["impact_amount"] is None:
        return ""
    impact = float(str(row["impact_amount"]))
    amount = f"{abs(impact):,.0f}"
    if not any(figure in "123456789" for figure in amount):
        return ""
    # The impact of refunds is on net sales, so more refunds are a loss.
    is_more = impact > 0 if impact_of(row) != "refunds" else impact < 0
    side = "more" if is_more else "less"
    return text(f"impact.{impact_of(row)}_{side}", lang, amount=amount)


def _data_words(row: Mapping[str, object]) -> tuple[str, str]:
    """One sentence in English and one in Chinese about days of a source that are not whole."""
    if row["dimension"] == "all":
        return (
            f"No source delivered anything {_span(row, 'en')} ({row['feeds']}); no figure of the"
            " day is judged until the data are there.",
            f"所有来源均无数据（{_span(row, 'zh')}，{row['feeds']}）；数据补齐前，不作任何判断。",
        )
    en = reason_label(row["reason"], "en", "incomplete")
    zh = reason_label(row["reason"], "zh", "数据不完整")
    return (
        f"{row['segment']}: {en} {_span(row, 'en')} ({row['feeds']}); figures it feeds are not"
        " judged until the data are there.",
        f"{row['segment']}：{zh}（{_span(row, 'zh')}，{row['feeds']}）；"
        "数据补齐前，相关指标不作判断。",
    )

"""An incident in a sentence, in both languages and without currency signs.

Belongs here: labels of metrics and reasons as sentences need them. Whole messages, with money
written as money, are composed in `orchestration.alerts`.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from models.root_cause import sensible_comparison, top_segments

__all__ = ["METRIC_LABELS", "REASON_LABELS", "data_words", "kpi_words"]

METRIC_LABELS = {
    "gmv": ("GMV", "支付金额"),
    "visitors": ("visitors", "访客数"),
    "conversion_rate": ("conversion", "支付转化率"),
    "buyers": ("buyers", "支付买家数"),
    "orders_per_buyer": ("orders per buyer", "人均支付笔数"),
    "aov": ("average order value", "笔单价"),
}
REASON_LABELS = {
    "no_rows": ("nothing arrived", "没有数据"),
    "stops_early": ("the data stop before the end of the day", "数据不完整，提前中断"),
    "few_rows": ("far fewer rows than usual", "数据量远少于平常"),
}


def _span(row: dict[str, object], lang: str) -> str:
    opened, last = row["opened_date"], row["last_date"]
    if opened == last:
        return f"on {opened}" if lang == "en" else f"{opened}"
    return f"from {opened} to {last}" if lang == "en" else f"{opened} 至 {last}"


def kpi_words(row: dict[str, object], changes: pl.DataFrame) -> tuple[str, str]:
    """One sentence in English and one in Chinese about a fall of a KPI.

    Args:
        row: an incident: metric, dimension, segment, opened_date, last_date, impact_amount,
            cause_metric.
        changes: rows of `fct_gmv_change`; may be empty.
    """
    en, zh = METRIC_LABELS[str(row["metric"])]
    company = row["dimension"] == "all"
    amount = f"{abs(float(str(row['impact_amount'] or 0))):,.0f}"
    first = (
        f"{'' if company else str(row['segment']) + ': '}{en} below its expected range"
        f" {_span(row, 'en')}, {amount} less GMV than expected"
    )
    second = (
        f"{'全公司' if company else row['segment']}{zh}低于预期区间（{_span(row, 'zh')}），"
        f"支付金额比预期少 {amount}"
    )
    cause = row["cause_metric"]
    if cause is not None and cause != row["metric"]:
        first += f"; mainly {METRIC_LABELS[str(cause)][0]}"
        second += f"；主因：{METRIC_LABELS[str(cause)][1]}"
    where = _where(row, changes)
    return first + (f"; most in {where}" if where else "") + ".", second + (
        f"；主要来自 {where}" if where else ""
    ) + "。"


def _where(row: dict[str, object], changes: pl.DataFrame) -> str:
    """The leading segments of the two dimensions that moved most, platform left out."""
    last = row["last_date"]
    assert isinstance(last, date)
    comparison = sensible_comparison(changes, last) if len(changes) else None
    if comparison is None:
        return ""
    segments = top_segments(changes, last, comparison, limit=1)
    named = segments.filter(~pl.col("dimension").is_in(["platform", "shop"])).head(2)
    return ", ".join(named.select(pl.format("{} {}", "dimension", "segment")).to_series())


def data_words(row: dict[str, object]) -> tuple[str, str]:
    """One sentence in English and one in Chinese about days of a source that are not whole."""
    en, zh = REASON_LABELS.get(str(row["reason"]), ("incomplete", "数据不完整"))
    return (
        f"{row['segment']}: {en} {_span(row, 'en')} ({row['feeds']}); figures it feeds are not"
        " judged until the data are there.",
        f"{row['segment']}：{zh}（{_span(row, 'zh')}，{row['feeds']}）；"
        "数据补齐前，相关指标不作判断。",
    )

"""An incident in a sentence, in both languages and without currency signs.

Belongs here: labels of metrics and reasons as sentences need them. Whole messages, with money
written as money, are composed in `alerts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

__all__ = [
    "REASON_LABELS",
    "cause_label",
    "explained",
    "is_above",
    "metric_label",
    "place_label",
    "segment_label",
]


_METRIC_LABELS = {
    "gmv": ("GMV", "支付金额"),
    "visitors": ("visitors", "访客数"),
    "conversion_rate": ("conversion", "支付转化率"),
    "buyers": ("buyers", "支付买家数"),
    "orders_per_buyer": ("orders per buyer", "人均支付笔数"),
    "aov": ("average order value", "笔单价"),
    "gmv_per_unit": ("price per unit", "件单价"),
    "gmv_3_days": ("GMV of three days", "近三日支付金额"),
    "refund_rate": ("refund rate", "退款率"),
    "product_view_rate": ("rate of visits to a product page", "商品浏览率"),
    "add_to_cart_rate": ("add-to-cart rate", "加购率"),
    "checkout_rate": ("cart to checkout rate", "结算率"),
    "purchase_rate": ("checkout to payment rate", "结算支付率"),
}
_DIMENSION_LABELS = {
    "platform": "平台",
    "shop": "店铺",
    "channel": "渠道",
    "device": "设备",
    "region": "地区",
    "product": "商品",
    "traffic_source": "流量来源",
}
REASON_LABELS = {
    "no_rows": ("nothing arrived", "没有数据"),
    "stops_early": ("the data stop before the end of the day", "数据不完整，提前中断"),
    "few_rows": ("far fewer rows than usual", "数据量远少于平常"),
    "file_missing": ("a file that was announced has not come", "清单中的文件尚未到达"),
    "silent": ("no rows for four weeks", "四周无数据"),
}


def _span(row: Mapping[str, object], lang: str) -> str:
    opened, last = row["opened_date"], row["last_date"]
    if opened == last:
        return f"on {opened}" if lang == "en" else f"{opened}"
    return f"from {opened} to {last}" if lang == "en" else f"{opened} 至 {last}"


def metric_label(metric: str, lang: str) -> str:
    """A metric as it stands inside a sentence; steps of an own funnel by their name."""
    return _METRIC_LABELS.get(metric, (metric.replace("_", " "),) * 2)[lang == "zh"]


def place_label(row: Mapping[str, object], lang: str) -> str:
    """What an incident is of: the company, a platform, or a segment within one."""
    if row["dimension"] == "all":
        return "the company" if lang == "en" else "全公司"
    if row["dimension"] in ("platform", "source"):
        return str(row["segment"])
    return f"{row['platform']} ({segment_label(row['dimension'], row['segment'], lang)})"


def segment_label(dimension: object, segment: object, lang: str) -> str:
    """A segment with its dimension, such as "device mobile"."""
    name = str(dimension)
    shown = name.replace("_", " ") if lang == "en" else _DIMENSION_LABELS.get(name, name)
    return f"{shown} {segment}"


def is_above(row: Mapping[str, object]) -> bool:
    """Whether an incident's metric left its range upwards."""
    if row["metric"] == "orders_per_buyer":
        return float(str(row["impact_amount"] or 0)) > 0
    return row["metric"] == "refund_rate"


def cause_label(row: Mapping[str, object], lang: str) -> str:
    """The cause of an incident in words."""
    name = metric_label(str(row["cause_metric"]), lang)
    if row["cause_side"] == "above":
        if lang == "zh":
            return f"{name}高于预期区间而未带来成交：疑为机器流量或重复统计"
        return f"{name} above theirs and no sales with them: robots, or counted twice"
    return f"mainly {name}" if lang == "en" else f"主因：{name}"


def explained(incidents: pl.DataFrame) -> pl.DataFrame:
    """Incidents with a sentence each: adds explanation_en and explanation_zh.

    Args:
        incidents: frame of `models.incidents.INCIDENT_SCHEMA`.
    """
    told = [
        _data_words(row) if row["kind"] == "data" else _kpi_words(row)
        for row in incidents.to_dicts()
    ]
    return incidents.with_columns(
        pl.Series("explanation_en", [en for en, _ in told], dtype=pl.String),
        pl.Series("explanation_zh", [zh for _, zh in told], dtype=pl.String),
    )


def _kpi_words(row: Mapping[str, object]) -> tuple[str, str]:
    """One sentence in English and one in Chinese about a KPI out of its range.

    Args:
        row: an incident: metric, dimension, segment, platform, opened_date, last_date,
            impact_amount, cause_metric, cause_dimension, cause_segment.
    """
    metric, cause = str(row["metric"]), row["cause_metric"]
    impact = float(str(row["impact_amount"] or 0))
    amount = f"{abs(impact):,.0f}"
    company = row["dimension"] == "all"
    en, zh = ("more", "多") if impact > 0 else ("less", "少")
    lost = (f"{en} GMV than expected", f"支付金额比预期{zh}")
    if metric == "refund_rate":
        lost = ("more refunds than expected", "退款比预期多")
    first = (
        f"{'' if company else place_label(row, 'en') + ': '}{metric_label(metric, 'en')}"
        f" {'above' if is_above(row) else 'below'} the expected range {_span(row, 'en')},"
        f" {amount} {lost[0]}"
    )
    second = (
        f"{place_label(row, 'zh')}{metric_label(metric, 'zh')}"
        f"{'高于' if is_above(row) else '低于'}预期区间（{_span(row, 'zh')}），{lost[1]} {amount}"
    )
    if cause is not None and cause != metric:
        first += f"; {cause_label(row, 'en')}"
        second += f"；{cause_label(row, 'zh')}"
    if row["cause_dimension"] is not None and row["cause_dimension"] != row["dimension"]:
        where = (row["cause_dimension"], row["cause_segment"])
        first += f"; most in {segment_label(*where, 'en')}"
        second += f"；主要来自{segment_label(*where, 'zh')}"
    return first + ".", second + "。"


def _data_words(row: Mapping[str, object]) -> tuple[str, str]:
    """One sentence in English and one in Chinese about days of a source that are not whole."""
    if row["dimension"] == "all":
        return (
            f"No source delivered anything {_span(row, 'en')} ({row['feeds']}); no figure of the"
            " day is judged until the data are there.",
            f"所有来源均无数据（{_span(row, 'zh')}，{row['feeds']}）；数据补齐前，不作任何判断。",
        )
    en, zh = REASON_LABELS.get(str(row["reason"]), ("incomplete", "数据不完整"))
    return (
        f"{row['segment']}: {en} {_span(row, 'en')} ({row['feeds']}); figures it feeds are not"
        " judged until the data are there.",
        f"{row['segment']}：{zh}（{_span(row, 'zh')}，{row['feeds']}）；"
        "数据补齐前，相关指标不作判断。",
    )

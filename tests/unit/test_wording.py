"""Sentences and short numbers against figures written by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dashboards.wording.changes import EFFECT_ORDER, effects, headline
from dashboards.wording.comparisons import Comparisons
from dashboards.wording.formatting import day, exact_money, long_day, money, percent
from dashboards.wording.i18n import catalogue
from dashboards.wording.metrics import metric_word
from tests.support.contracts import comparisons, registry

COMPARISONS = Comparisons(comparisons())

DAY = {
    "business_date": date(2026, 11, 21),
    "comparison": "last_week",
    "gmv": Decimal("332000.00"),
    "base_gmv": 349100.0,
    "gmv_change": -17100.0,
    "visitors_effect": -30000.0,
    "mix_effect": 0.0,
    "conversion_effect": 4000.0,
    "untracked_buyers_effect": 0.0,
    "orders_per_buyer_effect": 3174.0,
    "anonymous_orders_effect": 0.0,
    "aov_effect": 5726.0,
    "method": "lmdi",
}


def told(lang: str = "en", **changed: object) -> str:
    row = {**DAY, **changed}
    versus = COMPARISONS.said(str(row["comparison"]), "versus", lang)
    return headline(row, lang, "CNY", versus)


def test_the_day_of_the_specification() -> None:
    assert told() == (
        "GMV was ¥332K on Sat 21 Nov, 4.9% below the same day last week. "
        "Traffic moved it −¥30K, partly offset by AOV +¥5.7K."
    )
    assert told("zh") == (
        "11月21日（周六）支付金额 ¥33.2万，较上周同期下降 4.9%。"
        "主要影响：访客数 −¥3.0万，部分被笔单价 +¥5,726 抵消。"
    )


def test_small_changes_are_called_small() -> None:
    quiet = dict.fromkeys((f"{name}_effect" for name in EFFECT_ORDER), 10.0)
    text = told(gmv=349200.0, gmv_change=100.0, **quiet)
    assert text == (
        "GMV was ¥349K on Sat 21 Nov, within 1% of the same day last week. "
        "No driver moved it notably."
    )
    assert "变动在 1% 以内" in told("zh", gmv=349200.0, **quiet)


def test_large_drivers_that_offset_each_other_are_named() -> None:
    text = told(gmv=349000.0, visitors_effect=-30000.0, aov_effect=29900.0,
                conversion_effect=0.0, orders_per_buyer_effect=0.0)  # fmt: skip
    assert text.endswith("Traffic −¥30K and AOV +¥30K cancelled out.")


def test_two_drivers_in_one_direction() -> None:
    text = told(visitors_effect=-12000.0, conversion_effect=-9000.0, aov_effect=3900.0,
                orders_per_buyer_effect=0.0)  # fmt: skip
    assert text.endswith(
        "Traffic −¥12K and conversion −¥9.0K moved it most, partly offset by AOV +¥3.9K."
    )


def test_no_base_is_said_and_not_guessed() -> None:
    level = {"business_date": date(2026, 11, 21), "gmv": 332000.0}
    text = headline(level, "en", "CNY")
    assert text == "GMV was ¥332K on Sat 21 Nov. There is no earlier day to compare it with."
    assert "暂无可比" in headline(level, "zh", "CNY")
    assert told(base_gmv=None).endswith("no earlier day to compare it with.")


def test_zero_on_either_side_gives_no_percentage() -> None:
    fell = told(gmv=0.0, visitors_effect=-349100.0, conversion_effect=0.0,
                orders_per_buyer_effect=0.0, aov_effect=0.0)  # fmt: skip
    assert fell == (
        "There was no GMV on Sat 21 Nov, against ¥349K on the same day last week. "
        "Traffic moved it −¥349K."
    )
    rose = told(base_gmv=0.0, visitors_effect=332000.0, conversion_effect=0.0,
                orders_per_buyer_effect=0.0, aov_effect=0.0)  # fmt: skip
    assert "against ¥0 on the same day last week. Traffic moved it +¥332K." in rose
    nothing = dict.fromkeys((f"{name}_effect" for name in EFFECT_ORDER), 0.0)
    assert told(gmv=0.0, base_gmv=0.0, **nothing).startswith("GMV was ¥0 on Sat 21 Nov, as on")


def test_unknown_traffic_starts_at_buyers() -> None:
    text = told(visitors_effect=0.0, conversion_effect=0.0, untracked_buyers_effect=-26000.0)
    assert "Buyers moved it −¥26K" in text
    assert text.endswith("Traffic is unknown, so the explanation starts at buyers.")
    found = effects({**DAY, "visitors_effect": 0, "conversion_effect": 0,
                     "untracked_buyers_effect": -26000.0}, "zh", "CNY")  # fmt: skip
    assert [e.name for e in found] == ["buyers", "orders_per_buyer", "aov"]
    assert found[0].label == "支付买家数"


def test_changed_tracking_is_said() -> None:
    text = told(method="lmdi_tracking_changed", untracked_buyers_effect=-1.0)
    assert "one of the two days only" in text


def test_a_day_with_missing_data_is_said() -> None:
    text = told(method="lmdi_gap", untracked_buyers_effect=-1.0)
    assert text.endswith(
        "Data of the days compared did not arrive whole, so part of the change is theirs."
    )


def test_effects_keep_chain_order_and_drop_zeros() -> None:
    found = effects(DAY, "en", "CNY")
    assert [e.name for e in found] == ["visitors", "conversion", "orders_per_buyer", "aov"]
    assert found[0].text == "Traffic −¥30K"
    assert sum(e.amount for e in found) == pytest.approx(-17100.0)
    assert effects({"visitors_effect": None, "aov_effect": float("nan")}, "en", "CNY") == []


@pytest.mark.parametrize("key", ["visitors_effect", "aov_effect", "gmv", "base_gmv"])
def test_missing_values_never_raise(key: str) -> None:
    for value in (None, 0, float("nan")):
        for lang in ("en", "zh"):
            assert told(lang, **{key: value})


def test_every_comparison_has_words() -> None:
    for comparison in ("previous_day", "last_week", "last_year", "promo_phase", "trailing_28d",
                       "target"):  # fmt: skip
        for lang in ("en", "zh"):
            assert COMPARISONS.said(comparison, "versus", lang) in told(lang, comparison=comparison)


@pytest.mark.parametrize(
    ("amount", "en", "zh", "signed_en", "signed_zh"),
    [
        (332145, "¥332K", "¥33.2万", "+¥332K", "+¥33万"),
        (-30012, "−¥30.0K", "−¥3.00万", "−¥30K", "−¥3.0万"),
        (5726, "¥5.73K", "¥5,726", "+¥5.7K", "+¥5,726"),
        (999600, "¥1.00M", "¥100万", "+¥1.0M", "+¥100万"),
        (1412345, "¥1.41M", "¥141万", "+¥1.4M", "+¥141万"),
        (123456789, "¥123M", "¥1.23亿", "+¥123M", "+¥1.2亿"),
        (204.4, "¥204", "¥204", "+¥204", "+¥204"),
        (89.9, "¥89.90", "¥89.90", "+¥90", "+¥90"),
        (0, "¥0", "¥0", "¥0", "¥0"),
        (-0.2, "−¥0.20", "−¥0.20", "¥0", "¥0"),
    ],
)  # fmt: skip
def test_money(amount: float, en: str, zh: str, signed_en: str, signed_zh: str) -> None:
    assert money(amount, "CNY", "en") == en
    assert money(amount, "CNY", "zh") == zh
    assert money(amount, "CNY", "en", signed=True) == signed_en
    assert money(amount, "CNY", "zh", signed=True) == signed_zh


def test_other_numbers() -> None:
    assert money(None, "CNY", "en") == "—"
    assert money(1500, "USD", "en") == "$1.50K"
    assert money(1500, "CHF", "zh") == "CHF 1,500"
    assert percent(0.032, 2) == "3.20%"
    assert long_day(date(2026, 11, 21), "zh") == "11月21日（周六）"


def test_a_currency_without_cents_has_none() -> None:
    assert exact_money(1700, "JPY") == "¥1,700"
    assert money(89.4, "jpy", "en") == "¥89"
    assert exact_money(1700, "CNY") == "¥1,700.00"


def test_a_day_far_away_has_its_year() -> None:
    seen = date(2026, 11, 21)
    assert day(date(2026, 1, 5), "en", seen) == "5 Jan 2026"
    assert day(date(2025, 12, 31), "zh", seen) == "2025年12月31日"
    assert day(date(2026, 11, 1), "en", seen) == "1 Nov"
    assert long_day(date(2025, 11, 21), "en", seen) == "Fri 21 Nov 2025"


def test_a_concept_has_one_word_in_chinese() -> None:
    registered = {row["name"]: row["label_zh"] for row in registry().to_dicts()}
    words = catalogue("zh")
    said = {"aov": ("effect.aov", "metric_word.aov"), "cac": ("channels.head_cac",),
            "anonymous_orders": ("effect.anonymous_orders",),
            "untracked_buyers": ("effect.untracked_buyers",),
            "buyers": ("effect.buyers",), "orders_per_buyer": ("effect.orders_per_buyer",),
            "visitors": ("effect.visitors",), "conversion_rate": ("effect.conversion",),
            "cost": ("channels.spend", "channels.head_spend", "feed.campaign_spend")}  # fmt: skip
    for metric, keys in said.items():
        assert [words[key] for key in keys] == [registered[metric]] * len(keys), metric
    for term in ("anonymous_orders", "untracked_buyers", "orders_per_buyer", "aov"):
        formula = words["tree.formula_visitors_untracked_buyers_anonymous_orders"]
        assert registered[term] in formula
        assert registered[term] in words["formula.gmv"]
    for card, comparison in (("vs_week", "last_week"), ("vs_year", "last_year")):
        assert words[f"card.{card}"] == COMPARISONS.said(comparison, "label", "zh")


@pytest.mark.parametrize(
    ("metric", "en", "zh"),
    [
        ("purchase_rate", "rate of going on to pay", "继续到支付的比例"),
        ("checkout_rate", "rate of going on to checkout", "继续到结算的比例"),
        ("search_rate", "rate of going on to search", "继续到搜索的比例"),
        ("conversion_rate", "conversion", "支付转化率"),
        ("repeat_purchase_rate", "repeat purchase rate", "期内复购率"),
    ],
)
def test_a_rate_of_the_funnel_names_no_step_before_it(metric: str, en: str, zh: str) -> None:
    """The shop says which steps there are: in a funnel of two a purchase follows no checkout."""
    known = {row["name"]: row for row in registry().to_dicts()}
    assert (metric_word(metric, known, "en"), metric_word(metric, known, "zh")) == (en, zh)

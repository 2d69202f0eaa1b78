"""Every expectation of the publish gate, passing and failing, with the real library."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import date, timedelta

import polars as pl
import pytest

from orchestration.build import gate
from orchestration.build.audit import failed_errors
from orchestration.build.gate import GateResult, run_gate

LAST = date(2026, 11, 21)


def frame(days: int = 60, last: date = LAST) -> pl.DataFrame:
    """Company and two platforms, GMV 900 to 1,100 a day."""
    rows = [
        {
            "business_date": last - timedelta(back),
            "dimension": "all" if segment == "all" else "platform",
            "segment": segment,
            "orders": 10,
            "gmv": share * (1000 + 100 * math.sin(back)),
            "visitors": 500 if segment != "shopify" else 200,
            "conversion_rate": 0.03,
        }
        for back in range(days)
        for segment, share in (("all", 1.0), ("tmall", 0.7), ("shopify", 0.3))
    ]
    return pl.DataFrame(rows).with_columns(pl.col("gmv").cast(pl.Decimal(18, 2)))


def at(segment: str, day: date = LAST) -> pl.Expr:
    return (pl.col("segment") == segment) & (pl.col("business_date") == day)


def put(
    column: str, value: object, where: pl.Expr, base: pl.DataFrame | None = None
) -> pl.DataFrame:
    table = frame() if base is None else base
    return table.with_columns(
        pl.when(where).then(pl.lit(value)).otherwise(column).cast(table[column].dtype).alias(column)
    )


def failed(results: list[GateResult]) -> dict[str, str]:
    assert all(result.status in ("passed", "failed") for result in results), results
    return {result.check_name: result.severity for result in results if result.status == "failed"}


def blocking(results: list[GateResult]) -> list[str]:
    """What ends the run, as the audit decides it."""
    return failed_errors(pl.DataFrame([asdict(result) for result in results]))


def test_a_good_frame_passes_every_check() -> None:
    results = run_gate(frame(), LAST)
    assert [result.status for result in results] == ["passed"] * len(results)
    assert [result.check_name for result in results] == [
        "no_future_days", "is_fresh", "days_are_unique", "no_missing_day", "gmv_is_known",
        "gmv_is_not_negative", "last_day_volume", "conversion_is_a_rate", "visitors_are_known",
    ]  # fmt: skip
    assert blocking(results) == []
    assert results[0].observed == "2026-11-21"
    assert all(result.message == "" for result in results)


CASES = {
    "good": frame(),
    "one day": frame(days=1),
    "twice": pl.concat([frame(), frame().filter(at("tmall"))]),
    "missing": frame().filter(~at("all", LAST - timedelta(5))),
    "negative": put("gmv", -0.01, at("tmall")),
    "unknown": put("gmv", None, at("tmall")),
    "slump": put("gmv", 100.0, at("all")),
    "one rate above": put("conversion_rate", 1.2, at("tmall")),
    "two rates above": put("conversion_rate", 1.2, pl.col("segment").is_in(["tmall", "all"])
                           & (pl.col("business_date") == LAST)),
    "rates that are no number": put("conversion_rate", math.nan, at("tmall")),
    "one without visitors": put("visitors", None, at("tmall")),
    "no rates": put("conversion_rate", None, pl.lit(True)),
    "no sales": put("orders", None, pl.lit(True), put("gmv", None, pl.lit(True))),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ahead", [-2, 0, 3])
def test_what_is_seen_without_the_library_is_what_it_says(
    case: str, ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = run_gate(CASES[case], LAST + timedelta(ahead))
    monkeypatch.setattr(gate, "_plain", lambda *_: None)
    library = run_gate(CASES[case], LAST + timedelta(ahead))
    assert said == library


def test_the_library_is_asked_where_rows_do_not_hold_and_only_there() -> None:
    plain = {
        case: gate._plain(window, gate._checks(window, LAST)) is not None
        for case, table in CASES.items()
        for window in [gate._window(table)]
    }
    assert [case for case, passed in plain.items() if passed] == [
        "good", "one day", "missing", "one rate above", "no rates", "no sales"
    ]  # fmt: skip


def test_a_duplicate_day_blocks() -> None:
    twice = pl.concat([frame(), frame().filter(at("tmall"))])
    assert failed(run_gate(twice, LAST)) == {"days_are_unique": "error"}


def test_negative_gmv_blocks() -> None:
    results = run_gate(put("gmv", -0.01, at("tmall", LAST - timedelta(3))), LAST)
    assert failed(results) == {"gmv_is_not_negative": "error"}
    assert "-0.01" in next(r.observed for r in results if r.status == "failed")


def test_unknown_gmv_blocks() -> None:
    assert failed(run_gate(put("gmv", None, at("tmall")), LAST)) == {"gmv_is_known": "error"}


def test_a_missing_day_blocks_and_a_platform_without_sales_does_not() -> None:
    gone = LAST - timedelta(5)
    assert failed(run_gate(frame().filter(~at("all", gone)), LAST)) == {"no_missing_day": "error"}
    assert failed(run_gate(frame().filter(~at("shopify", gone)), LAST)) == {}


def test_days_to_come_block_and_the_day_under_way_does_not() -> None:
    assert failed(run_gate(frame(), LAST - timedelta(1))) == {}
    assert failed(run_gate(frame(), LAST - timedelta(2))) == {"no_future_days": "error"}


def test_old_figures_warn_as_a_shop_of_the_past_is_not_wrong() -> None:
    assert failed(run_gate(frame(), LAST + timedelta(2))) == {}
    stale = run_gate(frame(), LAST + timedelta(3))
    assert failed(stale) == {"is_fresh": "warn"}
    assert blocking(stale) == []
    past = date(2011, 12, 9)
    assert failed(run_gate(frame(last=past), past)) == {}
    assert failed(run_gate(frame(last=past), LAST)) == {"is_fresh": "warn"}


@pytest.mark.parametrize("factor", [0.1, 8.0])
def test_a_slump_or_a_promotion_warns_and_is_published(factor: float) -> None:
    results = run_gate(put("gmv", 1000.0 * factor, at("all")), LAST)
    assert failed(results) == {"last_day_volume": "warn"}
    assert blocking(results) == []


def test_an_ordinary_change_of_volume_passes() -> None:
    assert failed(run_gate(put("gmv", 450.0, at("all")), LAST)) == {}


def test_conversion_above_one_warns_when_it_is_not_rare() -> None:
    one = put("conversion_rate", 1.2, at("tmall"))  # 1 of 180 rows is below 1 %
    assert failed(run_gate(one, LAST)) == {}
    many = put("conversion_rate", 1.2, pl.col("segment") == "tmall")
    assert failed(run_gate(many, LAST)) == {"conversion_is_a_rate": "warn"}


def test_missing_visitors_warn_and_a_shop_without_traffic_is_not_asked() -> None:
    lost = (pl.col("segment") == "shopify") & (pl.col("business_date") > LAST - timedelta(30))
    some = put("visitors", None, at("tmall") | lost)
    assert failed(run_gate(some, LAST)) == {"visitors_are_known": "warn"}
    none = put("conversion_rate", None, pl.lit(True), put("visitors", None, pl.lit(True)))
    results = run_gate(none, LAST)
    assert failed(results) == {}
    assert "visitors_are_known" not in {result.check_name for result in results}
    # a till among platforms with traffic has none to miss
    till = put("visitors", None, pl.col("segment") == "shopify")
    assert failed(run_gate(till, LAST)) == {}


def test_sales_that_no_feed_tells_are_not_missing_but_the_gmv_of_orders_is() -> None:
    untold = put("orders", None, pl.lit(True), put("gmv", None, pl.lit(True)))
    assert failed(run_gate(untold, LAST)) == {}
    assert failed(run_gate(put("gmv", None, pl.lit(True)), LAST)) == {"gmv_is_known": "error"}


@pytest.mark.parametrize(("back", "found"), [(400, {}), (399, {"gmv_is_not_negative": "error"})])
def test_only_the_last_400_days_are_judged(back: int, found: dict[str, str]) -> None:
    old = put("gmv", -5.0, at("tmall", LAST - timedelta(back)), frame(days=401))
    assert failed(run_gate(old, LAST)) == found


def test_one_day_is_enough_and_of_none_the_pages_say_so() -> None:
    assert failed(run_gate(frame(days=1), LAST)) == {}
    empty = run_gate(frame().clear(), LAST)
    assert failed(empty) == {"has_days": "warn"}
    assert blocking(empty) == []


def test_a_crash_of_one_check_is_not_a_failure_of_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    real = gate._checks

    def with_unknown_column(*arguments: object) -> list[gate._Check]:
        broken = gate._Check(
            "looks_at_nothing",
            "error",
            ("ExpectColumnValuesToNotBeNull", {"column": "nothing"}),
            "no",
        )
        return [*real(*arguments), broken]  # type: ignore[arg-type]

    monkeypatch.setattr(gate, "_checks", with_unknown_column)
    results = run_gate(frame(), LAST)
    assert [r.status for r in results] == ["passed"] * 9 + ["not_run"]
    assert "crashed" in results[-1].message
    assert blocking(results) == ["looks_at_nothing"]  # not run is not passed


def test_a_crash_of_the_library_is_not_run_for_every_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> object:
        raise TypeError("Object of type bool is not JSON serializable\nmore")

    monkeypatch.setattr(gate, "_validate", crash)
    results = run_gate(put("gmv", -0.01, at("tmall")), LAST)  # of what is plain it is not asked
    assert {result.status for result in results} == {"not_run"}
    assert "TypeError: Object of type bool is not JSON serializable" in results[0].message
    assert len(blocking(results)) == 5

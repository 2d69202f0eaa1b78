"""Text to values: exact money, instants across clock changes, pseudonyms, the derive vocabulary."""

import hashlib
import hmac
import random
import tempfile
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from ingestion.feeds import FEEDS, MONEY
from ingestion.feeds.schemas import all_pass, schema_of
from ingestion.mapping.rules import Derive, Numbers
from ingestion.reading.columns import ROW
from ingestion.rows import pseudonymise
from ingestion.rows.derive import Context, derive, safe
from ingestion.rows.parse import day, exact, instant, instants, rounded, whole
from ingestion.rows.pseudonymise import pseudonyms
from tests.support.exports import HEADER, ORDERS, Shop, order

PLAIN = Numbers()


def money(text: str, numbers: Numbers = PLAIN) -> Decimal | None:
    frame = pl.DataFrame({"t": [text]})
    return frame.select(rounded(exact(pl.col("t"), numbers), MONEY)).item()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.80", "12.80"), ("1,234.5", "1234.50"), ("1,234,567", "1234567.00"), ("¥ 5", "5.00"),
        ("$172.45", "172.45"), ("-0.01", "-0.01"), ("+3", "3.00"), ("0.005", "0.01"),
        ("-0.005", "-0.01"), ("2.675", "2.68"), ("0.0049999999999999", "0.00"), (".5", "0.50"),
        ("0.30000000000000004", "0.30"), ("999999999999999.99", "999999999999999.99"),
    ],
)  # fmt: skip
def test_money_is_exact_and_rounds_half_away_from_zero(text: str, value: str) -> None:
    assert money(text) == Decimal(value)


@pytest.mark.parametrize(
    "text", ["", "12,8o", "1,23", "12,34,567", "1e3", "NaN", "inf", "--1", "1.", "1 2.3.4", "٣"]
)
def test_what_is_no_number_is_no_money(text: str) -> None:
    assert money(text) is None


@pytest.mark.parametrize(
    ("text", "thousands"), [("1.234,56", "."), ("1 234,56", " "), ("1\u202f234,56", "\u202f")]
)
def test_european_numbers(text: str, thousands: str) -> None:
    assert money(text, Numbers(thousands=thousands, decimal=",")) == Decimal("1234.56")
    assert money("1,234.56", Numbers(thousands=".", decimal=",")) is None


@given(st.decimals("-99999999999", "99999999999", allow_nan=False, places=6))
def test_money_equals_decimal_arithmetic(value: Decimal) -> None:
    expected = value.quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert money(f"{value:f}") == expected


def test_whole_numbers() -> None:
    frame = pl.DataFrame({"t": ["2", "2.0", "1,204", "2.5", "x", ""]})
    assert frame.select(whole(pl.col("t"), PLAIN))["t"].to_list() == [2, 2, 1204, None, None, None]


def at(text: str, zone: str, *formats: str) -> datetime | None:
    frame = pl.DataFrame({"t": [text]})
    return frame.select(instant(pl.col("t"), formats or ("%Y-%m-%d %H:%M:%S",), zone)).item()


def test_instants_are_utc() -> None:
    assert at("2026-01-02 00:30:00", "Asia/Shanghai") == datetime(2026, 1, 1, 16, 30)
    assert at("2026-07-01 12:00:00", "Europe/London") == datetime(2026, 7, 1, 11)
    stamped = "%Y-%m-%d %H:%M:%S %z"
    assert at("2026-05-01 10:00:00 +0800", "UTC", stamped) == datetime(2026, 5, 1, 2)
    assert at("2026-05-01 10:00:00 -0330", "UTC", stamped) == datetime(2026, 5, 1, 13, 30)
    assert at("12/1/10 8:26", "Europe/London", "%m/%d/%y %H:%M") == datetime(2010, 12, 1, 8, 26)
    assert at("1777600000000001", "UTC", "epoch_us") == datetime(2026, 5, 1, 1, 46, 40, 1)
    assert at("1777600000", "UTC", "%Y", "epoch_s") == datetime(2026, 5, 1, 1, 46, 40)


@pytest.mark.parametrize("length", [1, 32, 64, 65, 200])
def test_pseudonyms_are_hmac_sha256_however_often_and_wherever_a_person_comes(
    length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Remembered or forgotten in between, a person has one pseudonym.
    monkeypatch.setattr(pseudonymise, "_REMEMBERED", 30)
    key, dice = bytes(range(length)), random.Random(length)
    masks = pseudonymise.Pseudonymiser(key)
    for _ in range(8):
        people = [dice.choice([None, f"p{dice.randrange(60)}"]) for _ in range(40)]
        for namespace in ("shop", "web"):
            start = f"{namespace}\x1f"
            expected = [
                person and hmac.digest(key, f"{start}{person}".encode(), "sha256").hex()[:32]
                for person in people
            ]
            found = masks.of(pl.Series("who", people, dtype=pl.String), namespace)
            assert (found.name, found.to_list()) == ("who", expected)
    assert masks.of(pl.Series([], dtype=pl.String), "shop").to_list() == []


def test_pseudonyms_are_keyed_and_bound_to_their_namespace() -> None:
    names = pl.Series(
        "n", [" Anna@Example.com ", "anna@example.com", "ａnna@example.com", None, " "]
    )
    found = pseudonyms(names, b"secret", "web").to_list()
    expected = hmac.new(b"secret", b"web\x1fanna@example.com", hashlib.sha256).hexdigest()[:32]
    assert found == [expected, expected, expected, None, None]
    assert pseudonyms(names, b"other", "web")[0] != expected
    assert pseudonyms(names, b"secret", "shop")[0] != expected


def test_sources_share_customers_only_by_a_shared_namespace(tmp_path: Path) -> None:
    keys = []
    for number, namespace in enumerate(["", "members", "members"]):
        shop = Shop(tmp_path / str(number), source={"customer_namespace": namespace})
        keys.append(shop.rows(shop.land(HEADER + order(1)))["customer_key"][0])
    assert keys[0] != keys[1] == keys[2]


def run(rule: dict[str, Any], **columns: list[Any]) -> tuple[list[Any], list[str]]:
    context = Context("Asia/Shanghai", ("%Y-%m-%d",), ("%Y-%m-%d",), PLAIN, frozenset({"phone"}))
    frame = pl.DataFrame(columns).with_row_index(ROW, offset=1)
    frame = frame.with_columns(pl.col(ROW).cast(pl.Int64))
    result, found = derive(frame, {"x": Derive.model_validate(rule)}, context)
    return result["x"].to_list(), [
        f"{row} {column} {reason} {value}"
        for row, column, reason, value in found.select(ROW, "column", "reason", "value").rows()
    ]


def test_derive_vocabulary() -> None:
    assert run({"from": "a", "regex": r"#(\d+)"}, a=["#12", "x", None]) == (["12", None, None], [])
    assert run({"from": "a", "map": {"1": "one"}, "default": "many"}, a=["1", "2", None]) == (
        ["one", "many", None], [])  # fmt: skip
    assert run({"from": "a", "map": {"1": "one"}}, a=["1", "2"]) == (
        ["one", None], ["2 x unknown_value 2"])  # fmt: skip
    assert run({"from": "phone", "map": {"1": "one"}}, phone=["5"])[1] == ["1 x unknown_value None"]
    assert run({"concat": ["a", "b"], "separator": "-"}, a=["1", None], b=["2", None]) == (
        ["1-2", None], [])  # fmt: skip
    assert run({"first_of": ["a", "b"]}, a=[None, "1"], b=["2", "3"]) == (["2", "1"], [])
    assert run({"expression": "a || '!'"}, a=["1", None]) == (["1!", None], [])
    assert run({"from": "a", "datetime": ["%d.%m.%Y %H:%M"]}, a=["01.05.2026 08:00", "1/5"]) == (
        [datetime(2026, 5, 1), None], ["2 x not_readable 1/5"])  # fmt: skip


def test_arithmetic_is_exact_and_names_the_bad_operand() -> None:
    found, told = run({"number": "a + b * 3"}, a=["0.10", "1,000.00", "x"], b=["0.20", "0.01", "1"])
    assert found == [Decimal("0.70"), Decimal("1000.03"), None]
    assert told == ["3 a not_readable x"]


@pytest.mark.parametrize(
    "value", ["anna@example.com", "13800138000", "+86 138 0013 8000", "浙江省 杭州市 310000"]
)
def test_values_that_tell_of_a_person_are_not_shown(value: str) -> None:
    assert pl.select(safe(pl.lit(value))).item() == "(not shown)"


@pytest.mark.parametrize("value", ["12,8o", "交易关闭了", "2026-02-30 10:00:00", "5.2e9"])
def test_values_that_help_are_shown(value: str) -> None:
    assert pl.select(safe(pl.lit(value))).item() == value


@pytest.mark.parametrize("feed", list(FEEDS))
def test_every_feed_has_a_schema_of_exactly_its_columns(feed: str) -> None:
    schema = schema_of(feed)
    assert list(schema.columns) == list(FEEDS[feed].columns)
    required = {name for name, column in schema.columns.items() if not column.nullable}
    assert required == set(FEEDS[feed].required)


def test_a_column_written_in_several_ways_is_read_by_each() -> None:
    ways = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M")
    text = ["2026-05-01 10:00:00", None, "2026-05-01T10:00:00.5Z", "soon", "2026-05-01 10:00"]
    assert instants(pl.Series("t", text), ways, "Asia/Shanghai").to_list() == [
        datetime(2026, 5, 1, 2), None, datetime(2026, 5, 1, 10, 0, 0, 500_000), None,
        datetime(2026, 5, 1, 2),
    ]  # fmt: skip
    assert instants(pl.Series("t", [], pl.String), ways, "UTC").dtype == pl.Datetime("us")


def test_a_month_is_its_first_day() -> None:
    found = pl.select(day(pl.Series(["2026-11", "2026-11-05", "2026-13"]), ("%Y-%m-%d", "%Y-%m")))
    assert found.to_series().to_list() == [date(2026, 11, 1), date(2026, 11, 5), None]


@pytest.mark.parametrize("feed", list(FEEDS))
def test_every_column_is_described_and_every_key_is_a_column(feed: str) -> None:
    told = {name: column.description for name, column in schema_of(feed).columns.items()}
    assert all(text and text.rstrip().endswith(".") for text in told.values()), told
    assert set(FEEDS[feed].key) <= set(FEEDS[feed].columns)
    assert FEEDS[feed].instant is None or FEEDS[feed].instant in FEEDS[feed].columns


VALUES: dict[Any, list[Any]] = {
    pl.String: ["paid", "refund_only", "succeeded", "purchase", "shop", "click", "CNY", "cny"],
    pl.Int64: [1, 0, -1],
    pl.Decimal: [Decimal("1.00"), Decimal("0.00"), Decimal("-0.01")],
    pl.Datetime: [datetime(2026, 5, 1), datetime(1989, 1, 1), datetime(2100, 1, 2)],
    pl.Date: [date(2026, 5, 1), date(1989, 1, 1), date(2100, 1, 2)],
    pl.Boolean: [True],
    pl.Float64: [1.0, -1.0],
}


@pytest.mark.parametrize("feed", list(FEEDS))
def test_the_quick_check_says_what_pandera_says(feed: str) -> None:
    columns = FEEDS[feed].columns
    verdicts = set()
    for name, dtype in columns.items():
        for value in [None, *VALUES[pl.Series(dtype=dtype).dtype.base_type()]]:
            cells = {c: [_allowed(feed, c, d)] for c, d in columns.items()} | {name: [value]}
            frame = pl.DataFrame(cells, schema=columns)
            try:
                schema_of(feed).validate(frame, lazy=True)
                expected = True
            except SchemaErrors:
                expected = False
            assert frame.select(all_pass(feed)).item() is expected, (name, value)
            verdicts.add(expected)
    assert verdicts == {True, False}


def _allowed(feed: str, column: str, dtype: Any) -> Any:
    allowed = next(c.allowed for c in FEEDS[feed].given if c.name == column)
    if column == "birth_year":
        return 1980
    if column == "currency":
        return "CNY"
    return allowed[0] if allowed else VALUES[pl.Series(dtype=dtype).dtype.base_type()][0]


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 6),
            st.sampled_from(["10.00", "x", "", "-1", "1,000.00", "1e9"]),
            st.sampled_from(["paid", "closed", "odd", ""]),
            st.sampled_from(["ok", "short", "long", "test", "blank"]),
        ),
        max_size=30,
    ),
    st.integers(0, 40),
)
def test_no_row_is_ever_lost(rows: list[tuple[int, str, str, str]], cut: int) -> None:
    text = HEADER
    for number, amount, status, shape in rows:
        row = order(number, f'"{amount}"', status, buyer="tester" if shape == "test" else "b")
        row = row.split(",2026")[0] + "\n" if shape == "short" else row
        text += {"long": row[:-1] + ",more\n", "blank": "\n"}.get(shape, row)
    text = text[: max(len(HEADER), len(text) - cut)]
    form = {**ORDERS, "exclude": {"tester": "buyer = 'tester'"}}
    with tempfile.TemporaryDirectory() as folder:
        shop = Shop(Path(folder), form, settings={"max_bad_share": 1.0})
        landed = shop.land(text)  # asserts the balance of fates
        lines = [line for line in text[len(HEADER) :].split("\n") if line]
        assert landed.rows_read == len(lines)
        landed_rows = shop.rows(landed)
        assert landed_rows.height == landed.feeds["orders"]
        assert landed_rows["_row_key"].n_unique() == landed_rows.height
        if landed.rows_quarantined:
            rows_told = shop.quarantined(landed)["row_number"].n_unique()
            assert rows_told == landed.rows_quarantined

"""Large files of orders: stretch by stretch, with the same result as whole."""

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import ingestion.landing.land
import ingestion.landing.stream
import ingestion.reading.preflight
from ingestion.errors import FileRejected
from ingestion.feeds import RATE
from ingestion.landing.account import LandedFile
from ingestion.landing.land import land_file
from ingestion.landing.stream import NotAlone
from ingestion.rows.rates import Rates
from tests.support.exports import KEY, Shop

HEADER = "order,placed,paid,status,buyer,parent,sku,qty,price,total,currency\n"
NAMES = HEADER.strip().split(",")
FORM: dict[str, Any] = {
    "read": {"header": NAMES},
    "personal": ["buyer"],
    "order_value": "repeated",
    "feeds": {
        "orders": {
            "columns": {"order_id": "order", "ordered_at": "placed", "paid_at": "paid",
                        "status": "status", "customer_id": "buyer", "parent_order_id": "parent",
                        "order_amount": "total", "currency": "currency"},
        },
        "order_items": {
            "columns": {"order_id": "order", "product_id": "sku", "quantity": "qty",
                        "unit_price": "price"},
        },
    },
}  # fmt: skip
RATES = Rates(
    "CNY",
    "Asia/Shanghai",
    pl.DataFrame(
        {"currency": ["USD"], "rate_date": [date(2026, 5, 1)], "rate": [Decimal("7.1")]},
        schema_overrides={"rate": RATE},
    ),
)
ACCOUNT = ("batch_id", "feeds", "rows_read", "rows_landed", "rows_quarantined", "rows_duplicate",
           "rows_excluded", "excluded", "unknown_columns", "first_at", "last_at", "version_at",
           "troubles", "issues", "quarantine_file", "needs", "cleaned")  # fmt: skip
Line = dict[str, str]


def lines(count: int, name: Callable[[int], str] = "A{}".format) -> list[Line]:
    """The lines of so many orders, one to three each, those of an order together."""
    dice = random.Random(count)
    made = []
    for number in range(count):
        at = f"2026-05-01 {number // 60 % 24:02d}:{number % 60:02d}:00"
        goods = [(dice.randint(1, 3), dice.randint(100, 9999)) for _ in range(dice.randint(1, 3))]
        total = sum(pieces * cents for pieces, cents in goods)
        made += [
            {"order": name(number), "placed": at, "paid": at, "status": "paid",
             "buyer": f"b{number % 9}", "parent": "", "sku": f"S{cents % 7}", "qty": str(pieces),
             "price": f"{cents / 100:.2f}", "total": f"{total / 100:.2f}", "currency": "CNY"}
            for pieces, cents in goods
        ]  # fmt: skip
    return made


def text_of(rows: list[Line]) -> str:
    return HEADER + "".join(",".join(row[name] for name in NAMES) + "\n" for row in rows)


def spoilt(rows: list[Line], seed: int) -> str:
    """The file with bad cells, ragged rows, marks and repeats anywhere."""
    dice = random.Random(seed)
    body = []
    for sound in rows:
        chance, row = dice.random(), dict(sound)
        if chance < 0.02:
            row[dice.choice(["qty", "placed", "status", "total"])] = "?"
        if chance > 0.99:
            row["order"] = f" {row['order']} "
        line = ",".join(row[name] for name in NAMES)
        if 0.02 < chance < 0.03:
            line = dice.choice([line + ",more", line.rpartition(",")[0], "a,b", "?"])
        if 0.03 < chance < 0.04:
            line = line.replace("S", 'x"y"', 1)
        body += [line] * (2 if 0.04 < chance < 0.05 else 1)
    return HEADER + "\n".join(body) + dice.choice(["\n", ""])


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path, FORM, settings={"max_bad_share": 1})


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of more than a few lines are large."""
    monkeypatch.setattr(ingestion.reading.preflight, "BLOCK", 700)
    monkeypatch.setattr(ingestion.landing.stream, "BLOCK", 700)


def land(shop: Shop, text: str) -> LandedFile:
    path, source = shop.put(text), shop.parsed
    return land_file(
        path, inbox=shop.inbox, landing=shop.root / "landing", quarantine=shop.root / "quarantine",
        source=source, files=source.files[0], key=KEY, reporting_currency="CNY", rates=RATES,
    )  # fmt: skip


Both = Callable[..., dict[str, pl.DataFrame]]


@pytest.fixture
def both(shop: Shop, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Both:
    """Lands a file whole, then in stretches: the same rows and the same account."""

    def landed(text: str, *, alone: bool = True) -> dict[str, pl.DataFrame]:
        whole = land(shop, text)
        rows = {feed: shop.rows(whole, feed) for feed in whole.feeds}
        bad = shop.quarantined(whole) if whole.quarantine_file else None
        request.getfixturevalue("small_blocks")
        ends: list[bool] = []
        in_stretches = ingestion.landing.land.land_in_stretches

        def told(*given: Any) -> LandedFile:
            try:
                found = in_stretches(*given)
            except NotAlone:
                ends.append(False)
                raise
            ends.append(True)
            return found

        monkeypatch.setattr(ingestion.landing.land, "land_in_stretches", told)
        other = land(shop, text)
        assert ends == [alone], "one stretch bears on another" if alone else "none should"
        for feed, frame in rows.items():
            assert_frame_equal(shop.rows(other, feed), frame)
        for name in ACCOUNT:
            assert getattr(other, name) == getattr(whole, name), name
        if bad is not None:
            assert_frame_equal(shop.quarantined(other), bad)
        return rows

    return landed


def test_a_large_file_of_orders_lands_in_stretches_as_it_does_whole(both: Both) -> None:
    rows = both(text_of(lines(80)))
    assert (rows["orders"].height, rows["order_items"].height) == (80, len(lines(80)))
    # 01:19 in Shanghai, when the last order was paid.
    assert rows["orders"]["_version_at"].unique().to_list() == [datetime(2026, 4, 30, 17, 19)]
    spent = sum(Decimal(line["price"]) * int(line["qty"]) for line in lines(80))
    assert rows["orders"]["order_amount"].sum() == spent


@pytest.mark.parametrize("seed", range(30))
def test_bad_rows_anywhere_take_their_orders_along(seed: int, both: Both) -> None:
    both(spoilt(lines(60), seed))


@pytest.mark.parametrize("rule", ["each_line", "first_line"])
def test_amounts_are_those_of_the_rule(rule: str, shop: Shop, both: Both) -> None:
    shop.form = {**FORM, "order_value": rule}
    rows = lines(60)
    for line in rows:
        line["total"] = f"{Decimal(line['price']) * int(line['qty']):.2f}"
    both(text_of(rows))


def test_cells_that_stand_on_the_first_line_alone_reach_into_the_next_block(
    shop: Shop, both: Both
) -> None:
    filled = ["order", "placed", "paid", "status", "buyer"]
    shop.form = {**FORM, "read": {"header": NAMES, "fill_down": filled}}
    rows = lines(60)
    for before, line in reversed(list(pairwise(rows))):
        if before["order"] == line["order"]:
            line.update(dict.fromkeys(filled, ""))
    found = both(text_of(rows))
    assert (found["orders"].height, found["order_items"].height) == (60, len(rows))


def test_an_order_longer_than_many_blocks_stays_one(both: Both) -> None:
    long = [{**lines(1)[0], "order": "LONG", "sku": f"S{n}", "total": "9.00"} for n in range(90)]
    rows = both(text_of([*lines(20), *long, *lines(20, "B{}".format)]))
    assert rows["order_items"].filter(order_id="LONG")["line_number"].to_list() == [*range(1, 91)]


@pytest.mark.parametrize("currencies", [["USD"], ["USD", "CNY"], ["USD", "CNY", "EUR"]])
def test_foreign_orders_take_their_rates(currencies: list[str], both: Both) -> None:
    rows = lines(60)
    for line in rows:
        line["currency"] = currencies[int(line["order"][1:]) % len(currencies)]
    found = both(text_of(rows))
    assert set(found["orders"]["currency"]) == set(currencies) - {"EUR"}


def _single(rows: list[Line]) -> Iterator[Line]:
    seen = set[str]()
    for line in rows:
        if line["order"] not in seen:
            seen.add(line["order"])
            yield line


def test_orders_or_lines_alone(shop: Shop, both: Both, tmp_path: Path) -> None:
    feeds = FORM["feeds"]
    shop.form = {**FORM, "feeds": {"order_items": feeds["order_items"]}, "updated_at": "placed"}
    del shop.form["order_value"]
    assert both(text_of(lines(60)))["order_items"].height == len(lines(60))


def test_one_order_a_row(shop: Shop, both: Both) -> None:
    shop.form = {**FORM, "feeds": {"orders": FORM["feeds"]["orders"]}}
    del shop.form["order_value"]
    assert both(text_of(list(_single(lines(60)))))["orders"].height == 60


def test_rows_left_out_are_counted_over_all_stretches(shop: Shop, both: Both) -> None:
    shop.form = {**FORM, "exclude": {"staff": "buyer = 'b3'"}}
    found = both(text_of(lines(60)))
    assert found["orders"].height == 60 - len(range(3, 60, 9))


# What bears on other rows of the file is judged with all of them. ---------------------------


def test_an_order_that_stands_in_two_stretches(both: Both) -> None:
    rows = lines(60)
    both(text_of([*rows, {**rows[0], "sku": "S9"}]), alone=False)


def test_a_child_order_far_from_its_bad_sister(shop: Shop, both: Both) -> None:
    rows = lines(60)
    for line in rows:
        if line["order"] in ("A1", "A58"):
            line["parent"] = "A0"
    first = next(line for line in rows if line["order"] == "A1")
    first["qty"] = "?"
    found = both(text_of(rows), alone=False)
    assert not {"A0", "A1", "A58"} & set(found["orders"]["order_id"])


def test_ids_of_which_all_are_decimal_numbers(both: Both) -> None:
    found = both(text_of(lines(60, "{}.0".format)), alone=False)
    assert "0" in found["orders"]["order_id"].to_list()


def test_ids_of_which_some_are_decimal_numbers(both: Both) -> None:
    found = both(text_of(lines(60, lambda n: f"{n}.0" if n > 30 else f"A{n}")), alone=False)
    assert "59.0" in found["orders"]["order_id"].to_list()


def test_ids_that_a_spreadsheet_rounded_here_and_there(both: Both) -> None:
    # One in a stretch could end so by itself; seven of sixty could not.
    def name(number: int) -> str:
        return f"{691743012345678 + number}{'0000' if number % 9 == 4 else f'{number + 1234}'}"

    found = both(text_of(lines(60, name)), alone=False)
    assert found["orders"].height == 60 - len(range(4, 60, 9))


def test_long_ids_that_nobody_rounded(both: Both) -> None:
    both(text_of(lines(60, lambda number: str(6917430123456780011 + number * 7919))))


def test_a_foreign_order_among_many_at_home(both: Both) -> None:
    rows = lines(60)
    for line in rows:
        line["currency"] = "USD" if line["order"] == "A30" else "CNY"
    # The lines of all orders are then told their currency, which they do not name themselves.
    found = both(text_of(rows), alone=False)
    assert set(found["order_items"]["currency"]) == {"CNY", "USD"}


def test_money_of_a_line_that_cannot_be_read(shop: Shop, both: Both) -> None:
    shop.form = {**FORM, "order_value": "each_line"}
    rows = lines(60)
    rows[50]["total"] = "?"
    both(text_of(rows), alone=False)


# -----------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small_blocks")
def test_a_large_file_with_too_many_bad_rows_leaves_nothing(shop: Shop) -> None:
    shop.settings = {"max_bad_share": 0.1}
    bad = [{**line, "qty": "?"} for line in lines(30, "B{}".format)]
    with pytest.raises(FileRejected, match="rows are bad"):
        land(shop, text_of([*lines(40), *bad]))
    assert [path for path in (shop.root / "landing").rglob("*") if path.is_file()] == []


@pytest.mark.usefixtures("small_blocks")
def test_a_large_file_refused_under_its_rates_says_so(shop: Shop) -> None:
    shop.settings = {"on_bad_rows": "reject_file"}
    rows = [{**line, "currency": "EUR"} for line in lines(40)]
    with pytest.raises(FileRejected, match="has no rate") as refused:
        land(shop, text_of(rows))
    assert [need.currency for need in refused.value.needs] == ["EUR"]


@pytest.mark.usefixtures("small_blocks")
def test_a_large_file_gives_the_same_bytes_again(shop: Shop) -> None:
    land(shop, text_of(lines(60)))
    files = sorted((shop.root / "landing").rglob("*.parquet"))
    first = [file.read_bytes() for file in files]
    land(shop, text_of(lines(60)))
    assert len(files) == 2
    assert [file.read_bytes() for file in files] == first

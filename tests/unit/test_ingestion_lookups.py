"""Lookups: what a second file brings, what is told of it, and that arrival does not matter."""

from itertools import permutations
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.errors import MappingError
from ingestion.mapping.sources import parse_sources
from ingestion.rows.pseudonymise import pseudonyms
from orchestration.ledger.inbox import checked_key
from tests.support.exports import SHOP
from tests.support.homes import Home

# As Olist's export of a marketplace is cut: an order names a customer of that order alone, another
# file says which person that is, a third how it was paid, by one way or several.
ORDERS = {"feeds": {"orders": {
    "columns": {"order_id": "order_id", "ordered_at": "bought", "paid_at": "bought",
                "order_amount": "value", "customer_id": "customer_unique_id",
                "payment_method": "payment_type"},
    "constants": {"status": "paid"}}}}  # fmt: skip
CUSTOMER = {"path": "olist/customers*.csv", "key": "customer_id", "columns": ["customer_unique_id"]}
PAYMENT = {"path": "olist/payments*.csv", "key": "order_id", "columns": ["payment_type"]}
FILES = {
    "olist/orders_1.csv": "order_id,customer_id,bought,value\n"
    "a,c1,2026-05-01 10:00:00,10.00\nb,c2,2026-05-01 11:00:00,20.00\n",
    "olist/orders_2.csv": "order_id,customer_id,bought,value\n"
    "c,c3,2026-05-02 10:00:00,30.00\nd,c9,2026-05-02 11:00:00,40.00\n",
    "olist/customers_1.csv": "customer_id,customer_unique_id\nc1,annabella\nc2,bobbinsky\n",
    "olist/customers_2.csv": "customer_id,customer_unique_id\nc3,annabella\nc1,annabella\n",
    "olist/payments.csv": "order_id,n,payment_type\na,1,card\nb,1,card\nb,2,voucher\nc,1,boleto\n",
}


def sources(**lookups: Any) -> dict[str, Any]:
    entry = {"path": "olist/orders*.csv", "format": ORDERS, "lookup": [CUSTOMER, PAYMENT]}
    return {"olist": {**SHOP, "files": [{**entry, **lookups}]}}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", sources())


def put(home: Home, *names: str) -> None:
    for name in names or FILES:
        home.put(FILES[name], name)


def seen(home: Home) -> list[tuple[str, str | None, str | None]]:
    rows = home.rows().sort("order_id")
    return rows.select("order_id", "customer_key", "payment_method").rows()


def person(home: Home, name: str) -> str:
    key = checked_key(home.settings, home.state)
    return str(pseudonyms(pl.Series([name]), key, "olist").item())


def messages(home: Home, name: str) -> str:
    [told] = [file["message"] for file in home.state.files()
              if file["source_file"] == name and file["status"] == "landed"]  # fmt: skip
    return str(told)


def test_columns_of_a_second_file_are_mapped_like_own_ones(home: Home) -> None:
    put(home)
    home.land()
    ann, bob = person(home, "annabella"), person(home, "bobbinsky")
    # b was paid in two ways, and nothing says which counts; the person of d is not told.
    assert seen(home) == [
        ("a", ann, "card"),
        ("b", bob, None),
        ("c", ann, "boleto"),
        ("d", None, None),
    ]
    assert "`order_id` of 1 of 2 rows stands in olist/payments*.csv with several values of" in (
        messages(home, "olist/orders_1.csv")
    )
    assert messages(home, "olist/orders_2.csv") == (
        "`customer_id` of 1 of 2 rows is not in olist/customers*.csv: customer_unique_id stays"
        " empty there; `order_id` of 1 of 2 rows is not in olist/payments*.csv: payment_type stays"
        " empty there"
    )


def test_persons_are_landed_as_pseudonyms_only(home: Home) -> None:
    put(home)
    home.land()
    held = b"".join(path.read_bytes() for path in home.paths.data.rglob("*")
                    if path.is_file() and home.paths.inbox not in path.parents)  # fmt: skip
    assert b"card" in held
    assert not any(word in held for word in (b"annabella", b"bobbinsky"))


def test_any_order_of_arrivals_lands_the_same(tmp_path: Path) -> None:
    expected = None
    for number, order in enumerate([*permutations(FILES)][::29]):
        home = Home(tmp_path / str(number), sources())
        for name in order:
            put(home, name)
            home.land()
        landed = home.landed()
        expected = expected or landed
        assert landed == expected, order
        assert home.land()["files_landed"] == 0
    assert expected


def test_only_files_that_named_a_changed_key_are_landed_again(home: Home) -> None:
    put(
        home,
        "olist/orders_1.csv",
        "olist/orders_2.csv",
        "olist/customers_1.csv",
        "olist/payments.csv",
    )
    assert home.land()["files_landed"] == 2
    before = seen(home)
    put(home, "olist/customers_2.csv")  # c3 is new; c1 is told again as it was
    assert home.land()["files_landed"] == 1
    assert [row for row in seen(home) if row not in before] == [
        ("c", person(home, "annabella"), "boleto")
    ]
    home.put("customer_id,customer_unique_id\nzz,eve\n", "olist/customers_3.csv")
    assert home.land()["files_landed"] == 0


def test_a_file_that_contradicts_another_takes_the_key_away_until_it_is_corrected(
    home: Home,
) -> None:
    put(home)
    home.land()
    before = seen(home)
    home.put("customer_id,customer_unique_id\nc1,eve\n", "olist/customers_3.csv")
    home.land()
    assert seen(home)[0] == ("a", None, "card")
    assert "several values of customer_unique_id" in messages(home, "olist/orders_1.csv")
    home.put("customer_id,customer_unique_id\nc1,annabella\n", "olist/customers_3.csv")
    home.land()
    assert seen(home) == before


def test_a_filter_says_which_row_of_a_key_counts(tmp_path: Path) -> None:
    first = {**PAYMENT, "filter": "\"n\" = '1'"}
    home = Home(tmp_path / "home", sources(lookup=[CUSTOMER, first]))
    put(home)
    home.land()
    assert [row[2] for row in seen(home)] == ["card", "card", "boleto", None]
    [told] = [file for file in home.state.files() if "payments" in file["source_file"]]
    assert (told["rows_read"], told["rows_landed"], told["rows_excluded"]) == (4, 3, 1)


def test_what_landed_stays_while_a_second_file_is_gone(home: Home) -> None:
    put(home)
    home.land()
    before = seen(home)
    (home.paths.inbox / "olist/customers_1.csv").unlink()
    home.put("customer_id,customer_unique_id\nc9,joe\n", "olist/customers_3.csv")
    assert home.land()["files_landed"] == 0
    assert seen(home) == before
    put(home, "olist/customers_1.csv")
    assert home.land()["files_landed"] == 1
    assert seen(home) == [*before[:3], ("d", person(home, "joe"), None)]


def test_a_broken_second_file_is_told_of_and_holds_nothing_back(home: Home) -> None:
    put(home, "olist/orders_1.csv", "olist/payments.csv")
    home.put("customer,unique\nc1,annabella\n", "olist/customers_1.csv")
    home.land()
    assert [row[1] for row in seen(home)] == [None, None]
    [told] = [file for file in home.state.files() if file["status"] == "refused"]
    assert told["source_file"] == "olist/customers_1.csv"
    assert "column `customer_id` is missing" in told["message"]
    put(home, "olist/customers_1.csv")
    home.land()
    assert [row[1] for row in seen(home)] == [person(home, "annabella"), person(home, "bobbinsky")]


def test_a_file_that_has_the_column_itself_is_refused(home: Home) -> None:
    put(home, "olist/customers_1.csv")
    home.put("order_id,customer_id,bought,value,payment_type\na,c1,2026-05-01 10:00:00,1,x\n",
             "olist/orders_1.csv")  # fmt: skip
    home.land()
    [told] = [file["message"] for file in home.state.files() if file["status"] == "refused"]
    assert "has a column `payment_type` itself, which a lookup brings as well" in told


def test_large_files_are_looked_up_in_parts_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    customers = "customer_id,customer_unique_id\n" + "".join(
        f"c{n},p{n % 700}\n" for n in range(3000) if n % 7
    )
    orders = "order_id,customer_id,bought,value\n" + "".join(
        f"o{n},c{n},2026-05-01 10:00:00,{n}.00\n" for n in range(3000)
    )
    landed = []
    for block in (None, 20_000):
        if block:
            monkeypatch.setattr("ingestion.reading.preflight.BLOCK", block)
            monkeypatch.setattr("ingestion.landing.stream.BLOCK", block)
            monkeypatch.setattr("ingestion.landing.land._whole", None)
        home = Home(tmp_path / str(block), sources())
        home.put(customers, "olist/customers_1.csv")
        home.put(orders, "olist/orders_1.csv")
        home.land()
        landed.append(home.landed())
    assert home.rows()["customer_key"].null_count() == len(range(0, 3000, 7))
    assert landed[0] == landed[1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"key": {"a": "b", "c": "d"}}, "one pair"),
        ({"columns": []}, "lookup"),
        ({"columns": ["customer_id"]}, "is its key"),
        ({"path": "../customers.csv"}, "without .."),
        ({"colums": ["x"]}, "did you mean `columns`?"),
        ({"filter": "nonsense ("}, "is not an SQL expression"),
    ],
)
def test_a_lookup_that_cannot_be_carried_out_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(MappingError, match=told.replace("?", r"\?").replace("(", r"\(")):
        parse_sources(sources(lookup={**CUSTOMER, **change}))


def test_a_name_that_the_format_has_already_is_refused() -> None:
    lookup = {"path": "x.csv", "key": "order_id", "columns": ["status"]}
    files = [{"path": "o.csv", "format": "plain_orders", "lookup": lookup}]
    with pytest.raises(MappingError, match="lookup brings column `status`, which is there already"):
        parse_sources({"s": {**SHOP, "files": files}})

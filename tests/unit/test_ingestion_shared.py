"""One file for several feeds: each entry takes its rows, and what falls between is told of."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.exports import SHOP
from tests.support.homes import FATES, Home

# As payment providers write it: all that happened to the money of a shop in one journal.
JOURNAL = """id,kind,order,at,amount,fee
t1,charge,1,2026-05-01 10:00:00,100.00,2.90
t2,charge,2,2026-05-01 11:00:00,50.00,1.45
t3,refund,1,2026-05-02 09:00:00,-30.00,0
t4,payout,,2026-05-03 00:00:00,-116.00,0
t5,chargeback,2,2026-05-04 09:00:00,-50.00,15.00
t6,payout,,2026-05-10 00:00:00,-10.00,0
"""
ORDERS = {
    "filter": "\"kind\" = 'charge'",
    "feeds": {"orders": {"columns": {"order_id": "order", "ordered_at": "at", "paid_at": "at",
                                     "order_amount": "amount"},
                         "constants": {"status": "paid"}}},
}  # fmt: skip
REFUNDS = {
    "derive": {"given_back": {"number": "0 - \"amount\""}},
    "filter": "\"kind\" IN ('refund', 'chargeback')",
    "feeds": {"refunds": {"columns": {"refund_id": "id", "order_id": "order", "refunded_at": "at",
                                      "amount": "given_back"},
                          "constants": {"kind": "refund_only", "status": "succeeded"}}},
}  # fmt: skip
FEES = {
    "filter": "\"fee\" <> '0'",
    "feeds": {"order_costs": {"columns": {"entry_id": "id", "order_id": "order", "booked_at": "at",
                                          "amount": "fee"},
                              "constants": {"cost_type": "payment_fee"}}},
}  # fmt: skip


def home(root: Path, *formats: dict[str, Any]) -> Home:
    files = [{"path": "pay/*.csv", "format": form} for form in formats]
    made = Home(root, {"pay": {**SHOP, "files": files}})
    made.put(JOURNAL, "pay/journal.csv")
    made.land()
    return made


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return home(tmp_path_factory.mktemp("pay"), ORDERS, REFUNDS, FEES)


def test_each_entry_takes_its_rows(landed: Home) -> None:
    assert landed.rows("orders")["order_id"].sort().to_list() == ["1", "2"]
    assert landed.rows("refunds")["refund_id"].sort().to_list() == ["t3", "t5"]
    assert landed.rows("order_costs")["amount"].cast(float).sum() == 2.90 + 1.45 + 15.00


def test_each_row_has_one_fate_in_the_balance_of_each_entry(landed: Home) -> None:
    balances = {
        feed: tuple(file[fate] for fate in FATES)
        for file in landed.state.files() for feed in file["feeds"]
    }  # fmt: skip
    assert balances == {
        "orders": (2, 0, 0, 4), "refunds": (2, 0, 0, 4), "order_costs": (3, 0, 0, 3),
    }  # fmt: skip
    assert {file["rows_read"] for file in landed.state.files()} == {6}


def test_rows_that_no_entry_takes_are_told_of(landed: Home) -> None:
    told = "2 rows are taken by none of its 3 entries in shop.yml (row 4, 6)"
    assert {file["message"] for file in landed.state.files()} == {told}


def test_an_entry_for_the_rest_ends_it(tmp_path: Path) -> None:
    """Rows that are left out by name are left out on purpose."""
    named = {**FEES, "exclude": {"payout": "\"kind\" = 'payout'"}}
    made = home(tmp_path, ORDERS, REFUNDS, named)
    assert {file["message"] for file in made.state.files()} == {""}

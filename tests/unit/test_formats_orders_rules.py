"""What all order-side formats share, and the rules that were made for them."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.errors import MappingError
from ingestion.mapping.formats import load_formats
from ingestion.mapping.sources import fingerprint, parse_sources
from tests.support.exports import SHOP, Shop
from tests.support.samples import rows

SEEDS = Path(__file__).parents[3] / "shared/data/fivetran_seeds/dbt_shopify/integration_tests/seeds"
needs_shared = pytest.mark.skipif(not SEEDS.is_dir(), reason="../shared/data is not there")


def test_every_order_format_says_what_its_figures_rest_on() -> None:
    # The plain formats are the feed's own columns, each described there.
    told = {
        name: form
        for name, form in load_formats().items()
        if {"orders", "order_items"} & set(form.feeds) and not name.startswith("plain_")
    }
    assert len(told) > 8
    for name, form in told.items():
        for key in ("payment", "presale", "discounts", "orders", "certainty"):
            assert len(getattr(form.notes, key)) > 9, f"{name} does not say {key}"


def test_the_notes_of_a_format_are_no_part_of_its_meaning() -> None:
    def mark(text: str) -> str:
        files = [{"path": "*", "format": "jd_pop_orders", "overrides": {"notes": {"orders": text}}}]
        source = parse_sources({"a": {**SHOP, "files": files}})["a"]
        return fingerprint(source, source.files[0])

    assert mark("one") == mark("another")


def test_a_word_that_is_not_said_is_no_part_of_the_fingerprint() -> None:
    def mark(form: dict[str, Any]) -> str:
        source = parse_sources({"a": {**SHOP, "files": [{"path": "*", "format": form}]}})["a"]
        return fingerprint(source, source.files[0])

    assert mark(JOINED) == mark({**JOINED, "description": "said anew"})
    derived = {"x": {"from": "state", "map": {"paid": "paid"}}}
    lenient = {"x": {**derived["x"], "default": None}}
    # Said as null it means something: unlisted values are empty, not bad.
    assert mark({**JOINED, "derive": derived}) != mark({**JOINED, "derive": lenient})


def test_what_formats_have_in_common_is_no_format_itself() -> None:
    assert "_connector" not in load_formats()
    with pytest.raises(MappingError, match="there is no format `_connector`"):
        parse_sources({"a": {**SHOP, "files": [{"path": "*", "format": "_connector"}]}})


@needs_shared
@pytest.mark.parametrize(
    ("form", "table", "currency", "fates"),
    [
        ("shopify_api_orders", "order", "USD", (8, 5, 3)),
        ("shopify_api_order_lines", "order_line", "GBP", (3, 3, 0)),
        ("shopify_api_transactions", "transaction", "USD", (5, 0, 0)),
        ("shopify_api_fulfillments", "fulfillment", "GBP", (3, 3, 0)),
        ("shopify_api_customers", "customer", "GBP", (4, 4, 0)),
        ("shopify_api_products", "product", "GBP", (8, 8, 0)),
        ("shopify_api_product_variants", "product_variant", "GBP", (8, 8, 0)),
        ("shopify_api_inventory_quantities", "inventory_quantity", "GBP", (5, 0, 0)),
    ],
)
def test_the_tables_of_the_api_go_through_as_they_are(
    tmp_path: Path, form: str, table: str, currency: str, fates: tuple[int, int, int]
) -> None:
    # One table of the seeds has cells like { "charges": ... } without quotes around them.
    settings = {"max_bad_share": 0.5, "overrides": {"read": {"quotes": table != "transaction"}}}
    home = Shop(tmp_path, form, currency, settings, {"currency": currency})
    landed = home.land((SEEDS / f"shopify_{table}_data.csv").read_bytes(), f"{table}.csv")
    # Three orders are in pounds: without rates they are set aside.
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == fates
    assert landed.unknown_columns == ()
    if form == "shopify_api_orders":
        # 100.00 + 80.00 + 50.00 + 200.00 + 150.00
        assert home.rows(landed)["order_amount"].sum() == Decimal("580.00")


JOINED: dict[str, Any] = {
    "read": {"header": ["o", "sub", "sku", "qty", "paid", "at", "state"], "nulls": ["", "-"]},
    "order_value": "each_line",
    "explode": {"by": "sub", "columns": ["sku", "qty"], "shared": ["paid"], "weight": "qty"},
    "feeds": {
        "orders": {"columns": {"order_id": "o", "ordered_at": "at", "order_amount": "paid",
                               "status": "state"}},
        "order_items": {"columns": {"order_id": "o", "product_id": "sku", "quantity": "qty",
                                    "unit_price": "paid"}},
    },
}  # fmt: skip
HEAD = "o,sub,sku,qty,paid,at,state\n"
AT = "2026-05-01 10:00:00"


def joined(tmp_path: Path, *lines: str, **changes: Any) -> tuple[Shop, Any]:
    home = Shop(tmp_path, {**JOINED, **changes}, settings={"max_bad_share": 1.0})
    return home, home.land(HEAD + "".join(f"{line}\n" for line in lines))


def test_a_shared_amount_is_split_to_the_cent_by_largest_remainder(tmp_path: Path) -> None:
    home, landed = joined(
        tmp_path,
        f"1,a;b;c,X;Y;Z,1;2;4,10.00,{AT},paid",
        f"2,a;b;c,X;Y;Z,1;1;1,0.02,{AT},paid",
        f"3,a;b,X;Y,1;1,7.00;3.00,{AT},paid",
        f"4,a;b;,X;Y;,1;2;,9.00,{AT},paid",
    )
    assert (landed.rows_read, landed.rows_landed) == (4, 4)
    lines = home.rows(landed, "order_items")
    assert [str(price) for price in lines["unit_price"]] == [
        # 142.86, 285.71 and 571.43 cents: 142 + 285 + 571 leaves 2, for .86 and .71.
        "1.4300", "2.8600", "5.7100",
        "0.0100", "0.0100", "0.0000",  # alike: the first come first
        "7.0000", "3.0000",  # an amount each: nothing to share
        "3.0000", "6.0000",  # a separator at the end closes the last value
    ]  # fmt: skip
    amounts = dict(home.rows(landed).select("order_id", "order_amount").iter_rows())
    assert amounts == {"1": Decimal("10.00"), "2": Decimal("0.02"), "3": Decimal("10.00"),
                       "4": Decimal("9.00")}  # fmt: skip
    assert lines["_row_number"].to_list() == [1, 1, 1, 2, 2, 2, 3, 3, 4, 4]
    assert lines["line_number"].to_list() == [1, 2, 3, 1, 2, 3, 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (f"1,a;b,X;Y;Z,1;1,10.00,{AT},paid", "sku"),
        (f"1,a;b,X,1;1,10.00,{AT},paid", "sku"),
        (f"1,a;b,X;Y,1,10.00,{AT},paid", "qty"),
        (f"1,a;b;c,X;Y;Z,1;1;1,5.00;5.00,{AT},paid", "paid"),
    ],
)
def test_cells_that_do_not_fit_set_the_row_and_its_order_aside(
    tmp_path: Path, row: str, column: str
) -> None:
    home, landed = joined(tmp_path, row, f"1,d,W,1,3.00,{AT},paid", f"2,e,V,1,4.00,{AT},paid")
    assert (landed.rows_landed, landed.rows_quarantined) == (1, 2)
    aside = home.quarantined(landed)
    assert aside.select("row_number", "column", "reason").rows() == [
        (1, column, "joined_cells"), (2, "order_id", "order_incomplete")]  # fmt: skip
    assert home.rows(landed)["order_id"].to_list() == ["2"]


def test_a_bad_value_in_one_line_sets_all_lines_of_its_row_aside(tmp_path: Path) -> None:
    home, landed = joined(tmp_path, f"1,a;b,X;Y,1;many,10.00,{AT},paid", f"2,e,V,1,4.00,{AT},paid")
    assert (landed.rows_landed, landed.rows_quarantined) == (1, 1)
    assert home.rows(landed, "order_items")["order_id"].to_list() == ["2"]


def test_an_amount_that_is_no_number_is_told_of_once_a_row(tmp_path: Path) -> None:
    _, landed = joined(tmp_path, f"1,a;b,X;Y,1;1,ten,{AT},paid", f"2,e,V,1,4.00,{AT},paid")
    assert (landed.rows_landed, landed.rows_quarantined) == (1, 1)
    assert {issue.reason for issue in landed.troubles} == {"not_readable"}


def test_a_row_is_left_out_whole_or_not_at_all(tmp_path: Path) -> None:
    home, landed = joined(
        tmp_path,
        f"1,a;b,TEST;TEST,1;1,10.00,{AT},paid",
        f"2,a;b,TEST;Y,1;1,10.00,{AT},paid",
        f"3,a;b,X;Y,1;1,10.00,{AT},paid",
        exclude={"test_order": "sku = 'TEST'"},
    )
    assert (landed.rows_landed, landed.rows_quarantined, landed.rows_excluded) == (1, 1, 1)
    assert landed.excluded == {"test_order": 1}
    assert landed.troubles[0].reason == "partly_excluded"
    assert home.rows(landed)["order_id"].to_list() == ["3"]


def test_the_least_advanced_line_speaks_for_the_order(tmp_path: Path) -> None:
    home, landed = joined(
        tmp_path,
        f"1,a,X,1,1.00,{AT},completed",
        f"1,b,Y,1,1.00,{AT},paid",
        f"2,a,X,1,1.00,{AT},closed",
        f"2,b,Y,1,1.00,{AT},refunded",
        f"3,a,X,1,1.00,{AT},shipped",
        f"3,b,Y,1,1.00,{AT},no such state",
    )
    assert rows(home, landed, "orders", "order_id", "status") == [("1", "paid"), ("2", "refunded")]
    # A state that nobody knows is never hidden behind one that is known.
    assert landed.troubles[0].reason == "out_of_domain"
    assert landed.rows_quarantined == 2


def test_a_row_that_cannot_be_read_takes_its_order_along_whatever_its_id_goes_through(
    tmp_path: Path,
) -> None:
    form = {
        **JOINED,
        "derive": {"number": {"from": "o", "regex": "^#(.+)$"}},
        "feeds": {
            feed: {**mapped, "columns": {**mapped["columns"], "order_id": "number"}}
            for feed, mapped in JOINED["feeds"].items()
        },
    }
    home = Shop(tmp_path, form, settings={"max_bad_share": 1.0})
    text = f"#1,a,X,1,1.00,{AT},paid\n#2,b,Y,1,2.00,{AT},paid,one cell too many\n"
    landed = home.land(f"{HEAD}{text}#2,c,Z,1,3.00,{AT},paid\n")
    assert rows(home, landed, "order_items", "order_id", "product_id") == [("1", "X")]
    assert (landed.rows_landed, landed.rows_quarantined) == (1, 2)


def test_a_child_order_that_is_bad_takes_its_main_order_along(tmp_path: Path) -> None:
    columns = {"order_id": "o", "parent_order_id": "main", "ordered_at": "at", "status": "state",
               "order_amount": "paid"}  # fmt: skip
    home = Shop(
        tmp_path, {"feeds": {"orders": {"columns": columns}}}, settings={"max_bad_share": 1.0}
    )
    landed = home.land(
        "o,main,at,state,paid\n"
        f"1,M,{AT},paid,1.00\n2,M,{AT},paid,two\n3,N,{AT},paid,3.00\n4,,{AT},paid,4.00\n"
    )
    assert rows(home, landed, "orders", "order_id") == [("3",), ("4",)]
    assert {issue.reason for issue in landed.troubles} == {"not_readable", "order_incomplete"}


COSTS: dict[str, Any] = {
    "read": {"header": ["n", "o", "at", "fee", "tax"]},
    "feeds": {
        "order_costs": {
            "columns": {"order_id": "o", "booked_at": "at", "entry_id": "n"},
            "unpivot": {"label": "cost_type", "value": "amount",
                        "columns": {"fee": "platform_fee", "tax": "tax"}},
        }
    },
}  # fmt: skip


def test_columns_become_rows_where_they_hold_something(tmp_path: Path) -> None:
    home = Shop(tmp_path, COSTS, settings={"max_bad_share": 0.5})
    text = f"n,o,at,fee,tax\n1,7,{AT},1.50,0.20\n2,7,{AT},0.00,\n3,8,{AT},,-0.30\n4,8,{AT},x,1\n"
    landed = home.land(text)
    # The second row has no cost at all; the fourth one that is no number, so none of it lands.
    assert (landed.rows_read, landed.rows_landed, landed.rows_quarantined) == (4, 3, 1)
    found = home.rows(landed, "order_costs")
    assert found.select("order_id", "cost_type", "amount", "_row_number").rows() == [
        ("7", "platform_fee", Decimal("1.50"), 1),
        ("7", "tax", Decimal("0.20"), 1),
        ("8", "tax", Decimal("-0.30"), 3),
    ]
    assert found["_row_key"].n_unique() == 3


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"explode": {"by": "sub", "shared": ["paid"]}}, "needs a `weight`"),
        ({"explode": {"by": "sub", "weight": "qty"}}, "is not among the exploded"),
        ({"explode": {"by": "nothing"}}, "which the header has not"),
        ({"explode": {"by": "sub", "colunms": []}}, "did you mean `columns`?"),
        ({"notes": {"paymant": "x"}}, "did you mean `payment`?"),
    ],
)
def test_a_rule_that_cannot_be_carried_out_is_refused(change: Any, expected: str) -> None:
    with pytest.raises(MappingError, match=expected):
        parse_sources({"a": {**SHOP, "files": [{"path": "*", "format": {**JOINED, **change}}]}})


def test_an_unpivoted_column_is_one_of_the_feed(tmp_path: Path) -> None:
    wrong = {"label": "cost_kind", "value": "amount", "columns": {"fee": "platform_fee"}}
    feeds = {"order_costs": {**COSTS["feeds"]["order_costs"], "unpivot": wrong}}
    files = [{"path": "*", "format": {**COSTS, "feeds": feeds}}]
    with pytest.raises(MappingError, match="feed order_costs has no column `cost_kind`"):
        parse_sources({"a": {**SHOP, "files": files}})


@pytest.mark.parametrize(
    "name", ["a_20260601020000.csv", "20260601020000.csv", "a20260601020000(1).csv.gz"]
)
def test_the_export_instant_is_the_one_run_of_fourteen_digits(tmp_path: Path, name: str) -> None:
    home = Shop(tmp_path, {**JOINED, "exported_at": {}})
    landed = home.land(f"{HEAD}1,a,X,1,1.00,{AT},paid\n", name)
    assert home.rows(landed)["_version_at"].cast(pl.String)[0].startswith("2026-05-31 18:00:00")

"""Files delivered twice, late, corrected, or while they are still being written."""

from decimal import Decimal

from tests.support.exports import HEADER, ORDERS, Shop, order, orders


def test_a_repeated_key_lands_once_and_the_last_row_counts(shop: Shop) -> None:
    landed = shop.land(HEADER + order(1, "1.00") + order(2) + order(1, "3.00"))
    assert (landed.rows_landed, landed.rows_duplicate) == (2, 1)
    amounts = shop.rows(landed).sort("order_id")["order_amount"].to_list()
    assert amounts == [Decimal("3.00"), Decimal("10.00")]


def test_the_same_file_again_gives_the_same_bytes(shop: Shop) -> None:
    text = HEADER + orders(50) + order(51, "x")
    shop.land(text)
    before = {path: path.read_bytes() for path in shop.landed_files}
    shop.land(text)
    assert {path: path.read_bytes() for path in shop.landed_files} == before


def test_the_same_content_exported_later_is_a_later_statement(shop: Shop) -> None:
    # 10.00, then corrected to 12.00, then the correction is taken back: the third export counts.
    shop.form = {**ORDERS, "exported_at": {"file_name": r"_(\d{14})"}}
    landed = [
        shop.land(HEADER + order(1, amount), f"orders_202605{day}020000.csv")
        for day, amount in (("02", "10.00"), ("03", "12.00"), ("04", "10.00"))
    ]
    assert len({file.batch_id for file in landed}) == 3
    versions = [shop.rows(file)["_version_at"][0] for file in landed]
    assert versions == sorted(versions)
    again = shop.land(HEADER + order(1, "10.00"), "again/orders_20260504020000.csv")
    assert again.batch_id == landed[2].batch_id


def test_a_left_over_draft_of_a_killed_run_is_replaced(shop: Shop) -> None:
    landed = shop.land(HEADER + orders(2))
    folder = shop.root / "landing/orders" / f"batch={landed.batch_id}"
    (folder / ".data.parquet.tmp").write_bytes(b"half a file")
    shop.land(HEADER + orders(2))
    assert [path.name for path in folder.iterdir()] == ["data.parquet"]

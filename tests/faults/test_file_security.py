"""Hostile files: bombs, links out of the inbox, formulas and scripts."""

import csv
import gzip
from pathlib import Path

import polars as pl
import pytest

from ingestion.errors import FileRejected, MappingError
from orchestration.cli.export import _write_csv
from tests.support.exports import HEADER, Shop, order, orders, refused, with_read


def test_a_compressed_file_lands_and_a_cut_one_is_refused(shop: Shop) -> None:
    data = gzip.compress((HEADER + orders(200)).encode())
    assert "damaged or cut short" in refused(shop, data[:-30], "orders.csv.gz")
    assert "damaged or cut short" in refused(shop, data[:20] + b"\0\1" + data[22:], "orders.csv.gz")
    assert shop.land(data, "orders.csv.gz").rows_landed == 200


def test_a_compression_bomb_is_refused_before_it_is_unpacked(shop: Shop) -> None:
    bomb = gzip.compress(b"0" * 64 * 1024**2)
    assert len(bomb) < 100_000
    assert "larger than allowed" in refused(shop, bomb, "orders.csv.gz")


def test_a_file_over_the_size_limit_is_refused(shop: Shop) -> None:
    shop.form = with_read(max_bytes=100)
    assert "larger than allowed" in refused(shop, HEADER + orders(10))


def test_links_and_ways_out_of_the_inbox_are_refused(shop: Shop) -> None:
    shop.put(HEADER)
    secret = shop.root / "secret.csv"
    secret.write_text(HEADER + orders(1))
    link = shop.inbox / "link.csv"
    link.symlink_to(secret)
    for path in (secret, shop.inbox / "../secret.csv", link, shop.inbox, shop.inbox / "gone.csv"):
        with pytest.raises(FileRejected):
            shop.land(path)
    assert shop.landed_files == []


def test_formulas_and_markup_are_landed_as_the_text_they_are(shop: Shop) -> None:
    names = ["=HYPERLINK(1)", "<script>alert(1)</script>", "'; drop table x; --", "../../etc"]
    landed = shop.land(HEADER + "".join(order(name) for name in names))
    assert shop.rows(landed)["order_id"].to_list() == names


def test_a_bomb_in_a_bomb_and_one_of_many_members_are_refused(shop: Shop) -> None:
    inner = gzip.compress(b"0" * 64 * 1024**2)
    refused(shop, gzip.compress(inner), "orders.csv.gz")  # unpacked once it is no text
    member = gzip.compress(b"0" * 4 * 1024**2)
    assert "larger than allowed" in refused(shop, member * 16, "orders.csv.gz")


def test_a_name_that_promises_compression_is_not_believed(shop: Shop) -> None:
    assert shop.land(HEADER + orders(2), "orders.csv.gz").rows_landed == 2
    assert shop.land(gzip.compress((HEADER + orders(3)).encode()), "orders.csv").rows_landed == 3


def test_a_folder_that_leads_out_of_the_inbox_is_not_followed(shop: Shop) -> None:
    outside = shop.root / "outside"
    outside.mkdir()
    (outside / "orders.csv").write_text(HEADER + orders(1))
    shop.put(HEADER)
    (shop.inbox / "link").symlink_to(outside)
    with pytest.raises(FileRejected, match="not a regular file inside the inbox"):
        shop.land(shop.inbox / "link/orders.csv")


@pytest.mark.parametrize("path", ["../secret.csv", "/etc/passwd", "a/../../b.csv", "a\0b.csv", ""])
def test_a_pattern_that_leads_out_of_the_inbox_is_refused(shop: Shop, path: str) -> None:
    shop.settings = {"path": path}
    with pytest.raises(MappingError, match="below the inbox"):
        shop.land(HEADER)


@pytest.mark.parametrize("name", ["..", "../../x", "a/b", "a b", "'; drop table x; --"])
def test_a_hostile_value_never_becomes_a_path(shop: Shop, name: str) -> None:
    shop.source = {"platform": name, "shop_id": name}
    landed = shop.land(HEADER + order(name), "orders.csv")
    assert shop.rows(landed).select("order_id", "shop_id").row(0) == (name, name)
    assert {path.parent.name for path in shop.landed_files} == {f"batch={landed.batch_id}"}


PAYLOADS = [
    "=HYPERLINK(\"http://x\";\"y\")",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "{{ 7*7 }}",
    "${jndi:ldap://x}",
    "'; drop table fct_orders; --",
    "\\x1b[2J",
    "🙂👨‍👩‍👧",
    "..\\..\\windows",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_lands_letter_by_letter(shop: Shop, payload: str) -> None:
    cell = '"' + payload.replace('"', '""') + '"'
    assert shop.rows(shop.land(HEADER + order(cell, buyer="b")))["order_id"].to_list() == [payload]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_table_exported_as_csv_starts_no_formula(tmp_path: Path, start: str) -> None:
    payload = f"{start}1+1"
    table = pl.DataFrame({"name": [payload, "plain", None], "amount": [-1, 2, 3]}).to_arrow()
    target = tmp_path / "t.csv"
    assert _write_csv(table.to_reader(), target) == 3
    with target.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [["name", "amount"], [f"'{payload}", "-1"], ["plain", "2"], ["", "3"]]

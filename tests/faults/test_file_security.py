"""Hostile files: bombs, links out of the inbox, formulas and scripts."""

import gzip

import pytest

from ingestion.errors import FileRejected
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

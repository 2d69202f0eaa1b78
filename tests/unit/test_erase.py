"""Erased pseudonyms: whose they are, replaced everywhere, met again at a re-delivery."""

from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal

from ingestion.landing.erase import Replacements, belonging_to, landed_pairs, rewrite_parquet
from ingestion.landing.land import land_file
from ingestion.rows.pseudonymise import Tombstones, pseudonyms, random_pseudonym
from tests.support.exports import HEADER, KEY, Shop, order

OLD, NEW = "0123456789abcdef" * 2, "fedcba9876543210" * 2


def test_a_text_is_replaced_alone_within_others_and_in_made_up_ids() -> None:
    wanted = Replacements.of({OLD: NEW}, {"session-old": "session-new"})
    frame = pl.DataFrame(
        {
            "visitor_key": [OLD, "x", None],
            "event_id": ["0123456789ab.1700000000000000.home.", "0123456789ac.1.home.", "e3"],
            "row_key": [f"exp|{OLD}", "a|b", "session-old"],
            "n": [1, 2, 3],
        }
    )
    found = wanted.columns(frame)
    assert found == {"visitor_key": 1, "event_id": 1, "row_key": 2}
    assert wanted.applied(frame, found).to_dict(as_series=False) == {
        "visitor_key": [NEW, "x", None],
        "event_id": ["fedcba987654.1700000000000000.home.", "0123456789ac.1.home.", "e3"],
        "row_key": [f"exp|{NEW}", "a|b", "session-new"],
        "n": [1, 2, 3],
    }


def test_bytes_keep_their_length_and_every_other_byte(tmp_path: Path) -> None:
    wanted = Replacements.of({OLD: NEW}, {})
    content = b"\xff\xfe\x00" + "前".encode() + OLD.encode() + b"\x80tail"
    (tmp_path / "f").write_bytes(content)
    assert wanted.in_file(tmp_path / "f") == 1
    assert wanted.replaced_in(content) == content.replace(OLD.encode(), NEW.encode())


def test_a_text_across_two_blocks_of_a_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"." * (16 * 1024**2 - 7) + OLD.encode() + b".")
    assert Replacements.of({OLD: NEW}, {}).in_file(file) == 1


def test_a_parquet_file_is_rewritten_only_if_it_holds_one(tmp_path: Path) -> None:
    file = tmp_path / "data.parquet"
    frame = pl.DataFrame({"k": [OLD, "other"], "n": [1, 2]})
    frame.write_parquet(file)
    before = file.read_bytes()
    assert rewrite_parquet(file, Replacements.of({"f" * 32: NEW}, {})) == 0
    assert file.read_bytes() == before
    assert rewrite_parquet(file, Replacements.of({OLD: NEW}, {})) == 1
    assert_frame_equal(pl.read_parquet(file), pl.DataFrame({"k": [NEW, "other"], "n": [1, 2]}))


def test_a_persons_devices_go_along_but_lead_to_nobody_else() -> None:
    events = pl.LazyFrame(
        {
            "visitor_key": ["v1", "v1", "v1", "v2", "v3"],
            "customer_key": ["ann", None, "bob", "bob", None],
        }
    )
    customers = pl.LazyFrame(
        {
            "customer_key": ["ann", "bob", "ann-at-the-till"],
            "email_key": ["ann-mail", "bob-mail", "ann-mail"],
            "phone_key": [None, "bob-phone", None],
        }
    )
    tables = [events, customers]
    # The mail leads to both of Ann's customer numbers and from them to her visits.
    assert belonging_to(["ann-mail", "nobody"], tables) == {
        "ann": "customer_key",
        "ann-at-the-till": "customer_key",
        "ann-mail": "email_key",
        "v1": "visitor_key",
    }
    # The shared device alone is nobody in particular.
    assert belonging_to(["v1"], tables) == {"v1": "visitor_key"}
    assert belonging_to(["nobody"], tables) == {}


def test_a_tombstone_is_no_pseudonym_and_gives_the_same_replacement_again() -> None:
    [key] = pseudonyms(pl.Series(["Ann Example"]), KEY, "shop").to_list()
    mark = Tombstones.of(KEY, {}).mark(key)
    replacement = random_pseudonym()
    assert len({key, mark, replacement}) == 3
    assert {len(key), len(mark), len(replacement)} == {32}
    graves = Tombstones.of(KEY, {mark: replacement})
    people = pl.Series(["ann example ", "Bob", None, "Ann Example"])
    [_, bob, _, _] = pseudonyms(people, KEY, "shop").to_list()
    assert pseudonyms(people, KEY, "shop", graves).to_list() == [
        replacement, bob, None, replacement,
    ]  # fmt: skip
    # Another installation's marks say nothing here.
    other = Tombstones.of(b"another key", {mark: replacement})
    assert pseudonyms(people, KEY, "shop", other)[0] == key


def test_a_person_delivered_again_has_the_replacement_and_nobody_else_changes(
    tmp_path: Path,
) -> None:
    shop = Shop(tmp_path)
    landed = shop.land(HEADER + order(1, buyer="Ann Example") + order(2))
    first = shop.rows(landed)
    old = first["customer_key"][0]
    new = random_pseudonym()
    graves = Tombstones.of(KEY, {Tombstones.of(KEY, {}).mark(old): new})
    assert belonging_to([old], landed_pairs(tmp_path / "landing")) == {old: "customer_key"}
    [file] = (tmp_path / "landing").glob("orders/*/*.parquet")
    assert rewrite_parquet(file, Replacements.of({old: new}, {})) == 1
    erased = shop.rows(landed)
    land_file(
        shop.inbox / "orders.csv", inbox=shop.inbox, landing=tmp_path / "landing",
        quarantine=tmp_path / "quarantine", source=shop.parsed, files=shop.parsed.files[0],
        key=KEY, reporting_currency="CNY", tombstones=graves,
    )  # fmt: skip
    assert_frame_equal(shop.rows(landed), erased)
    assert erased["customer_key"].to_list() == [new, first["customer_key"][1]]
    assert_frame_equal(erased.drop("customer_key"), first.drop("customer_key"))

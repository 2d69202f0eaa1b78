"""Files delivered twice, late, corrected, or while they are still being written."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.landing import land
from ingestion.landing.store import write
from ingestion.mapping import sources as mapping
from ingestion.reading import preflight
from orchestration.ledger import inbox
from orchestration.ledger.retention import apply_retention
from tests.support.exports import HEADER, ORDERS, SHOP, Shop, order, orders
from tests.support.homes import Home


def test_a_repeated_row_lands_once(shop: Shop) -> None:
    landed = shop.land(HEADER + order(1) + order(2) + order(1))
    assert (landed.rows_landed, landed.rows_duplicate) == (2, 1)


def test_two_orders_under_one_number_are_both_set_aside(shop: Shop) -> None:
    others = "".join(order(number) for number in range(2, 10))
    landed = shop.land(HEADER + order(1, "1.00") + others + order(1, "3.00") + order(2))
    assert (landed.rows_landed, landed.rows_duplicate, landed.rows_quarantined) == (8, 1, 2)
    [trouble] = landed.troubles
    assert trouble.reason == "key_conflict"
    assert "two under one key" in trouble.example
    assert shop.quarantined(landed)["line_number"].to_list() == [2, 11]


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


# the inbox and the ledger ----------------------------------------------------------------------


def test_the_same_inbox_twice_lands_nothing_twice(home: Home) -> None:
    home.put(HEADER + orders(5))
    assert home.land()["files_landed"] == 1
    before = home.landed()
    assert home.land()["files_landed"] == 0
    assert home.landed() == before


def test_the_same_content_under_another_name_is_the_same_delivery(home: Home) -> None:
    home.put(HEADER + orders(5), "orders.csv")
    home.put(HEADER + orders(5), "copy/orders (1).csv")
    home.land()
    home.put(HEADER + orders(5), "again.csv")
    assert home.land()["files_landed"] == 0
    assert home.rows().height == 5


def test_new_content_under_the_same_name_is_another_delivery(home: Home) -> None:
    home.put(HEADER + order(1, "10.00"))
    home.land()
    home.put(HEADER + order(1, "12.00"))
    assert home.land()["files_landed"] == 1
    assert home.rows()["order_amount"].sort().to_list() == [Decimal("10.00"), Decimal("12.00")]


@pytest.mark.parametrize(
    "name",
    ["with space.csv", "订单 2026.csv", "line\nbreak.csv", "a'b\"c.csv", "-rf.csv", "%2e%2e.csv"],
)
def test_names_of_files_may_be_anything(home: Home, name: str) -> None:
    home.put(HEADER + orders(2), name)
    assert home.land()["files_landed"] == 1
    assert set(home.rows()["_source_file"]) == {name}


def test_a_folder_called_like_a_file_is_no_file(home: Home) -> None:
    (home.paths.inbox / "folder.csv").mkdir()
    home.put(HEADER + orders(2))
    assert home.land()["files_seen"] == 1


def test_files_still_under_a_temporary_name_are_left_alone(home: Home) -> None:
    for name in (".orders.csv", "~orders.csv", "orders.csv.part", "orders.csv.crdownload"):
        home.put(HEADER + orders(2), name)
    assert home.land()["files_seen"] == 0


def test_a_read_only_file_is_read_and_left_as_it_is(home: Home) -> None:
    path = home.put(HEADER + orders(2))
    path.chmod(0o444)
    before = (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
    assert home.land()["files_landed"] == 1
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) == before


def test_a_file_nobody_may_open_does_not_hold_back_the_others(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home.put(HEADER + orders(1), "secret.csv")
    home.put(HEADER + orders(2), "open.csv")
    opened = Path.open

    def deny(path: Path, *args: Any, **options: Any) -> Any:
        if path.name == "secret.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return opened(path, *args, **options)

    with monkeypatch.context() as patch:  # root may open everything
        patch.setattr(Path, "open", deny)
        assert home.land()["files_landed"] == 1
    assert "secret.csv cannot be opened" in caplog.text
    assert home.land()["files_landed"] == 1


def test_a_refused_file_is_told_of_once_and_its_correction_lands(home: Home) -> None:
    home.put("wrong,header\n1,2\n")
    assert home.land()["files_refused"] == 1
    assert home.state.files()[0]["status"] == "refused"
    home.put(HEADER + orders(2))
    assert home.land()["files_landed"] == 1


BAD, WORSE = "order_id,paid_amount\n1,10.00\n", "no header at all\n"


def refused(home: Home) -> set[str]:
    told = {file["source_file"] for file in home.state.files() if file["status"] == "refused"}
    assert home.land()["files_refused"] == len(told)  # said again as long as it lies there
    return told


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [("orders.csv", BAD, HEADER + orders(2)), ("manifest.csv", "file,rows\na,many\n", "file\n")],
)
def test_what_is_refused_and_removed_is_refused_no_more(
    home: Home, name: str, bad: str, good: str
) -> None:
    path = home.put(bad, name)
    home.land()
    assert refused(home) == {name}
    path.unlink()
    assert home.land()["files_refused"] == 0
    assert refused(home) == set()
    # Delivered again it is told of again, also after what is withdrawn has been dropped.
    home.put(bad, name)
    limits = home.settings.file.privacy.model_copy(update={"withdrawn_days": 1})
    file = home.settings.file.model_copy(update={"privacy": limits})
    with home.state.connect() as con:
        con.execute("update files set landed_at = '2020-01-01 00:00:00'")
    apply_retention(replace(home.settings, file=file), home.state, date(2026, 5, 31))
    assert home.land()["files_refused"] == 1
    # A good one under another name takes its place.
    path.unlink()
    home.put(good, f"{path.stem}_2.csv")
    assert home.land()["files_refused"] == 0


def test_of_two_bad_files_of_one_name_the_one_that_lies_there_is_refused(home: Home) -> None:
    for content in (BAD, WORSE):
        home.put(content)
        home.land()
    [told] = [file for file in home.state.files() if file["status"] == "refused"]
    assert "is missing" in told["message"] and "1 column" in told["message"]
    assert refused(home) == {"orders.csv"}


def test_a_refused_file_that_no_source_reads_any_more_is_refused_no_more(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.put(BAD)
    home.put(HEADER + orders(2), "shop/orders.csv")
    home.land()
    assert refused(home) == {"orders.csv"}
    files = [{"path": "shop/*.csv", "format": ORDERS}]
    home = Home(tmp_path / "home", {"shop": {**SHOP, "files": files}})
    home.land()
    assert refused(home) == set()


def test_a_refused_file_that_cannot_be_opened_just_now_stays_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(BAD)
    home.land()

    def locked(path: Path) -> str:
        raise PermissionError(13, "locked", str(path))

    monkeypatch.setattr(preflight, "sha256_of", locked)
    assert refused(home) == {"orders.csv"}


# while it is written ---------------------------------------------------------------------------


@pytest.mark.usefixtures("read_here")
def test_a_file_written_to_while_it_is_read_waits_for_the_next_run(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.put(HEADER + orders(2))
    prepared = land.prepare

    def grow(*args: Any, **options: Any) -> Any:
        with path.open("a") as file:
            file.write(order(3))
        return prepared(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(land, "prepare", grow)
        counts = home.land()
    assert (counts["files_landed"], counts["files_waiting"]) == (0, 1)
    assert home.state.files() == []
    assert home.land()["files_landed"] == 1
    assert home.rows()["order_id"].to_list() == ["1", "2", "3"]


def test_a_file_written_to_after_a_run_looked_at_it_waits_for_the_next_run(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.put(HEADER + orders(2))
    looked = inbox.identify

    def grow(*args: Any) -> Any:
        found = looked(*args)
        with path.open("a") as file:
            file.write(order(3))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(inbox, "identify", grow)
        assert home.land()["files_waiting"] == 1
    assert home.state.files() == []
    assert home.land()["files_landed"] == 1
    [file] = home.state.files()
    assert file["content"] == preflight.sha256_of(path)


@pytest.mark.usefixtures("read_here")
@pytest.mark.parametrize("change", ["replaced", "removed"])
def test_a_file_replaced_or_removed_while_it_is_read_is_not_landed(
    home: Home, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = home.put(HEADER + orders(2))
    prepared = land.prepare

    def disturb(*args: Any, **options: Any) -> Any:
        done = prepared(*args, **options)
        other = home.put(HEADER + orders(4), "other.tmp")
        path.unlink()
        if change == "replaced":
            other.rename(path)
        return done

    monkeypatch.setattr(land, "prepare", disturb)
    assert home.land()["files_waiting"] == 1
    assert home.landed() == {}


def test_an_upload_under_way_waits_and_a_cut_file_of_yesterday_does_not(home: Home) -> None:
    whole = HEADER + orders(9) + order(10)
    path = home.put(whole[:-7])
    assert home.land()["files_waiting"] == 1
    assert home.state.files() == []
    yesterday = time.time() - 86_400
    os.utime(path, (yesterday, yesterday))
    assert home.land()["rows_quarantined"] == 1
    home.put(whole)
    assert home.land()["rows_landed"] == 10


def test_two_at_once_write_the_same_file_whole(tmp_path: Path) -> None:
    frames = [pl.DataFrame({"n": range(200_000), "who": who}) for who in range(4)]
    target = tmp_path / "landing" / "data.parquet"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda frame: write(frame, target), frames * 5))
    assert pl.read_parquet(target)["who"].n_unique() == 1
    assert [path.name for path in target.parent.iterdir()] == ["data.parquet"]


@pytest.mark.usefixtures("read_here")
def test_what_was_withdrawn_stays_so_when_only_the_meaning_of_mappings_changed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(HEADER + order(1), "a.csv")
    home.put(HEADER + order(2), "b.csv")
    with monkeypatch.context() as patch:
        patch.setattr(mapping, "SEMANTICS", mapping.SEMANTICS - 1)
        home.land()
        [batch] = [f["batch_id"] for f in home.state.files() if f["source_file"] == "a.csv"]
        home.state.reject(batch)
    assert home.land()["files_landed"] == 1
    assert home.rows()["order_id"].to_list() == ["2"]
    assert sorted(home.state.statuses().values()) == ["landed", "rejected", "superseded"]

"""One file that nobody can name, one row of a day to come: set aside, the rest goes on."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import pytest

from orchestration.defs.schedules import inbox_sensor
from orchestration.ledger.inbox import land_new_files
from orchestration.run import Run
from tests.support.exports import HEADER, order, shop_file
from tests.support.homes import Home

# 订单.csv as a program of another encoding writes it.
GBK_NAME = "订单.csv".encode("gbk")
UNTIL = datetime(2026, 11, 29, 23, 0)  # midnight in Berlin, after the day under way


def put_misnamed(home: Home, folder: str = "") -> Path:
    path = Path(os.fsdecode(os.fsencode(home.paths.inbox / folder) + b"/" + GBK_NAME))
    path.parent.mkdir(exist_ok=True)
    path.write_text(HEADER + order(9))
    return path


@pytest.mark.parametrize("folder", ["", "orders"])
def test_a_name_that_is_no_text_is_refused_and_the_others_land(home: Home, folder: str) -> None:
    home.put(HEADER + order(1) + order(2))
    path = put_misnamed(home, folder)
    counts = home.land()
    assert (counts["files_landed"], counts["files_refused"]) == (1, 1)
    [refused] = [f for f in home.state.files() if f["status"] == "refused"]
    assert refused["source_file"] == f"{folder}/\\xb6\\xa9\\xb5\\xa5.csv".lstrip("/")
    assert "not UTF-8" in refused["message"]
    assert home.land()["files_refused"] == 1
    assert home.rows().height == 2
    path.rename(home.paths.inbox / "renamed.csv")
    counts = home.land()
    assert (counts["files_landed"], counts["files_refused"]) == (1, 0)
    assert home.rows().height == 3


def test_a_manifest_whose_name_is_no_text_is_refused_too(home: Home) -> None:
    inbox = os.fsencode(home.paths.inbox)
    Path(os.fsdecode(inbox + b"/manifest-" + GBK_NAME)).write_text("file,rows\norders.csv,5\n")
    home.put(HEADER + order(1))
    counts = home.land()
    assert (counts["files_landed"], counts["files_refused"]) == (1, 1)


def test_the_sensor_sees_a_file_whose_name_is_no_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KPI_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("KPI_CONFIG", raising=False)
    home = Home(tmp_path / "home")
    (tmp_path / "home/shop.yml").write_text(shop_file())
    put_misnamed(home)
    tick = inbox_sensor.evaluate_tick(dg.build_sensor_context())
    assert tick.skip_message == "the inbox is changing"
    tick = inbox_sensor.evaluate_tick(dg.build_sensor_context(cursor=tick.cursor))
    assert len(tick.run_requests or ()) == 1


@pytest.mark.parametrize(
    ("at", "is_kept"),
    [
        ("2026-11-28 23:59:59", True),
        ("2026-11-30 06:59:59", True),  # 22:59:59 UTC, in the shop's zone
        ("2026-11-30 07:00:01", False),
        ("2031-03-01 10:00:00", False),
    ],
)
def test_a_row_of_a_day_to_come_is_set_aside_whatever_the_name_of_its_file(
    home: Home, at: str, is_kept: bool
) -> None:
    usual = "".join(order(n, at="2026-11-20 10:00:00") for n in range(200))
    home.put(HEADER + usual + order("odd", at=at))
    home.put(HEADER + order("other", at="2026-11-21 10:00:00"), "other.csv")
    land_new_files(home.settings, home.state, UNTIL)
    home.check()
    rows = home.rows()["order_id"].to_list()
    assert len(rows) == 201 + is_kept
    assert ("odd" in rows) == is_kept
    told = "".join(f["message"] for f in home.state.files())
    assert ("lies after the export of its file" in told) != is_kept


def test_a_file_of_days_to_come_is_refused_and_the_others_land(home: Home) -> None:
    home.put(HEADER + "".join(order(n, at="2026-12-05 10:00:00") for n in range(50)), "ahead.csv")
    home.put(HEADER + order(100, at="2026-11-21 10:00:00"), "other.csv")
    counts = land_new_files(home.settings, home.state, UNTIL)
    assert (counts["files_landed"], counts["files_refused"]) == (1, 1)
    assert home.rows()["order_id"].to_list() == ["100"]


def test_no_row_is_later_than_the_day_under_way(home: Home) -> None:
    ahead = Run(home.settings, "r", "r", as_of=date(2099, 11, 28), full=False)
    # The 29th is under way and ends in Shanghai at 16:00 UTC.
    assert ahead.until == datetime(2099, 11, 29, 15, 59, 59, 999999)
    before = Run(home.settings, "r", "r", as_of=date(2020, 1, 1), full=False)
    assert before.until > datetime.now()

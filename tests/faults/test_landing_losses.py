"""Landed batches that are gone or damaged: landed again, or named; never a fall in silence."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ingestion.landing.store import write
from orchestration.cli import doctor
from orchestration.errors import ExitCode, KpiError
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.losses import altered
from orchestration.trouble import damages
from tests.support.exports import HEADER, LINES, LINES_HEADER, ORDERS, SHOP, order
from tests.support.homes import Home


def gone(file: Path) -> None:
    file.unlink()
    file.parent.rmdir()


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def shortened(file: Path) -> None:
    pl.read_parquet(file, hive_partitioning=False).head(1).write_parquet(file)


WAYS = [gone, truncated, emptied, shortened]
Damage = Callable[[Path], None]


def landed_file(home: Home, name: str, feed: str = "orders") -> Path:
    [batch] = {f["batch_id"] for f in home.state.files() if f["source_file"] == name}
    return home.paths.landing / feed / f"batch={batch}" / "data.parquet"


@pytest.fixture
def delivered(home: Home) -> Home:
    """Two files, both landed."""
    home.put(HEADER + order(1) + order(2), "first.csv")
    home.put(HEADER + order(3) + order(4), "second.csv")
    home.land()
    return home


@pytest.mark.parametrize("damage", WAYS)
def test_a_lost_batch_is_landed_again_from_the_inbox(delivered: Home, damage: Damage) -> None:
    before, sequence = delivered.landed(), delivered.state.next_sequence()
    damage(landed_file(delivered, "second.csv"))
    assert delivered.land()["files_landed"] == 1
    assert delivered.landed() == before
    # Later than what a build has seen: one that adds what is new looks at it again.
    again = {f["source_file"] for f in delivered.state.files() if f["seq"] > sequence}
    assert again == {"second.csv"}
    assert delivered.land()["files_landed"] == 0


@pytest.mark.parametrize("damage", WAYS)
def test_a_lost_batch_whose_file_is_gone_stops_the_run_and_is_named(
    delivered: Home, damage: Damage
) -> None:
    file = landed_file(delivered, "second.csv")
    damage(file)
    (delivered.paths.inbox / "second.csv").unlink()
    delivered.put(HEADER + order(5), "third.csv")
    with pytest.raises(KpiError, match=r"1 landed batches .*second\.csv") as stopped:
        delivered.land()
    batch = file.parent.name.removeprefix("batch=")
    assert batch in str(stopped.value)
    assert stopped.value.code == ExitCode.INPUT_REJECTED
    assert len(delivered.state.files()) == 2  # nothing was landed beside it
    delivered.state.reject(batch)
    assert land_new_files(delivered.settings, delivered.state)["files_landed"] == 1


def test_a_file_that_came_back_under_another_name_mends_the_batch(delivered: Home) -> None:
    before = delivered.rows().drop("_source_file")
    gone(landed_file(delivered, "second.csv"))
    (delivered.paths.inbox / "second.csv").rename(delivered.paths.inbox / "again.csv")
    assert delivered.land()["files_landed"] == 1
    assert delivered.rows().drop("_source_file").equals(before)


def test_a_lost_batch_of_which_the_file_is_now_refused_stops_the_run(delivered: Home) -> None:
    gone(landed_file(delivered, "second.csv"))
    broken = HEADER + order(3) + order(4)
    delivered.put(broken.encode("utf-16"), "second.csv")
    with pytest.raises(KpiError, match=r"second\.csv"):
        delivered.land()


def test_what_was_withdrawn_may_be_gone(delivered: Home) -> None:
    file = landed_file(delivered, "second.csv")
    delivered.state.reject(file.parent.name.removeprefix("batch="))
    gone(file)
    assert land_new_files(delivered.settings, delivered.state)["files_landed"] == 0


def test_one_lost_feed_of_a_file_of_two_lands_both_again(tmp_path: Path) -> None:
    home = Home(tmp_path, {"shop": {**SHOP, "files": [{"path": "*.csv", "format": LINES}]}})
    home.put(LINES_HEADER + "1,A,1,10.00,2026-05-01 10:00:00,10.00\n")
    home.land()
    before = home.landed()
    gone(landed_file(home, "orders.csv", "order_items"))
    assert home.land()["files_landed"] == 1
    assert home.landed() == before


def test_lost_rates_are_landed_before_the_amounts_that_need_them(tmp_path: Path) -> None:
    rates = {"rate_date": "day", "currency": "code", "rate": "rate"}
    read = {"path": "fx/*.csv", "format": {"feeds": {"fx_rates": {"columns": rates}}}}
    orders = {"path": "orders/*.csv", "format": ORDERS}
    home = Home(tmp_path, {"bank": {**SHOP, "files": [read]},
                           "shop": {**SHOP, "currency": "USD", "files": [orders]}})  # fmt: skip
    home.put("day,code,rate\n2026-05-01,USD,7.10\n", "fx/week.csv")
    home.put(HEADER + order(1), "orders/a.csv")
    home.land()
    before = home.landed()
    assert home.rows()["order_amount"].to_list() == [Decimal("71.00")]
    gone(landed_file(home, "fx/week.csv", "fx_rates"))
    gone(landed_file(home, "orders/a.csv"))
    assert home.land()["files_landed"] == 2
    assert home.landed() == before


def flipped(file: Path) -> None:
    """One bit of an amount, such that the file reads as before."""
    rows = pl.read_parquet(file, hive_partitioning=False)
    cents = pl.col("order_amount") + Decimal("0.01")
    write(rows.with_columns(cents.cast(rows.schema["order_amount"])), file)


def test_an_altered_file_is_found_within_a_week_and_by_the_doctor(delivered: Home) -> None:
    state, before = delivered.state, delivered.rows()
    file = landed_file(delivered, "second.csv")
    batch = file.parent.name.removeprefix("batch=")
    flipped(file)
    assert not delivered.rows().equals(before)
    assert altered(delivered.settings, state) == {batch: "orders is not as it was landed"}
    assert delivered.land()["files_landed"] == 0  # verified today
    state.set("landing_verified_at", (datetime.now(UTC) - timedelta(days=8)).isoformat())
    assert delivered.land()["files_landed"] == 1
    assert delivered.rows().equals(before)
    assert altered(delivered.settings, state) == {}
    # Its file gone from the inbox, the run stops instead.
    flipped(file)
    (delivered.paths.inbox / "second.csv").unlink()
    state.set("landing_verified_at", (datetime.now(UTC) - timedelta(days=8)).isoformat())
    with pytest.raises(KpiError, match=r"second\.csv.*is not as it was landed"):
        delivered.land()


def test_files_landed_before_there_were_digests_get_theirs(delivered: Home) -> None:
    for batch, feed in delivered.state.digests():
        delivered.state.forget_digest(batch, feed)
    assert altered(delivered.settings, delivered.state) == {}
    delivered.land()
    assert len(delivered.state.digests()) == 2


def test_the_doctor_names_misnamed_and_altered_files_and_sources_that_are_gone(
    delivered: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    (delivered.paths.inbox / os.fsdecode(b"orders_\xff.csv")).write_text(HEADER)
    file = landed_file(delivered, "second.csv")
    flipped(file)
    problems: list[str] = []
    doctor._check_stores(delivered.settings, problems)
    batch = file.parent.name.removeprefix("batch=")
    assert problems == ["1 file names are not UTF-8: no source reads such files"]
    [damage] = damages(delivered.settings)
    assert damage.what == f"landed batch {batch}: orders is not as it was landed"
    assert "misnamed    orders_\\xff.csv" in capsys.readouterr().out
    files = [{"path": "other/*.csv", "format": ORDERS}]
    doctor._check_stores(Home(delivered.paths.home, {"new": {**SHOP, "files": files}}).settings, [])
    assert "rows of shop count still" in capsys.readouterr().out

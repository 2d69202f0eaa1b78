"""Limits of what is kept: nothing without a wish, nothing in silence, no figure by accident."""

import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.config import settings
from orchestration.config.settings import Settings
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.retention import apply_retention
from orchestration.ledger.state import State
from tests.support.exports import HEADER, order, shop_file

SHOP_FILE = shop_file({"path": "products_*.csv", "format": "products"})
PRODUCTS = (
    "product_id,name,category_1,category_2,brand,role,list_price,cost,launched_at,valid_from\n"
    "p1,Kettle,home,kitchen,B,core,10.00,5.00,2020-01-01,2020-01-01\n"
)
AS_OF = date(2026, 6, 30)
Home = Callable[[str], tuple[Settings, State]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Makes a data folder with three landed files; call it again for other limits."""
    monkeypatch.setenv("KPI_HOME", str(tmp_path))
    monkeypatch.delenv("KPI_CONFIG", raising=False)

    def make(privacy: str) -> tuple[Settings, State]:
        (tmp_path / "shop.yml").write_text(SHOP_FILE + f"privacy: {privacy}\n")
        configured = settings.load()
        configured.paths.make()
        inbox = configured.paths.inbox
        (inbox / "orders_may.csv").write_text(HEADER + order(1, at="2026-05-01 10:00:00"))
        bad = order(3, status="not known", at="2026-06-29 10:00:00")
        (inbox / "orders_june.csv").write_text(HEADER + order(2, at="2026-06-29 10:00:00") + bad)
        (inbox / "products_20200101000000.csv").write_text(PRODUCTS)
        state = State(configured.paths.state)
        land_new_files(configured, state)
        return configured, state

    return make


def landed(configured: Settings, feed: str = "orders") -> int:
    return len(list(configured.paths.landing.glob(f"{feed}/*/data.parquet")))


def by_name(state: State) -> dict[str, dict[str, Any]]:
    return {file["source_file"]: file for file in state.files()}


def age(state: State, name: str, days: int) -> None:
    """Let a file have been landed some days ago."""
    then = datetime.now(UTC) - timedelta(days=days)
    with state.connect() as con:
        con.execute("update files set landed_at = ? where source_file = ?",
                    (then.replace(tzinfo=None).isoformat(sep=" "), name))  # fmt: skip


def test_without_a_wish_everything_is_kept(home: Home) -> None:
    configured, state = home("{}")
    for name in by_name(state):
        age(state, name, 5000)
    before = state.files()
    assert set(apply_retention(configured, state, AS_OF).values()) == {0}
    assert state.files() == before
    assert (landed(configured), landed(configured, "products")) == (2, 1)
    assert len(list(configured.paths.inbox.iterdir())) == 3


def test_old_orders_expire_by_their_business_day_and_say_so(home: Home) -> None:
    configured, state = home("{landing_days: 30}")
    configured.paths.good_build.write_bytes(b"a build made of all batches")
    seq = by_name(state)["orders_may.csv"]["seq"]
    dropped = apply_retention(configured, state, AS_OF)
    assert dropped["batches_expired"] == 1
    files = by_name(state)
    assert {name: file["status"] for name, file in files.items()} == {
        "orders_may.csv": "expired",
        "orders_june.csv": "landed",
        # A product list names nobody, and today's orders need it however old it is.
        "products_20200101000000.csv": "landed",
    }
    assert files["orders_may.csv"]["rows_landed"] == 1  # the account of the file stays
    assert files["orders_may.csv"]["seq"] > seq  # so that the next run builds
    assert not configured.paths.good_build.exists()  # ... and builds in full
    assert landed(configured) == 1
    # Not landed again from the inbox, and nothing more to drop.
    assert land_new_files(configured, state)["files_landed"] == 0
    assert set(apply_retention(configured, state, AS_OF).values()) == {0}


def test_the_day_of_the_limit_itself_is_kept(home: Home) -> None:
    configured, state = home("{landing_days: 60}")
    assert apply_retention(configured, state, date(2026, 6, 30))["batches_expired"] == 0
    assert apply_retention(configured, state, date(2026, 7, 1))["batches_expired"] == 1


def test_withdrawn_batches_go_without_a_change_of_what_counts(home: Home) -> None:
    configured, state = home("{withdrawn_days: 10}")
    may = by_name(state)["orders_may.csv"]
    state.reject(may["batch_id"])
    counting = [(f["batch_id"], f["seq"]) for f in state.files() if f["status"] == "landed"]
    assert apply_retention(configured, state, AS_OF)["batches_withdrawn"] == 0
    age(state, "orders_may.csv", 11)
    seq = by_name(state)["orders_may.csv"]["seq"]
    assert apply_retention(configured, state, AS_OF)["batches_withdrawn"] == 1
    assert (by_name(state)["orders_may.csv"]["status"], landed(configured)) == ("expired", 1)
    assert by_name(state)["orders_may.csv"]["seq"] == seq
    assert counting == [(f["batch_id"], f["seq"]) for f in state.files() if f["status"] == "landed"]


def test_a_drop_that_was_cut_short_is_finished_by_the_next(home: Home) -> None:
    configured, state = home("{}")
    state.expire(by_name(state)["orders_may.csv"]["batch_id"])
    assert landed(configured) == 2
    apply_retention(configured, state, AS_OF)
    assert landed(configured) == 1


def test_quarantine_is_dropped_by_its_age(home: Home) -> None:
    configured, state = home("{quarantine_days: 7}")
    assert len(list(configured.paths.quarantine.iterdir())) == 1
    assert apply_retention(configured, state, AS_OF)["quarantine_files"] == 0
    age(state, "orders_june.csv", 8)
    assert apply_retention(configured, state, AS_OF)["quarantine_files"] == 1
    assert list(configured.paths.quarantine.iterdir()) == []
    assert by_name(state)["orders_june.csv"]["rows_quarantined"] == 1


def test_landed_exports_are_deleted_and_others_stay(home: Home) -> None:
    configured, state = home("{inbox: delete_after_landing}")
    inbox = configured.paths.inbox
    (inbox / "orders_may.csv").write_text(HEADER + order(9))  # delivered anew since
    (inbox / "orders_broken.csv").write_text("no,header\n")
    (inbox / "letter.txt").write_text("nobody reads this")
    dropped = apply_retention(configured, state, AS_OF)
    assert dropped["inbox_files"] == 2
    assert {file.name for file in inbox.iterdir()} == {
        "orders_may.csv", "orders_broken.csv", "letter.txt",
    }  # fmt: skip
    land_new_files(configured, state)
    assert apply_retention(configured, state, AS_OF)["inbox_files"] == 1
    assert {file.name for file in inbox.iterdir()} == {"orders_broken.csv", "letter.txt"}


def test_exports_are_deleted_some_days_after_their_landing(home: Home) -> None:
    configured, state = home("{inbox_days: 3}")
    os.utime(configured.paths.inbox / "orders_may.csv", (0, 0))  # its own age says nothing
    assert apply_retention(configured, state, AS_OF)["inbox_files"] == 0
    age(state, "orders_june.csv", 4)
    assert apply_retention(configured, state, AS_OF)["inbox_files"] == 1
    assert not (configured.paths.inbox / "orders_june.csv").exists()

"""Checks on what came in: they are of the files that count, and pass once a bad one does not."""

from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from orchestration.build import gate
from orchestration.build.audit import RECONCILED, audit_checks
from orchestration.build.raw import _files_frame
from orchestration.defs.ingest import ingest
from orchestration.run import open_run
from tests.support.exports import HEADER, order, orders
from tests.support.homes import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def landing(home: Home) -> tuple[bool, dict[str, Any]]:
    """Run the asset; whether the check of `raw/orders` passes, and what else is told of it."""
    with open_run(home.settings) as run:
        done = dg.materialize([ingest], resources={"run": run})
    key = dg.AssetKey(["raw", "orders"])
    [check] = [c for c in done.get_asset_check_evaluations() if c.asset_key == key]
    [made] = [m for m in done.asset_materializations_for_node("ingest") if m.asset_key == key]
    return check.passed, {name: value.value for name, value in made.metadata.items()}


@pytest.mark.parametrize("is_rejected", [True, False])
def test_the_schema_check_is_of_the_files_landed_now(home: Home, is_rejected: bool) -> None:
    home.put(HEADER + order(1) + orders(8, first=3) + order(2, status="no such status"), "1.csv")
    passed, told = landing(home)
    assert (passed, told["batches"], told["dagster/row_count"]) == (False, 1, 9)
    if is_rejected:
        home.state.reject(home.state.files()[0]["batch_id"])
    home.put(HEADER + order(2), "2.csv")
    passed, told = landing(home)
    assert passed
    counted = (1, 1) if is_rejected else (2, 10)
    assert (told["batches"], told["dagster/row_count"]) == counted
    assert landing(home)[0]


def test_no_row_quarantined_is_of_the_files_that_count(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.put(HEADER + orders(9) + order(10, status="no such status"), "1.csv")
    home.land()
    monkeypatch.setattr(gate, "run_gate", lambda *_: [])

    def status() -> str:
        files = _files_frame(home.state.files(), [])
        totals = pl.DataFrame(schema=RECONCILED)
        checks = audit_checks(lambda _: files, totals, date(2026, 1, 1), "1")
        [row] = checks.filter(pl.col("check_name") == "no_row_quarantined").to_dicts()
        return str(row["status"])

    assert status() == "failed"
    home.state.reject(home.state.files()[0]["batch_id"])
    assert status() == "passed"


def test_messages_that_did_not_arrive_are_a_check_that_failed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "run_gate", lambda *_: [])
    files, totals = _files_frame([], []), pl.DataFrame(schema=RECONCILED)
    row = {"channel": "channel 1 (json)", "reason": "HTTP 503", "subject": "[Test] high: GMV",
           "is_recent": True}  # fmt: skip

    def delivered(*undelivered: dict[str, object]) -> dict[str, object]:
        checks = audit_checks(lambda _: files, totals, date(2026, 1, 1), "1", undelivered)
        return checks.filter(pl.col("check_name") == "alerts_delivered").row(0, named=True)

    assert delivered()["status"] == delivered({**row, "is_recent": False})["status"] == "passed"
    failed = delivered(row, {**row, "subject": "[Test] low: AOV"})
    assert (failed["status"], failed["severity"], failed["observed"]) == ("failed", "warn", "2")
    assert failed["message"] == "channel 1 (json): HTTP 503; [Test] high: GMV; [Test] low: AOV"

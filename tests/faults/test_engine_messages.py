"""What an engine says of an expression that fails may quote cells; nothing of it is kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path

import duckdb
import polars as pl
import pytest

from orchestration.alerting.alerts import failure_message
from orchestration.build.dbt import test_results as results_of_tests
from orchestration.errors import KpiError, words_of, write_trace
from tests.support.exports import HEADER, ORDERS, SHOP, order
from tests.support.homes import Home

NAME = "Annegret Musterfrau"


@pytest.mark.parametrize(
    "rule",
    [
        {"filter": "CAST(buyer AS BIGINT) > 0"},
        {"exclude": {"odd": "CAST(buyer AS DOUBLE) > 0"}},
        {"derive": {"n": {"expression": "CAST(buyer AS BIGINT)"}}},
        {"filter": "CAST(buyer AS DATE) > DATE '2026-01-01'"},
    ],
)
def test_a_name_in_an_expression_that_fails_is_told_nowhere(
    tmp_path: Path, rule: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    files = [{"path": "*.csv", "format": {**ORDERS, **rule}}]
    home = Home(tmp_path / "home", {"shop": {**SHOP, "files": files}})
    home.put(HEADER + order(1, buyer=NAME))
    with caplog.at_level(logging.DEBUG):
        assert home.land()["files_refused"] == 1
    [file] = home.state.files()
    assert "an expression of its mapping fails" in file["message"]
    assert "TRY_CAST" in file["message"]
    assert NAME not in caplog.text + file["message"]
    kept = [path for path in (tmp_path / "home/data").rglob("*")
            if path.is_file() and "inbox" not in path.parts]  # fmt: skip
    assert kept
    assert not [path for path in kept if NAME.encode() in path.read_bytes()]


def raised(work: Callable[[], object]) -> Exception:
    """What an engine raises; it does quote the name."""
    with pytest.raises(Exception, match=NAME) as error:
        work()
    return error.value


def by_duckdb() -> object:
    return duckdb.execute("select cast(? as integer)", [NAME])


@pytest.mark.parametrize(
    "work",
    [
        by_duckdb,
        lambda: pl.DataFrame({"buyer": [NAME]}).select(pl.col("buyer").cast(pl.Int64)),
        lambda: float(NAME),
        lambda: {}[NAME],
    ],
    ids=["duckdb", "polars", "float", "key"],
)
def test_a_trace_and_a_message_hold_no_value(work: Callable[[], object], tmp_path: Path) -> None:
    error = raised(work)
    outer = RuntimeError(f"a step failed on '{NAME}'")
    outer.__cause__ = error
    trace = write_trace(outer, tmp_path).read_text()
    message = failure_message("r1", "transform", outer, "log")
    assert NAME not in trace + message.text + words_of(error)
    # Enough is left to find the fault by.
    assert "test_engine_messages.py" in trace and type(error).__name__ in trace
    assert "which led to" in trace and "RuntimeError: a step failed on ..." in trace


def test_what_this_project_says_is_kept_whole() -> None:
    assert words_of(KpiError("the disk is full", "data", "Make room.")) == (
        "data: the disk is full\n  Make room.")  # fmt: skip
    assert "No such file" in words_of(raised_by_the_system())


def raised_by_the_system() -> OSError:
    try:
        Path("/nowhere/at/all").read_text()
    except OSError as error:
        return error
    raise AssertionError


def test_checks_of_dbt_quote_no_row(tmp_path: Path) -> None:
    said = (
        "Runtime Error in test amounts_are_positive (tests/singular/amounts.sql)\n"
        f"  {raised(by_duckdb)}\n  LINE 3: where buyer = '{NAME}'"
    )
    results = [
        {"unique_id": "test.kpi.amounts.1", "status": "error", "message": said},
        {"unique_id": "test.kpi.unique.2", "status": "fail", "failures": 2,
         "message": "Got 2 results, configured to fail if != 0"},
    ]  # fmt: skip
    file = tmp_path / "run_results.json"
    file.write_text(json.dumps({"results": results}))
    told = results_of_tests(file, "r1")["message"].to_list()
    assert NAME not in "".join(told)
    assert told[0].startswith("Runtime Error in test amounts_are_positive (tests/singular/")
    assert "Conversion Error" in told[0]
    assert told[1] == "Got 2 results, configured to fail if != 0"

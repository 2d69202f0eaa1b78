"""The ledger: sequence, rejection, what a record supersedes."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestration.ledger.state import FileRecord, State

FILE = FileRecord(
    batch_id="b1",
    source="s",
    source_file="s/a.csv",
    content="f" * 64,
    mapping="m1",
    format="plain",
    feeds={"orders": 3},
    status="landed",
    rows_read=4,
    rows_landed=3,
    rows_duplicate=1,
)


def test_sequences_increase_without_end(tmp_path: Path) -> None:
    state = State(tmp_path)
    numbers = [state.next_sequence() for _ in range(50)]
    assert numbers == sorted(set(numbers))
    assert State(tmp_path).next_sequence() > numbers[-1]


def test_one_content_under_two_mappings_is_two_batches(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.record(FILE)
    state.record(replace(FILE, batch_id="b2", mapping="m2", feeds={"events": 2}))
    assert state.statuses() == {"b1": "landed", "b2": "landed"}


def test_a_file_that_comes_whole_supersedes_what_was_refused_under_its_name(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.record(replace(FILE, status="refused"))
    state.record(replace(FILE, batch_id="b2", mapping="m2"))
    # One reading of a file landed, the other is refused still.
    assert state.statuses() == {"b1": "refused", "b2": "landed"}
    state.record(replace(FILE, batch_id="b3", content="e" * 64))
    assert state.statuses() == {"b1": "superseded", "b2": "landed", "b3": "landed"}


def test_a_rejected_batch_gets_a_new_sequence_and_is_rejected_once(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.record(FILE)
    before = state.files()[0]["seq"]
    assert state.reject("b1")
    assert state.files()[0]["seq"] > before
    assert not state.reject("b1")
    assert not state.reject("unknown")


def test_a_sent_alert_is_remembered(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert not state.seen("k")
    state.mark("k", datetime(2026, 1, 1, tzinfo=UTC))
    state.mark("k", datetime(2026, 1, 2, tzinfo=UTC))
    assert State(tmp_path).seen("k")


def test_a_ledger_from_before_batches_could_expire_is_carried_over(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.record(FILE)
    state.set("key_fingerprint", "f")
    before = state.files()
    with sqlite3.connect(tmp_path / "state.sqlite") as con:
        made = con.execute("select sql from sqlite_master where name = 'files'").fetchone()[0]
        con.executescript(
            "alter table files rename to newer; drop index files_by_content;"
            + made.replace(", 'expired'", "")
            + "; insert into files select * from newer; drop table newer;"
        )
    con.close()
    assert State(tmp_path).files() == before
    State(tmp_path).expire("b1")
    assert State(tmp_path).statuses() == {"b1": "expired"}
    assert State(tmp_path).get("key_fingerprint") == "f"
    with sqlite3.connect(tmp_path / "state.sqlite") as con:
        names = {row[0] for row in con.execute("select name from sqlite_master")}
    con.close()
    assert "files_by_content" in names
    assert "files_before" not in names


def test_an_erased_pseudonym_keeps_its_first_replacement(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.bury({"m1": "r1"})
    state.bury({"m1": "r2", "m2": "r3"})
    assert State(tmp_path).tombstones() == {"m1": "r1", "m2": "r3"}


def test_a_closed_month_keeps_its_first_figures(tmp_path: Path) -> None:
    july = {"month_start": "2026-07-01", "platform": "web", "gmv": "10.00", "cm1_amount": None}
    state = State(tmp_path)
    assert state.closed_months() == []
    state.close_months([july])
    state.close_months([{**july, "gmv": "11.00"}, {**july, "platform": "pos"}])
    assert State(tmp_path).closed_months() == [{**july, "platform": "pos"}, july]


def test_a_reopened_month_keeps_what_it_was_closed_with_and_is_closed_anew(tmp_path: Path) -> None:
    july = {"month_start": "2026-07-01", "platform": "web", "gmv": "10.00", "cm1_amount": None}
    others = [{**july, "platform": "pos"}, {**july, "month_start": "2026-08-01"}]
    state = State(tmp_path)
    state.close_months([july, *others])
    assert state.reopen_month("2026-06-01", "", "none") == []
    assert state.reopen_month("2026-07-01", "web", "a void sale") == [july]
    assert state.closed_months() == others
    state.close_months([{**july, "gmv": "9.00"}])
    assert len(state.reopen_month("2026-07-01", "", "again")) == 2
    told = [{**one, "reopened_at": None} for one in State(tmp_path).reopened_months()]
    assert told == [
        {**one, "reason": reason, "reopened_at": None, "reopening_number": str(number)}
        for number, (one, reason) in enumerate(
            [(july, "a void sale"), (others[0], "again"), ({**july, "gmv": "9.00"}, "again")], 1
        )
    ]

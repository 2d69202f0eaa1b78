"""The ledger: sequence, rejection, a changed mapping supersedes."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from orchestration.state import FileRecord, State

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


def test_the_same_content_under_a_new_mapping_supersedes_the_old_batch(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.record(FILE)
    state.record(replace(FILE, batch_id="b2", mapping="m2"))
    old, new = sorted(state.files(), key=lambda f: f["batch_id"])
    assert (old["status"], new["status"]) == ("superseded", "landed")
    assert new["seq"] >= old["seq"]
    assert new["feeds"] == {"orders": 3}


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

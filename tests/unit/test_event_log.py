"""The event log holds what a run tells, also for a reader that opens it anew."""

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.config.settings import PROJECT_ROOT
from orchestration.defs.execution import forget_runs
from orchestration.event_log import KeptEngineEventLog


@dg.asset(check_specs=[dg.AssetCheckSpec("positive", asset="number")])
def number():  # type: ignore[no-untyped-def]
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


COUNTED = "select count(*), count(distinct run_id) from"


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    with dg.DagsterInstance.get() as made:
        yield made


def test_storage_holds_the_newest_runs_alone_and_does_not_grow(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    folder, sizes, runs = tmp_path / "history" / "runs", [], []
    for _ in range(5):
        runs.append(dg.materialize([number], instance=instance).run_id)
        forget_runs(instance, 2)
        instance.event_log_storage._commit()
        with sqlite3.connect(folder / "index.db") as index:
            counts = [index.execute(f"{COUNTED} {table}").fetchone()
                      for table in ("event_logs", "asset_check_executions")]  # fmt: skip
        sizes.append((len(list(folder.glob("*.db"))), *counts))
    assert instance.get_run_ids() == runs[:-3:-1]
    assert sizes[1] == sizes[2] == sizes[3] == sizes[4]
    files, events, checks = sizes[4]
    assert files == 3 and events[1] == 2 and checks == (2, 2)
    assert instance.get_latest_materialization_event(dg.AssetKey("number"))


def test_events_are_read_by_dagsters_own_class(
    tmp_path: Path, instance: dg.DagsterInstance
) -> None:
    assert isinstance(instance.event_log_storage, KeptEngineEventLog)
    # more runs than engines are kept
    runs = [dg.materialize([number], instance=instance).run_id for _ in range(10)]
    # Connections are kept only if Dagster still connects by the private method we replace.
    assert len(instance.event_log_storage._kept) == 8
    instance.event_log_storage._commit()
    [dagsters_own] = KeptEngineEventLog.__bases__
    own = dagsters_own(str(tmp_path / "history" / "runs"))
    for run_id in runs:
        kinds = [event.dagster_event.event_type_value for event in own.get_logs_for_run(run_id)
                 if event.dagster_event]  # fmt: skip
        assert kinds.count("ASSET_MATERIALIZATION") == 1
        assert kinds.count("ASSET_CHECK_EVALUATION") == 1
        assert kinds[-1] == dg.DagsterEventType.RUN_SUCCESS.value
    assert own.get_latest_materialization_events([dg.AssetKey("number")])

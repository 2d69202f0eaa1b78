"""The event log holds what a run tells, also for a reader that opens it anew."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from orchestration.config.settings import PROJECT_ROOT
from orchestration.event_log import KeptEngineEventLog


@dg.asset(check_specs=[dg.AssetCheckSpec("positive", asset="number")])
def number():  # type: ignore[no-untyped-def]
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


def test_events_are_read_by_dagsters_own_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copyfile(PROJECT_ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.event_log_storage, KeptEngineEventLog)
        # more runs than engines are kept
        runs = [dg.materialize([number], instance=instance).run_id for _ in range(10)]
        # Connections are kept only if Dagster still connects by the private method we replace.
        assert len(instance.event_log_storage._kept) == 8
    [dagsters_own] = KeptEngineEventLog.__bases__
    own = dagsters_own(str(tmp_path / "history" / "runs"))
    for run_id in runs:
        kinds = [event.dagster_event.event_type_value for event in own.get_logs_for_run(run_id)
                 if event.dagster_event]  # fmt: skip
        assert kinds.count("ASSET_MATERIALIZATION") == 1
        assert kinds.count("ASSET_CHECK_EVALUATION") == 1
        assert kinds[-1] == dg.DagsterEventType.RUN_SUCCESS.value
    assert own.get_latest_materialization_events([dg.AssetKey("number")])

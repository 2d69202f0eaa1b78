"""`kpi run`: the same job as the schedule and the UI, in this process."""

from __future__ import annotations

import gc
import logging
import warnings
from typing import Any

from ingestion.reading import apart
from orchestration.cli.console import console, fail
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError, day_of


def run_daily(
    *, as_of: str, full: bool, wait_seconds: float, fail_on_alert: bool, target: str = ""
) -> None:
    """Run the daily job, print the headline, and leave with the exit code that fits."""
    from orchestration.ledger.identity import refuse_nothing
    from orchestration.ledger.state import State

    if as_of:
        day_of(as_of)
    configured = settings.load().on(target)
    if configured.file.build.target == "spark":
        from orchestration.build.spark import require

        require(configured.file.build.spark)
    configured.paths.make()
    state = State(configured.paths.state)
    refuse_nothing(configured, state)  # before Dagster is there, which takes seconds
    if full or not _is_done(configured, as_of=as_of, wait_seconds=wait_seconds):
        execute_daily(as_of=as_of, full=full, wait_seconds=wait_seconds, target=target)
    from orchestration.cli.show import show_headline

    show_headline()
    refused = [file for file in state.files() if file["status"] == "refused"]
    if refused:
        fail(
            KpiError(
                f"published, but {len(refused)} files were refused: "
                + " ".join(str(file["message"]) for file in refused[:3]),
                "data/inbox",
                "Mend or remove them and run again.",
                ExitCode.INPUT_REJECTED,
            )
        )
    from orchestration.cli.alert_actions import undelivered

    if error := undelivered(state):
        fail(error)
    if fail_on_alert and state.get("alerts") not in (None, "0"):
        raise SystemExit(int(ExitCode.ALERT_FIRED))


def _is_done(configured: settings.Settings, *, as_of: str, wait_seconds: float) -> bool:
    """Whether it is seen without Dagster, and without opening a file, that nothing is to be done.

    Raises:
        KpiError: another run holds the lock, or a landed batch is lost.
    """
    from orchestration.erasure.erase import journal_file
    from orchestration.ledger.losses import lost_batches
    from orchestration.ledger.rename import is_under_way
    from orchestration.run import log, open_run

    day = day_of(as_of) if as_of else None
    with console.progress(), open_run(configured, as_of=day, wait_seconds=wait_seconds) as run:
        if (
            not run.is_inbox_read
            or journal_file(configured).exists()
            or is_under_way(run.state)
            or lost_batches(configured, run.state, ())
            or not run.is_unchanged
        ):
            return False
        log.info("nothing new since the last good build")
        run.settle()
        return True


def execute_daily(
    *, as_of: str = "", full: bool = False, wait_seconds: float = 0.0, target: str = ""
) -> Any:
    """Execute the job `daily` on the instance of the data folder, so that the UI shows the run.

    Raises:
        KpiError: what ended the run, as the step raised it.
    """
    from orchestration.build.warehouse import run_lock

    configured = settings.load()
    paths = configured.paths
    settings.limit_polars(configured.file.build)
    # Dagster takes seconds to import: a second run should know at once that it has to leave.
    with run_lock(paths.state, "probe", wait_seconds):
        pass
    settings.use_dagster_home()
    # The process that reads files is ready when Dagster is.
    apart.warm("orchestration.ledger.inbox", "ingestion.landing.land")
    with console.progress():
        logging.getLogger("kpi").info("starting Dagster ...")
        warnings.filterwarnings("ignore")
        # Most of what Dagster and dbt make stays to the end; to look through it again and again for
        # what may be dropped takes a seventh of a small run.
        gc.set_threshold(100_000, 20, 20)
        import dagster as dg

        from orchestration.definitions import defs
        from orchestration.defs.schedules import DAILY_JOB

        with dg.DagsterInstance.get() as instance:
            job = defs().resolve_job_def(DAILY_JOB)
            return job.execute_in_process(
                instance=instance,
                run_config={
                    "resources": {
                        "run": {
                            "config": {
                                "as_of": as_of,
                                "full": full,
                                "wait_seconds": wait_seconds,
                                "target": target,
                            }
                        }
                    },
                    "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
                },
            )

"""The commands around a run: dev, rollback, reject, reopen, version."""

from __future__ import annotations

import sys
from importlib.metadata import version

from orchestration.build import warehouse
from orchestration.cli.console import console
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError


def start_dagster(port: int) -> None:
    """Replace this process by `dagster dev` on the project's code location."""
    import os
    from pathlib import Path

    from orchestration.build.dbt import prepare_manifest

    configured = settings.load()
    configured.paths.make()
    settings.use_dagster_home()
    settings.limit_polars(configured.file.build)
    prepare_manifest()
    program = str(Path(sys.executable).with_name("dagster"))
    arguments = ["dev", "-m", "orchestration.definitions", "-h", "127.0.0.1", "-p", str(port)]
    os.chdir(settings.PROJECT_ROOT)
    os.execv(program, [program, *arguments])  # noqa: S606  a fixed program, no shell


def call_source(old: str, new: str, wait: float) -> None:
    """Rename a source in the ledger and in what has landed."""
    from orchestration.ledger.rename import rename_source
    from orchestration.ledger.state import State

    configured = settings.load()
    with warehouse.run_lock(configured.paths.state, "rename-source", wait):
        written = rename_source(configured, State(configured.paths.state), old, new)
    console.document({"old": old, "new": new, "files_written": written})
    console.out(f"{old} is {new} now ({written} landed files); the next run builds with it")


def roll_back(to: str, reason: str) -> None:
    """Point database and pages at another generation, keep it, and say so on the pages."""
    from dashboards.site import write_status
    from orchestration.ledger.state import State
    from orchestration.run import PINNED

    paths = settings.load().paths
    with warehouse.run_lock(paths.state, "rollback"):
        run_id = warehouse.rollback(paths, to)
        is_last = run_id == warehouse.generations(paths)[-1]
        state = State(paths.state)
        # The good build is newer than what is served now: the next run has to publish again.
        state.set("finished_run", "")
        state.set(PINNED, "" if is_last else run_id)
        with warehouse.connect_published(paths.current) as con:
            [(built_at,)] = con.execute("select built_at from quality.run").fetchall()
        told = f"They were taken back to an earlier run{f': {reason}' if reason else ''}."
        if paths.site.exists():
            write_status(
                paths.site,
                "ok" if is_last else "stale",
                built_at,
                message=None if is_last else told,
            )
            warehouse.share(paths.site / "assets" / "status.js")
    console.document({"generation": run_id})
    console.out(f"readers now see generation {run_id}; the next `kpi run` publishes a new one")


def reject_batch(batch: str) -> None:
    """Withdraw a batch in the ledger.

    Raises:
        KpiError: there is no such landed batch.
    """
    from orchestration.ledger.state import State

    paths = settings.load().paths
    with warehouse.run_lock(paths.state, "reject"):
        if not State(paths.state).reject(batch):
            raise KpiError(
                f"there is no landed batch {batch!r}",
                "reject",
                "Batch ids are in quality.ingest_files.",
                ExitCode.USAGE,
            )
    console.document({"rejected": batch})
    console.out(f"batch {batch} is withdrawn; the next `kpi run` builds without it")


def reopen_month(month: str, reason: str, platform: str = "") -> None:
    """Reopen a month and print what it was closed with.

    Args:
        month: as 2026-07.
        reason: why.
        platform: of which platform; empty: of all.

    Raises:
        KpiError: no reason is given, or no run has closed such a month.
    """
    from orchestration.ledger.state import State

    paths = settings.load().paths
    if not reason.strip():
        raise KpiError("no reason is given", "reopen", "Say why with --reason.", ExitCode.USAGE)
    with warehouse.run_lock(paths.state, "reopen"):
        told = State(paths.state).reopen_month(f"{month}-01", platform, reason.strip())
    if not told:
        raise KpiError(
            f"no run has closed {month}{f' of {platform}' if platform else ''}",
            "reopen",
            "Closed months are those of marts.fct_month_close with is_closed, as 2026-07.",
            ExitCode.USAGE,
        )
    console.document({"reopened": told})
    console.table(["platform", "close date", "gmv it was closed with"],
                  [(one["platform"], one["close_date"], one["gmv"]) for one in told])  # fmt: skip
    console.out(f"{month} is open; the next `kpi run` closes it anew and tells why")


def show_versions() -> None:
    """Versions of the project and its engines."""
    names = ("kpi-warehouse", "dagster", "dbt-core", "dbt-duckdb", "duckdb", "polars", "plotly")
    versions = {name: version(name) for name in names}
    console.document(versions)
    for name, number in versions.items():
        console.out(f"{name:<14} {number}")

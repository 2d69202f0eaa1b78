"""The commands around a run: serve, dev, doctor, rollback, reject, version."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import version

from orchestration import settings, warehouse
from orchestration.cli.console import console
from orchestration.errors import ExitCode, KpiError


def serve_site(port: int) -> None:
    """Serve `data/site` on 127.0.0.1 until interrupted.

    Raises:
        KpiError: there are no pages yet, or the port is taken.
    """
    from functools import partial
    from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

    site = settings.load().paths.site
    if not site.exists():
        raise KpiError("there are no pages yet", str(site), "Run `kpi run`.", ExitCode.USAGE)
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise KpiError(
            str(error), f"port {port}", "Choose another with --port.", ExitCode.USAGE
        ) from error
    console.out(f"http://127.0.0.1:{port}/index.html   (Ctrl-C ends)")
    with server:
        server.serve_forever()


def start_dagster(port: int) -> None:
    """Replace this process by `dagster dev` on the project's code location."""
    import os
    from pathlib import Path

    from orchestration.dbt import prepare_manifest

    settings.load().paths.make()
    settings.use_dagster_home()
    prepare_manifest()
    program = str(Path(sys.executable).with_name("dagster"))
    arguments = ["dev", "-m", "orchestration.definitions", "-h", "127.0.0.1", "-p", str(port)]
    os.chdir(settings.PROJECT_ROOT)
    os.execv(program, [program, *arguments])  # noqa: S606  a fixed program, no shell


def check_up() -> None:
    """Check what a run needs, one line each.

    Raises:
        KpiError: something that would stop a run.
    """
    configured = settings.load()
    paths = configured.paths
    paths.make()
    from ingestion.land import match_files

    problems: list[str] = []
    console.out(f"config      {configured.config_file}: {configured.shop.name},"
                f" {configured.shop.currency}, {configured.shop.timezone}")  # fmt: skip
    for name, source in configured.sources.items():
        console.out(f"source      {name}: {source.platform}, {', '.join(sorted(source.feeds()))}")
    matched: dict[str, int] = {}
    for _, name, _ in match_files(paths.inbox, configured.sources):
        matched[name] = matched.get(name, 0) + 1
    for name in configured.sources:
        found = matched.get(name, 0)
        console.out(f"inbox       {name}: {found} files")
        if not found:
            problems.append(f"no file of source {name} in {paths.inbox}")
    configured.pseudonym_key()
    free = shutil.disk_usage(paths.data).free / 1e9
    console.out(f"disk        {free:.1f} GB free in {paths.data}")
    chromium = shutil.which("chromium")
    console.out(f"chromium    {chromium or 'not found: only the browser tests need it'}")
    console.out(
        f"channels    {len(configured.alert_channels())} (messages always go to the outbox)"
    )
    console.out(f"published   {warehouse.current_generation(paths) or 'nothing yet'}")
    for problem in problems:
        console.out(f"problem     {problem}")
    console.document({"problems": problems, "files": matched, "free_gb": round(free, 1)})
    if problems:
        raise KpiError(
            f"{len(problems)} problems", "doctor", "See the lines above.", ExitCode.CONFIG
        )


def roll_back() -> None:
    """Point database and pages at the generation before the current one."""
    from orchestration.state import State

    paths = settings.load().paths
    with warehouse.run_lock(paths.state, "rollback"):
        run_id = warehouse.rollback(paths)
        # The good build is newer than what is served now: the next run has to publish again.
        State(paths.state).set("finished_run", "")
    console.document({"generation": run_id})
    console.out(f"readers now see generation {run_id}; the next `kpi run` publishes a new one")


def reject_batch(batch: str) -> None:
    """Withdraw a batch in the ledger.

    Raises:
        KpiError: there is no such landed batch.
    """
    from orchestration.state import State

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


def show_versions() -> None:
    """Versions of the project and its engines."""
    names = ("kpi-warehouse", "dagster", "dbt-core", "dbt-duckdb", "duckdb", "polars", "plotly")
    versions = {name: version(name) for name in names}
    console.document(versions)
    for name, number in versions.items():
        console.out(f"{name:<14} {number}")

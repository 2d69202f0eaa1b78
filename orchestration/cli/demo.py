"""`kpi demo`: the simulated shop, end to end."""

from __future__ import annotations

import importlib
import logging
import shutil
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Thread

from orchestration.cli.console import console
from orchestration.cli.run import execute_daily
from orchestration.cli.show import show_headline
from orchestration.config import settings
from orchestration.errors import config_error

log = logging.getLogger("kpi")


def run_demo() -> None:
    """Simulate what is missing up to yesterday, run the daily job, and show where things are.

    Raises:
        KpiError: the folder belongs to a real shop.
    """
    home = settings.data_home()
    config = home / "shop.yml"
    if not config.exists():
        config.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(settings.DEMO_CONFIG, config)
    elif config.read_bytes() != settings.DEMO_CONFIG.read_bytes() and not _is_demo(home):
        raise config_error(
            "this folder has a shop.yml of its own; the demo would mix invented orders into it",
            str(config),
            "Choose another folder: kpi --home /tmp/demo demo",
        )
    configured = settings.load()
    yesterday = datetime.now(configured.zone).date() - timedelta(days=1)
    # The simulation draws in processes of its own: meanwhile dbt parses the project, and what the
    # run needs is imported.
    parsing = subprocess.Popen([sys.executable, "-m", "orchestration.build.dbt"])
    importing = Thread(target=_import_what_a_run_needs)
    importing.start()
    with console.progress():
        _simulate(configured.paths, yesterday)
    importing.join()
    parsing.wait()
    execute_daily()
    show_headline()
    _show_places(configured.paths)


def _import_what_a_run_needs() -> None:
    for name in ("dagster", "duckdb"):
        importlib.import_module(name)


def _is_demo(home: Path) -> bool:
    return (home / "data" / "truth" / "simulation.json").exists()


def _simulate(paths: settings.Paths, as_of: date) -> None:
    from simulator.run import default_window, simulate
    from simulator.truth import load_simulation

    known = load_simulation(paths.data)
    start, history_until = (known.start, known.history_until) if known else default_window(as_of)
    log.info("simulating the demo shop's exports ...")
    report = simulate(
        paths.data,
        seed=known.seed if known else 7,
        start=start,
        history_until=history_until,
        as_of=as_of,
        scale=known.scale if known else 1.0,
        workers=2,
        progress=log.info,
    )
    log.info("simulated %d new files up to %s", len(report.written), as_of)


def _show_places(paths: settings.Paths) -> None:
    console.out()
    console.out(f"pages    {paths.site / 'index.html'}")
    console.out(f"marts    {paths.current}")
    console.out(f"alerts   {paths.outbox}")
    console.out()
    console.out("next     .venv/bin/kpi serve")
    console.out("         .venv/bin/kpi explain --by channel")
    console.out(
        "         .venv/bin/kpi sql \"from marts.fct_gmv_daily where dimension = 'all'"
        ' order by business_date desc limit 7"'
    )

"""What one more day of the marts costs in shops of other lengths: CPU seconds by table.

Each folder is one that `day_bench.py FOLDER --years N` has filled. Its next day is landed and its
tables are built in part, by one thread of this process, whose CPU seconds are those of the table
under way; then the build is thrown away, and what landed waits for the next run. They compare
between machines that are busy, and between folders, if one process after the other counts them.

Run: python benchmarks/growth_bench.py FOLDER [FOLDER ...]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from time import process_time
from typing import Any

from benchmarks.day_bench import simulate_until
from benchmarks.measure import ROOT


def cpu_of_a_day(home: Path) -> dict[str, float]:
    """Node of dbt -> CPU seconds that it took in the build of the folder's next day."""
    last = date.fromisoformat((home / "last_day").read_text()) + timedelta(days=1)
    simulate_until(home, last, scale=1.0)
    from orchestration.build import dbt, full_builds, warehouse
    from orchestration.config import settings
    from orchestration.run import Run

    settings.choose(home, None)
    configured = settings.load()
    run = Run(configured, "growth", "growth", as_of=last, full=False)
    run.land()
    arguments = run.begin_build()
    if "--full-refresh" in arguments:
        raise SystemExit(f"{home} was built by other code: day_bench.py {home} --days 1 mends it")
    os.environ["KPI_THREADS"] = "1"
    spent: Counter[str] = Counter()
    noted, marks = full_builds.Statements.note, [process_time()]

    def note(self: full_builds.Statements, event: Any) -> None:
        if event.info.name in {"NodeStart", "NodeFinished"}:
            marks.append(process_time())
            if event.info.name == "NodeFinished":
                spent[event.data.node_info.unique_id] += marks[-1] - marks[-2]
        noted(self, event)

    full_builds.Statements.note = note  # type: ignore[method-assign]
    begun = process_time()
    dbt.invoke(arguments, configured.paths.data / "build" / "growth")
    spent["all, with its tests"] = process_time() - begun
    warehouse.discard_build(configured.paths)
    return {name: round(seconds, 3) for name, seconds in spent.items()}


def main() -> None:
    """Count each folder in a process of its own; print totals, and what grew from first to last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--alone", action="store_true", help="count one folder here, as JSON")
    asked = parser.parse_args()
    if asked.alone:
        print(json.dumps(cpu_of_a_day(asked.folders[0].resolve())))
        return
    found = []
    for folder in asked.folders:
        command = [sys.executable, __file__, str(folder), "--alone"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        tables = sum(spent for name, spent in found[-1].items() if name.startswith("model."))
        print(folder, "tables", round(tables, 1), "all", found[-1]["all, with its tests"])
    grown = sorted(found[-1], key=lambda name: found[0].get(name, 0) - found[-1][name])
    for name in grown[:30]:
        print(f"{name:<60}", *(one.get(name) for one in found))


if __name__ == "__main__":
    main()

"""What one more day of the marts costs in shops of other lengths: CPU seconds by table.

Each folder is one that `day_bench.py FOLDER --years N` has filled. Its next day is landed and its
tables are built in part, twice, for the second time sends what dbt sent in the first; the CPU
seconds are those of the second. Then the build is thrown away, and what landed waits for the next
run. They compare between machines that are busy, for one process after the other counts them.

Run: python benchmarks/growth_bench.py FOLDER [FOLDER ...]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from time import process_time

from benchmarks.day_bench import simulate_until
from benchmarks.measure import ROOT

ALL = "all, with its tests"


def cpu_of_a_day(home: Path) -> dict[str, float]:
    """Node of dbt -> CPU seconds that it took in the build of the folder's next day."""
    last = date.fromisoformat((home / "last_day").read_text()) + timedelta(days=1)
    simulate_until(home, last, scale=1.0)
    from orchestration.build import dbt, kept_builds, warehouse
    from orchestration.config import settings
    from orchestration.run import Run

    vars(kept_builds)["monotonic"] = process_time
    settings.choose(home, None)
    configured = settings.load()
    run = Run(configured, "growth", "growth", as_of=last, full=False)
    run.land()
    for _ in range(2):
        arguments = run.begin_build()
        if "--full-refresh" in arguments:
            raise SystemExit(f"other code built {home}: day_bench.py {home} --days 1 mends it")
        begun = process_time()
        found = dbt.invoke(arguments, configured.paths.data / "build" / "growth")
        whole = process_time() - begun
    warehouse.discard_build(configured.paths)
    return {ALL: whole} | {
        name: one.execution_time for name, one in found.items() if name.startswith("model.")
    }


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
        whole = found[-1][ALL]
        print(f"{folder}: tables {sum(found[-1].values()) - whole:.1f}, {ALL} {whole:.1f}")
    grown = sorted(found[-1], key=lambda name: found[0].get(name, 0) - found[-1][name])
    for name in grown[:30]:
        print(f"{name:<60}", *(f"{one.get(name, 0):.2f}" for one in found))


if __name__ == "__main__":
    main()

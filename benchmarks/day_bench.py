"""What a full run costs, and one more day on top of it: wall and CPU seconds by step and by table.

A simulated shop of any size, kept in a folder: each further call adds days to it. CPU seconds are
those of the process and its children; only they compare between machines that are busy.

Run: python benchmarks/day_bench.py FOLDER [--scale 7] [--years 3] [--days 1] [--full]
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measure import ROOT, measured, steps


def simulate_until(home: Path, last: date, scale: float, years: int | None = None) -> None:
    """Write the exports up to a day; the first call decides the window and the scale."""
    from simulator.run import default_window, simulate
    from simulator.truth import load_simulation

    known = load_simulation(home / "data")
    start, history_until = (known.start, known.history_until) if known else default_window(last)
    if years and not known:
        start = last - timedelta(days=365 * years)
    simulate(
        home / "data",
        start=start,
        history_until=history_until,
        as_of=last,
        scale=known.scale if known else scale,
        workers=2,
    )


def measured_run(home: Path, last: date, *, full: bool) -> dict[str, object]:
    """`kpi run` up to a day in a process of its own.

    Returns:
        Wall and CPU seconds and peak MiB, wall by step, and of dbt the
        seconds of all models, of all tests and of the slowest of both.
    """
    command = [sys.executable, "-m", "orchestration.cli.main", "--home", str(home), "run"]
    run = measured([*command, "--date", last.isoformat(), *(["--full"] if full else [])])
    if run.code:
        raise SystemExit(f"kpi run left with {run.code}:\n{run.told}")
    results = json.loads((home / "data/build/dbt_target/run_results.json").read_text())["results"]
    kinds: Counter[str] = Counter()
    for result in results:
        kinds[result["unique_id"].partition(".")[0]] += result["execution_time"]
    slowest = sorted(results, key=lambda result: -result["execution_time"])[:40]
    return {
        "wall": round(run.wall, 1),
        "cpu": round(run.cpu, 1),
        "peak_mib": round(run.peak),
        "steps": steps(run.told),
        "dbt": {kind: round(seconds, 1) for kind, seconds in kinds.items()},
        "slowest": {
            result["unique_id"].replace("kpi_warehouse.", ""): round(result["execution_time"], 2)
            for result in slowest
        },
    }


def main() -> None:
    """Build the shop if it is new, add days, print what each run cost as JSON lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scale", type=float, default=7.0)
    parser.add_argument("--years", type=int, help="of history; the demo's window without it")
    parser.add_argument("--days", type=int, default=1)
    parser.add_argument("--full", action="store_true", help="build the last day in full again")
    asked = parser.parse_args()
    home: Path = asked.folder.resolve()
    mark = home / "last_day"
    if not mark.exists():
        (home / "data").mkdir(parents=True)
        config = (ROOT / "shop.example.yml").read_text()
        (home / "shop.yml").write_text(config + "\nbuild: {mode: incremental}\n")
        last = date.today() - timedelta(days=30)
        simulate_until(home, last, asked.scale, asked.years)
        print(json.dumps({"run": "first"} | measured_run(home, last, full=True), indent=1))
        mark.write_text(last.isoformat())
    for _ in range(asked.days):
        last = date.fromisoformat(mark.read_text()) + timedelta(days=1)
        simulate_until(home, last, asked.scale)
        print(json.dumps({"run": "day"} | measured_run(home, last, full=False), indent=1))
        mark.write_text(last.isoformat())
    if asked.full:
        last = date.fromisoformat(mark.read_text())
        print(json.dumps({"run": "full"} | measured_run(home, last, full=True), indent=1))


if __name__ == "__main__":
    main()

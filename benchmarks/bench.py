"""The product beside hand-written SQL and other tools, on a made-up shop of 0.5 to 100 M events.

`make bench SIZE=S` writes the exports of a shop, runs `kpi run` on them, and compares every cell of
the heavy marts with the floor (`reference.py`); a difference ends it before anything is timed. Then
floor and product take turns, each time in a fresh process: the product's side is the SQL that dbt
compiled for this run, on a copy of the build, so that both are SQL alone. Readers and loaders of
other projects take turns with landing on the same files of events. What it finds goes into
RESULTS.md between markers, with a picture.

CPU seconds are what is compared, as ratios within one run: they say the same on a busy machine.
With CHECK=1 nothing is written, of the loaders only DuckDB takes its turn, and a ratio above its
bar is an error.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.large_shop import DAYS, LAST_DAY, SHAPES, SIZES, write
from benchmarks.measure import ROOT, Cost, measured
from benchmarks.report import Figures, Found, picture, report, write_section

REPEATS = {"XS": 3, "S": 3, "M": 3, "L": 1}
PEER_ROWS = 4_000_000
ONCE = ("dlt", "spark", "pandas")
# The floor has no change of GMV, no hours, no other shops, and of lines and refunds only what it
# needs.
_BEYOND_FLOOR = frozenset({
    "int_gmv_comparisons", "int_gmv_sides", "fct_gmv_change", "int_gmv_hours", "fct_gmv_hourly",
    "fct_benchmarks_monthly", "fct_order_items", "fct_refunds",
})  # fmt: skip
_FAMILIES = {
    "staging": "staging", "sessions": "sessions", "orders": "orders", "customers": "customers",
    "dim_customer": "customers", "funnel": "funnel", "gmv": "gmv", "calendar": "gmv",
    "retention": "retention", "attribution": "attribution",
}  # fmt: skip
# Highest ratios of CPU seconds that pass, about 1.5 times those measured; families of less than a
# second have none.
BARS: dict[str, dict[str, float]] = {
    # Of a few seconds each, not measured yet: bars of what has broken, not of what is slower.
    "XS realistic": {"all": 3.0, "landing": 4.0},
    "S realistic": {
        "staging": 2.1, "gmv": 1.4, "orders": 1.0, "sessions": 2.7, "funnel": 2.8,
        "retention": 2.2, "all": 2.2, "landing": 2.5,
    },
}  # fmt: skip


def family_of(model: str) -> str | None:
    """The family of a dbt model, by the folder it is in; None where the floor has no such thing."""
    if model in _BEYOND_FLOOR:
        return None
    path = next((ROOT / "dbt_project/models").rglob(f"{model}.sql"))
    return _FAMILIES.get(model) or _FAMILIES.get(path.parent.name)


def compiled(home: Path) -> list[dict[str, Any]]:
    """The models of the last run in the order dbt built them."""
    from orchestration.build.dbt import manifest

    told = json.loads((home / "data/build/dbt_target/run_results.json").read_text())["results"]
    nodes = manifest()["nodes"]
    return [
        {
            "model": nodes[result["unique_id"]]["name"],
            "relation_name": nodes[result["unique_id"]]["relation_name"],
            "compiled_code": result["compiled_code"],
            "execution_time": result["execution_time"],
        }
        for result in told
        if result["unique_id"].startswith("model.")
    ]


def run_floor(home: Path, scratch: Path, threads: int) -> dict[str, float]:
    """Build the floor; return CPU seconds by family."""
    import duckdb

    from benchmarks.reference import build

    with duckdb.connect(scratch / "floor.duckdb", config={"threads": threads}) as con:
        spent = build(con, home / "data/landing", "Asia/Shanghai")
    spent["staging"] += spent.pop("setup")
    return spent


def run_product(home: Path, scratch: Path, threads: int) -> dict[str, float]:
    """Build the same marts by the product's SQL, without dbt; return CPU seconds by family."""
    import duckdb

    from benchmarks.reference import cpu_seconds

    build = shutil.copyfile(home / "data/build/good.duckdb", scratch / "build.duckdb")
    spent: dict[str, float] = defaultdict(float)
    with duckdb.connect(config={"threads": threads}) as con:
        con.execute(f"attach '{build}' as working")
        con.execute("use working")
        con.execute("set timezone = 'UTC'")
        con.execute("set preserve_insertion_order = false")
        views = {name for (name,) in con.execute("select view_name from duckdb_views()").fetchall()}
        for result in compiled(home):
            family = family_of(result["model"])
            if family:
                begun = cpu_seconds()
                kind = "view" if result["model"] in views else "table"
                con.execute(
                    f"create or replace {kind} {result['relation_name']} as"
                    f" {result['compiled_code']}"
                )
                spent[family] += cpu_seconds() - begun
    return dict(spent)


def check(home: Path, scratch: Path, threads: int) -> list[str]:
    """What differs between the published tables and the floor."""
    import duckdb

    from benchmarks.reference import build, differences

    with duckdb.connect(scratch / "floor.duckdb", config={"threads": threads}) as con:
        build(con, home / "data/landing", "Asia/Shanghai")
        return list(differences(con, (home / "data/published/current.duckdb").resolve()))


PARTS: dict[str, Callable[[Path, Path, int], Any]] = {
    "check": check, "floor": run_floor, "product": run_product,
}  # fmt: skip


def part(name: str, home: Path, threads: int) -> tuple[Any, Cost]:
    """One of PARTS in a process of its own, on an empty folder."""
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        cost = measured([
            sys.executable, "-m", "benchmarks.bench", "--one", name, scratch, "--home", str(home),
            "--threads", str(threads),
        ])  # fmt: skip
    if cost.code:
        raise SystemExit(f"{name} left with {cost.code}:\n{cost.told}")
    return json.loads(cost.told.strip().splitlines()[-1]), cost


def families(
    home: Path, repeats: int, threads: int
) -> tuple[dict[str, Figures], dict[str, list[Cost]]]:
    """CPU seconds of floor and product by family, and the costs of their processes."""
    spent: dict[str, Figures] = {"floor": defaultdict(list), "product": defaultdict(list)}
    processes: dict[str, list[Cost]] = defaultdict(list)
    for _ in range(repeats):
        for side, figures in spent.items():
            found, cost = part(side, home, threads)
            for family, seconds in found.items():
                figures[family].append(seconds)
            figures["all"].append(sum(found.values()))
            processes[side].append(cost)
    return spent, processes


def peers(
    home: Path, repeats: int, pythons: dict[str, str], names: tuple[str, ...]
) -> tuple[dict[str, Any], int]:
    """Costs of each reader or loader on the same files, or why it was not run; and their rows."""
    files: list[str] = []
    rows = 0
    for file in sorted((home / "data/inbox/web").glob("events_*.csv")):
        with file.open("rb") as lines:
            count = sum(1 for _ in lines) - 1
        if files and rows + count > PEER_ROWS:
            break
        files, rows = [*files, str(file)], rows + count
    found: dict[str, Any] = {}
    for turn in range(repeats):
        for name in names:
            if isinstance(found.get(name), str) or (turn and name in ONCE):
                continue
            python = pythons.get(name, sys.executable)
            with tempfile.TemporaryDirectory(dir=home) as out:
                command = [python, str(ROOT / "benchmarks/peers.py"), name, out, *files]
                cost = measured(command)
            told = re.search(r"ROWS (\d+) (\S+)", cost.told)
            if cost.code or not told:
                found[name] = f"not run: {cost.told.strip().splitlines()[-1][:80]}"
                continue
            if int(told[1]) != rows:
                raise SystemExit(f"{name} read {told[1]} of {rows} rows")
            found.setdefault(name, {"version": told[2], "costs": []})["costs"].append(cost)
    return found, rows


def bench(size: str, shape: str, home: Path, asked: argparse.Namespace) -> Found:
    """Measure one shop."""
    repeats, threads = asked.repeats or (1 if asked.check else REPEATS[size]), asked.threads
    if (home / "data/landing").exists():
        raise SystemExit(f"{home} has been run; what landing costs is only seen the first time")
    write(home, SHAPES[shape], SIZES[size], DAYS[size], threads)
    before = os.getloadavg()[0]
    run = measured([
        sys.executable, "-m", "orchestration.cli.main", "--home", str(home), "run", "--full",
        "--date", LAST_DAY.isoformat(),
    ])  # fmt: skip
    if run.code:
        raise SystemExit(f"kpi run left with {run.code}:\n{run.told}")
    if wrong := part("check", home, threads)[0]:
        raise SystemExit("\n".join(["The floor counts other cells; nothing was timed.", *wrong]))
    in_run: dict[str, float] = defaultdict(float)
    for result in compiled(home):
        if family := family_of(result["model"]):
            in_run[family] += result["execution_time"]
            in_run["all"] += result["execution_time"]
    spent, processes = families(home, repeats, threads)
    others = () if asked.check else ("polars", *ONCE)
    loaders, rows = peers(
        home, min(repeats, 3), dict(asked.peer_python), ("duckdb", "product", *others)
    )
    load = (before, os.getloadavg()[0])
    return Found(
        size, shape, SIZES[size], DAYS[size], load, run, in_run, spent, processes, loaders, rows
    )


def main() -> None:
    """Measure each shape of a size; with --check say which ratio is above its bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="S")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--home", type=Path, help="keep the shops in this folder")
    parser.add_argument("--repeats", type=int)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--check", action="store_true")
    parser.add_argument(
        "--peer-python", action="append", default=[], metavar="NAME=PYTHON",
        type=lambda text: tuple(text.split("=", 1)), help="environment that has dlt or pyspark",
    )  # fmt: skip
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        name, scratch = asked.one
        print(json.dumps(PARTS[name](asked.home, Path(scratch), asked.threads)))
        return
    above = []
    for shape in asked.shapes:
        with tempfile.TemporaryDirectory() as temporary:
            home = (asked.home or Path(temporary)).resolve() / f"{asked.size}_{shape}"
            found = bench(asked.size, shape, home, asked)
        if not asked.check:
            write_section(f"bench {asked.size} {shape}", report(found))
            path = ROOT / f"benchmarks/pictures/{asked.size}_{shape}.svg"
            path.parent.mkdir(exist_ok=True)
            path.write_text(picture(found))
        for name, ratio in found.ratios.items():
            bar = BARS.get(f"{asked.size} {shape}", {}).get(name)
            print(f"{shape:<12} {name:<18} {ratio:6.2f}" + (f"  bar {bar}" if bar else ""))
            above += [name] if bar and ratio > bar else []
    if asked.check and above:
        raise SystemExit(f"above the bar: {', '.join(above)}")


if __name__ == "__main__":
    main()

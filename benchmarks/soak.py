"""Many days one after another, as they come: files late, twice, cut or misnamed; readers; alerts.

Every day is a `kpi run` of its own. Two readers query the published file all the time, and the
address that alerts go to fails now and then. At the end all that was delivered is built once in a
fresh folder: both must publish the same marts. Printed a day: seconds, memory, and what is on disk.

Run: python -m benchmarks.soak FOLDER [--days 90] [--scale 0.05] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import duckdb
import yaml

from benchmarks.measure import ROOT, measured

# Days before the first run: enough to compare with, and for every weekly export to come once.
_BEFORE = 70
_SHARES = {"late": 0.15, "again": 0.10, "cut": 0.05, "misnamed": 0.05}
_GOOD = (0, 4, 8)  # a file was refused; a message was not delivered
_KEPT_RUNS = 5
_GROWING = ("dagster", "state", "outbox", "logs", "build", "published")


class Deliveries:
    """What of the exports is put into the inbox on which day; all by one seed."""

    def __init__(self, exports: Path, inbox: Path, seed: int) -> None:
        self._exports, self._inbox, self._dice = exports, inbox, random.Random(seed)
        self._waiting: dict[date, list[Path]] = defaultdict(list)
        self._undo: list[Path] = []
        self.counts: dict[str, int] = dict.fromkeys(_SHARES, 0)

    def of(self, day: date, new: list[Path]) -> None:
        """Deliver what is due on a day, and of what is new then what comes in time."""
        for wrong in self._undo:
            wrong.unlink()
        self._undo = []
        for name in self._waiting.pop(day, []):
            self._put(name)
        for name in new:
            self._one(day, name)

    def rest(self) -> None:
        """Deliver what is still to come."""
        for day in sorted(self._waiting):
            self.of(day, [])
        self.of(date.max, [])

    def _one(self, day: date, name: Path) -> None:
        kind = self._dice.choices([*_SHARES, "in time"],
                                  [*_SHARES.values(), 1 - sum(_SHARES.values())])[0]  # fmt: skip
        later = day + timedelta(days=self._dice.randint(1, 5))
        if kind in self.counts:
            self.counts[kind] += 1
        if kind == "again":
            self._put(name)
            self._put(name, name.with_stem(f"{name.stem}_again"))
        elif kind == "cut":
            whole = (self._exports / name).read_bytes()
            self._write(name, whole[: len(whole) * 2 // 3])
            self._waiting[later].append(name)
        elif kind == "misnamed":
            self._undo.append(self._put(name, Path("elsewhere") / name.name))
            self._waiting[later].append(name)
        elif kind == "late":
            self._waiting[later].append(name)
        else:
            self._put(name)

    def _put(self, name: Path, target: Path | None = None) -> Path:
        return self._write(target or name, (self._exports / name).read_bytes())

    def _write(self, name: Path, content: bytes) -> Path:
        file = self._inbox / name
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.upload")
        draft.write_bytes(content)
        os.utime(draft, (0, 0))  # the upload is over
        draft.replace(file)
        return file


@contextmanager
def hook(seed: int) -> Iterator[tuple[str, list[int]]]:
    """An address for alerts that fails in one of three: as a channel, and what it answered."""
    dice, answers = random.Random(seed), []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            answers.append(dice.choice([200, 200, 500]))
            self.send_response(answers[-1])
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"json://127.0.0.1:{server.server_port}", answers
        server.shutdown()


@contextmanager
def readers(home: Path, count: int = 2) -> Iterator[dict[str, Any]]:
    """Threads that ask the published file the same thing twice; how often, and what went wrong."""
    link, ended = home / "data/published/current.duckdb", threading.Event()
    told: dict[str, Any] = {"reads": 0, "torn": 0, "errors": []}
    asked = ("select run_id from quality.run",
             "select sum(gmv) from marts.fct_gmv_daily where dimension = 'all'",
             "select sum(paid_amount) from marts.fct_orders where is_paid")  # fmt: skip

    def read() -> None:
        while not ended.wait(0.5):
            if not link.exists():
                continue
            try:
                with duckdb.connect(str(link.resolve()), read_only=True) as con:
                    first, again = ([con.execute(q).fetchall() for q in asked] for _ in range(2))
            except duckdb.Error as error:
                told["errors"].append(str(error))
                continue
            told["reads"] += 1
            told["torn"] += first != again or first[1] != first[2]

    threads = [threading.Thread(target=read) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield told
    ended.set()
    for thread in threads:
        thread.join()


def run(home: Path, day: date, *options: str) -> dict[str, Any]:
    """`kpi run` for a day; what it took, and MB and files of what could grow."""
    command = [sys.executable, "-m", "orchestration.cli.main", "--home", str(home), "run"]
    cost = measured([*command, "--date", day.isoformat(), *options])
    if cost.code not in _GOOD:
        raise SystemExit(f"kpi run for {day} left with {cost.code}:\n{cost.told}")
    sizes = {}
    for name in _GROWING:
        files = [file for file in (home / "data" / name).rglob("*") if file.is_file()]
        sizes[name] = [round(sum(file.stat().st_size for file in files) / 1e6, 2), len(files)]
    return {"day": str(day), "code": cost.code, "wall": round(cost.wall, 1),
            "cpu": round(cost.cpu, 1), "peak_mib": round(cost.peak), **sizes}  # fmt: skip


def new_home(home: Path, **changes: Any) -> Path:
    """A data folder with the demo's configuration and a fixed key."""
    (home / "data/inbox").mkdir(parents=True)
    (home / "data/state").mkdir()
    key = home / "data/state/pseudonym.key"
    key.touch(mode=0o600)
    key.write_text("5eed" * 16)
    told = yaml.safe_load((ROOT / "shop.example.yml").read_text())
    (home / "shop.yml").write_text(yaml.safe_dump({**told, **changes}, allow_unicode=True))
    return home


def exported(folder: Path, first: date, day: date, scale: float, seen: set[Path]) -> list[Path]:
    """Let the shop export up to a day; what is new, below its inbox."""
    from simulator.run import simulate

    simulate(folder, start=first, history_until=first + timedelta(days=_BEFORE - 10),
             as_of=day, scale=scale)  # fmt: skip
    inbox = folder / "inbox"
    files = {file.relative_to(inbox) for file in inbox.rglob("*") if file.is_file()}
    new = sorted(files - seen)
    seen |= files
    return new


def differing(left: Path, right: Path) -> list[str]:
    """Marts that two data folders publish otherwise, cell by cell."""
    from tests.support.shop import different

    return different(left, right, closed_alike=False)


def soak(folder: Path, days: int, scale: float, seed: int) -> dict[str, Any]:
    """Live for so many days in a folder; returns the verdict."""
    shutil.rmtree(folder, ignore_errors=True)
    last = date(2026, 10, 10)
    first = last - timedelta(days=days + _BEFORE)
    exports, seen = folder / "exports", set[Path]()
    with hook(seed) as (address, answers):
        home = new_home(
            folder / "soaked",
            build={"mode": "incremental"},
            history={"runs": _KEPT_RUNS},
            alerts={"channels": [address]},
            ignore=["elsewhere/*"],
        )
        deliveries = Deliveries(exports / "inbox", home / "data/inbox", seed)
        told = []
        with readers(home) as read:
            for number in range(days + 1):
                day = last - timedelta(days=days - number)
                new = exported(exports, first, day, scale, seen)
                if number:
                    deliveries.of(day, new)
                else:
                    shutil.copytree(exports / "inbox", home / "data/inbox", dirs_exist_ok=True)
                told.append(run(home, day))
                print(json.dumps(told[-1]), flush=True)
            deliveries.rest()
            told.append(run(home, last))
    clean = new_home(folder / "clean")
    shutil.copytree(exports / "inbox", clean / "data/inbox", dirs_exist_ok=True)
    run(clean, last, "--full")
    middle, end = told[len(told) // 2], told[-2]
    return {
        "days": days,
        "deliveries": deliveries.counts,
        "runs": dict(sorted((code, [one["code"] for one in told].count(code)) for code in _GOOD)),
        "reads": read["reads"], "torn": read["torn"], "read_errors": read["errors"][:3],
        "messages_failed": answers.count(500), "messages_taken": answers.count(200),
        "middle": middle, "end": end,
        "differing_marts": differing(home, clean),
    }  # fmt: skip


def main() -> None:
    """Soak, print the verdict as JSON, leave with 1 if it is bad."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--scale", type=float, default=0.05)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    verdict = soak(asked.folder.resolve(), asked.days, asked.scale, asked.seed)
    print(json.dumps(verdict, indent=1))
    if verdict["differing_marts"] or verdict["torn"] or verdict["read_errors"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()

"""A command measured from outside.

The process that measures is small and starts a fresh one each time: the peak of memory and the CPU
seconds are then those of what is measured alone, with all that it starts.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Cost:
    """What a command took.

    Attributes:
        wall, cpu: seconds; CPU of all its processes.
        peak: MiB resident of all its processes together, the highest of five looks a second; pages
            that they share count in each.
        code: exit code.
        told: what it printed.
    """

    wall: float
    cpu: float
    peak: float
    code: int
    told: str


def measured(command: Sequence[str], **environment: str) -> Cost:
    """Run a command to its end in the project's folder."""
    begun, peak, ended = time.perf_counter(), [0.0], threading.Event()
    run = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"} | environment,
    )

    def look() -> None:
        while not ended.wait(0.2):
            peak[0] = max(peak[0], sum(_resident(pid) for pid in _family(run.pid)))

    watcher = threading.Thread(target=look)
    watcher.start()
    assert run.stdout is not None
    told = run.stdout.read()
    _, status, used = os.wait4(run.pid, 0)
    run.returncode = os.waitstatus_to_exitcode(status)
    ended.set()
    watcher.join()
    wall, cpu = time.perf_counter() - begun, used.ru_utime + used.ru_stime
    return Cost(wall, cpu, max(peak[0], used.ru_maxrss / 1024), run.returncode, told)


def steps(told: str) -> dict[str, float]:
    """Wall seconds of the steps of a run, as it told them."""
    return {name: float(wall) for name, wall in re.findall(r"(\w+) done in ([\d.]+) s", told)}


def _family(pid: int) -> list[int]:
    try:
        lists = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    except OSError:
        return [pid]
    return [pid, *(kin for text in lists for child in text.split() for kin in _family(int(child)))]


def _resident(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) / 1024 if found else 0.0

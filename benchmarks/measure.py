"""A command measured from outside, and results written into RESULTS.md.

The process that measures is small and starts a fresh one each time: the peak of memory and the CPU
seconds are then those of what is measured alone, with all that it starts.
"""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks/RESULTS.md"
_COLORS = ("#4269d0", "#b0b7c3")


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


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def write_section(name: str, text: str, results: Path = RESULTS) -> None:
    """Put a text between the markers of its name, at the end if they are not there yet."""
    begin, end = f"<!-- {name}: written by make bench -->", f"<!-- {name}: end -->"
    section, page = f"{begin}\n{text}\n{end}", results.read_text()
    if begin in page:
        before, _, rest = page.partition(begin)
        page = before + section + rest.partition(end)[2]
    else:
        page = f"{page.rstrip()}\n\n{section}\n"
    results.write_text(page)


def bars(title: str, names: Sequence[str], rows: Mapping[str, Sequence[float | None]]) -> str:
    """A picture: a group of horizontal bars a row, one a name; None has no bar."""
    longest = max((value for row in rows.values() for value in row if value), default=1.0)
    step = 14 * len(names) + 10
    height = 52 + step * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{height}" font-size="12"'
        ' font-family="sans-serif"><rect width="100%" height="100%" fill="white"/>'
        f'<text x="12" y="20" font-weight="bold">{title}</text>'
    ]
    for place, name in enumerate(names):
        x = 150 + 160 * place
        parts.append(
            f'<rect x="{x}" y="30" width="10" height="10" fill="{_COLORS[place]}"/>'
            f'<text x="{x + 16}" y="39">{name}</text>'
        )
    for line, (label, values) in enumerate(rows.items()):
        top = 52 + step * line
        parts.append(f'<text x="140" y="{top + step / 2}" text-anchor="end">{label}</text>')
        for place, value in enumerate(values):
            if value is not None:
                width, y = 480 * value / longest, top + 14 * place
                parts.append(
                    f'<rect x="150" y="{y}" width="{width:.1f}" height="11"'
                    f' fill="{_COLORS[place]}"/>'
                    f'<text x="{156 + width:.1f}" y="{y + 10}">{value:.2f}</text>'
                )
    return "".join(parts) + "</svg>\n"

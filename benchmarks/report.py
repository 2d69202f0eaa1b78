"""What a benchmark found, as a section of RESULTS.md and as a picture."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import ROOT, Cost, steps

Figures = dict[str, list[float]]
RESULTS = ROOT / "benchmarks/RESULTS.md"
_COLORS = ("#4269d0", "#b0b7c3")


@dataclass(frozen=True)
class Found:
    """What was measured on one shop.

    Attributes:
        size, shape, events, days: of the shop.
        load: before all and after.
        run: the run of the product as its users start it.
        in_run: wall seconds of its models in that run by family.
        spent: CPU seconds of all repeats by side and family.
        processes: costs of all repeats by side, imports and copying the build included.
        loaders: version and costs by reader or loader, or why it was not run.
        rows: events that each of them read.
    """

    size: str
    shape: str
    events: int
    days: int
    load: tuple[float, float]
    run: Cost
    in_run: dict[str, float]
    spent: dict[str, Figures]
    processes: dict[str, list[Cost]]
    loaders: dict[str, Any]
    rows: int

    @property
    def ratios(self) -> dict[str, float]:
        """CPU seconds of the product to those of the floor, and of landing to those of DuckDB."""
        ours, floor = self.spent["product"], self.spent["floor"]
        return {
            **{family: median(ours[family]) / median(floor[family]) for family in ours},
            "landing": self.cpu("product") / self.cpu("duckdb"),
        }

    def cpu(self, loader: str) -> float:
        """CPU seconds of a loader."""
        return float(median(cost.cpu for cost in self.loaders[loader]["costs"]))


def report(found: Found) -> str:
    """The section of RESULTS.md."""
    run, floor = found.run, found.spent["floor"]
    landed = re.search(r"(\d+) rows_landed", run.told)
    by_step = ", ".join(f"{name} {wall}" for name, wall in steps(run.told).items())
    packages = ", ".join(f"{p} {version(p)}" for p in ("duckdb", "polars", "dbt-core", "dagster"))
    marts = table(
        ("family", "floor CPU s", "product CPU s", "ratio", "in the run, wall s"),
        [
            (family, _spread(floor[family]), _spread(figures), f"{found.ratios[family]:.2f}",
             f"{found.in_run[family]:.1f}")
            for family, figures in found.spent["product"].items()
        ],
    )  # fmt: skip
    loading = table(
        ("loader", "version", "CPU s", "ratio", "wall s", "peak MiB"),
        [
            (name, of, "", "", "", "") if isinstance(of, str) else
            (name, of["version"], _spread([cost.cpu for cost in of["costs"]]),
             f"{found.cpu(name) / found.cpu('duckdb'):.2f}",
             _spread([cost.wall for cost in of["costs"]]),
             f"{max(cost.peak for cost in of['costs']):,.0f}")
            for name, of in found.loaders.items()
        ],
    )  # fmt: skip
    return "\n\n".join([
        f"## {found.size}, {found.shape.replace('_', '-')} ({date.today()})",
        f"{found.events:,} events in {found.days} days, {int(landed[1]) if landed else 0:,}"
        f" rows landed. {os.cpu_count()} processors, load {found.load[0]:.1f} before and"
        f" {found.load[1]:.1f} after; Python {platform.python_version()}, {packages}.",
        f"`kpi run --full` took {run.wall:.0f} s, {run.cpu:.0f} CPU s and at most {run.peak:,.0f}"
        f" MiB; wall by step: {by_step}. Every cell compared equals the floor's.",
        f"Marts, median of {len(floor['all'])} processes each in turns (least to most). A process"
        f" of the floor took {_wall(found, 'floor')}, one of the product"
        f" {_wall(found, 'product')}.",
        marts,
        f"{found.rows:,} events from CSV to typed Parquet (dlt: into DuckDB), whole processes with"
        " their imports; ratios to DuckDB:",
        loading,
        f"![CPU seconds](pictures/{found.size}_{found.shape}.svg)",
    ])  # fmt: skip


def _wall(found: Found, side: str) -> str:
    costs = found.processes[side]
    wall, peak = median(cost.wall for cost in costs), max(cost.peak for cost in costs)
    return f"{wall:.1f} s and at most {peak:,.0f} MiB"


def _spread(figures: list[float]) -> str:
    if len(figures) == 1:
        return f"{figures[0]:.2f}"
    return f"{median(figures):.2f} ({min(figures):.2f}-{max(figures):.2f})"


def picture(found: Found) -> str:
    """CPU seconds of the families and of the loaders."""
    floor = found.spent["floor"]
    rows: dict[str, tuple[float | None, ...]] = {
        family: (median(figures), median(floor[family]))
        for family, figures in found.spent["product"].items()
    }
    rows["landing; DuckDB"] = (found.cpu("product"), found.cpu("duckdb"))
    rows |= {
        name: (None, found.cpu(name))
        for name, of in found.loaders.items()
        if name not in ("product", "duckdb") and not isinstance(of, str)
    }
    title = f"CPU seconds, {found.size}, {found.shape}"
    return bars(title, ("product", "floor or other tool"), rows)


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

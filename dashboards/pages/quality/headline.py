"""The sentence above the data health page.

Belongs here: which sentence is true of the checks, the grid and the watermarks.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.base.page import Both, tr
from dashboards.pages.quality.grid import GridRow
from dashboards.pages.quality.watermarks import Mark


def _gaps(rows: Sequence[GridRow], known: Sequence[Mark]) -> int:
    """Feeds with a day that is not whole, in the grid or before it; unknown days are no gap."""
    gaps = {
        (row.source, row.feed)
        for row in rows
        if any(cell.state not in ("ok", "not_expected", "unknown") for cell in row.cells)
    }
    return len(gaps | {(mark.source, mark.feed) for mark in known if mark.feed and mark.is_behind})


def headline(found: dict[str, int], rows: Sequence[GridRow], known: Sequence[Mark]) -> Both:
    """The gravest thing true of the page; "every source is complete" of no gap and no unknown."""
    late = sum(row.cells[-1].state not in ("ok", "not_expected") for row in rows)
    gaps = _gaps(rows, known)
    for key, n in (("failed", found["failed"]), ("late", late)):
        if n:
            return tr(f"quality.headline_{key}{'_one' if n == 1 else ''}", n=n, s=n)
    if not rows or not found["passed"] or found["not_run"]:
        return tr("quality.headline_unknown")
    if gaps:
        return tr(f"quality.headline_gaps{'_one' if gaps == 1 else ''}", s=gaps)
    # Days before a feed began are unknown and are nothing that is missing.
    begun = [row.cells[_first_known(row) :] for row in rows]
    if any(cell.state == "unknown" for cells in begun for cell in cells):
        return tr("quality.headline_unknown")
    return tr("quality.headline_fine")


def _first_known(row: GridRow) -> int:
    return next((n for n, cell in enumerate(row.cells) if cell.state != "unknown"), 0)

"""The simulation as a whole: decide what is missing and have it drawn and written.

Belongs here: the public calls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from simulator.incidents import Incident, schedule
from simulator.plan import exports, missing
from simulator.truth import Simulation, write_truth
from simulator.write import Written, write_exports

_WINDOW_DAYS = 800
_DAILY_DAYS = 10


@dataclass(frozen=True)
class SimulationReport:
    """What one call of `simulate` did.

    Attributes:
        written: paths below the data folder, in order of writing.
        kept: number of files that were there already.
        incidents: planted incidents begun by the last day.
        sessions: site sessions drawn for event files of this call, lost ones included.
        events: events written by this call.
        orders: orders placed in the periods of the files of this call, by shop.
    """

    written: tuple[Path, ...]
    kept: int
    incidents: tuple[Incident, ...]
    sessions: int
    events: int
    orders: dict[str, int]


def default_window(as_of: date) -> tuple[date, date]:
    """Return (start, history_until) of a demo: about 800 days, the last ten in daily files."""
    start = (as_of - timedelta(days=_WINDOW_DAYS)).replace(day=1)
    return start, as_of - timedelta(days=_DAILY_DAYS)


def planted(seed: int, start: date, history_until: date, as_of: date) -> tuple[Incident, ...]:
    """Return the incidents begun by a day; a late file exists only where files are daily."""
    return tuple(
        item
        for item in schedule(seed, start, as_of)
        if item.kind != "late_source_file" or item.start_date > history_until
    )


def simulate(  # noqa: PLR0913 - one call is the whole interface
    root: Path,
    *,
    seed: int = 7,
    start: date,
    history_until: date,
    as_of: date,
    scale: float = 1.0,
    workers: int = 1,
    progress: Callable[[str], None] | None = None,
) -> SimulationReport:
    """Write the demo company's exports below a data folder, as they stand after a day.

    Files that are there already are left alone and nothing is drawn for them, so adding a day is
    cheap. Each file depends on the arguments and its own period only: a later `as_of` adds files.

    Args:
        root: the data folder; files go to root/inbox and root/truth.
        seed: seed of all random numbers.
        start: first day of the data.
        history_until: last day of the yearly and monthly files; daily ones follow.
        as_of: last day exported.
        scale: multiple of sessions, visitors and orders.
        workers: number of processes that draw the history. They are spawned, so with more than one
            the caller's main module must be importable. The files do not depend on it.
        progress: told in words what is being drawn.

    Returns:
        What was written.

    Raises:
        ValueError: if the dates are out of order.
    """
    if as_of < max(start, history_until):
        raise ValueError(
            f"as_of {as_of} lies before start {start} or history_until {history_until}"
        )
    incidents = planted(seed, start, history_until, as_of)
    files = exports(start, history_until, as_of, incidents)
    wanted = missing(root, files)
    made = Simulation(seed, start, history_until, as_of, scale)
    written = Written()
    if wanted:
        written = write_exports(root, made, wanted, workers, progress or (lambda _: None))
    write_truth(root, made, incidents, written.site_orders)
    return SimulationReport(
        written=written.paths,
        kept=len(files) - len(wanted),
        incidents=incidents,
        sessions=written.sessions,
        events=written.events,
        orders=written.orders,
    )

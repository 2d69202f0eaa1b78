"""Reading a file under a mapping to see what would become of it, without landing it.

Belongs here: the one way to try a mapping. It lands into a folder that is thrown away, under a key
that is thrown away, so that a trial says exactly what landing will say.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from ingestion.errors import FileRejected
from ingestion.landing.land import land_file
from ingestion.landing.lookups import Table
from ingestion.mapping.sources import FileSpec, Source
from ingestion.reading.kinds import kind_of
from ingestion.recognise.proposal import Trial

TRIAL_BYTES = 1 << 25
"""Larger files are tried on their first part only."""

_PROBLEMS = ("feed", "row_number", "line_number", "column", "reason", "message", "value")


def try_file(
    path: Path,
    source: Source,
    files: FileSpec,
    *,
    reporting_currency: str,
    tables: Sequence[Table] = (),
) -> Trial:
    """Read one file under a mapping.

    Args:
        path: any file; it need not lie in the inbox.
        source: whose file it would be.
        files: how it is read. Its limits on bad rows are not applied here.
        reporting_currency: see `land_file`.
        tables: see `land_file`.

    Returns:
        The account; `refused` says why where it cannot be read.
    """
    lenient = files.model_copy(update={"max_bad_share": 1.0, "on_bad_rows": "quarantine"})
    with TemporaryDirectory(prefix="kpi-trial-") as name:
        folder = Path(name)
        try:
            landed = land_file(
                path.resolve(),
                inbox=path.resolve().parent,
                landing=folder / "landing",
                quarantine=folder / "quarantine",
                source=source,
                files=lenient,
                key=secrets.token_bytes(32),
                reporting_currency=reporting_currency,
                tables=tables,
            )
        except FileRejected as error:
            return Trial(refused=str(error))
        told = landed.quarantine_file
        problems = pl.read_parquet(told) if told else pl.DataFrame()
    kept = [name for name in _PROBLEMS if name in problems.columns]
    return Trial(
        rows_read=landed.rows_read,
        rows_landed=landed.rows_landed,
        rows_quarantined=landed.rows_quarantined,
        rows_duplicate=landed.rows_duplicate,
        rows_excluded=landed.rows_excluded,
        excluded=dict(landed.excluded),
        troubles=landed.troubles,
        problems=problems.select(kept),
        unknown_columns=landed.unknown_columns,
        first_at=landed.first_at,
        last_at=landed.last_at,
        feeds=dict(landed.feeds),
        looked_up=landed.looked_up,
        foreign=_foreign(problems),
    )


def _foreign(problems: pl.DataFrame) -> int:
    """Count the rows whose currency is all that is wrong with them."""
    if problems.is_empty():
        return 0
    alone = problems.group_by("row_number").agg((pl.col("reason") == "no_rate").all())
    return int(alone["reason"].sum())


def try_files(
    paths: Sequence[Path], source: Source, files: FileSpec, *, reporting_currency: str
) -> Trial:
    """Read several files under one mapping and add up their accounts; large ones in part."""
    trials = []
    for path in paths:
        with TemporaryDirectory(prefix="kpi-part-") as name:
            part = _part_of(path, files, Path(name))
            trials.append(try_file(part, source, files, reporting_currency=reporting_currency))
    return _sum(trials)


def _part_of(path: Path, files: FileSpec, folder: Path) -> Path:
    """Return the file, or a copy of its first part where it is too large to be tried whole."""
    if path.stat().st_size <= TRIAL_BYTES:
        return path
    target = folder / path.name
    if files.format.read.kind == "parquet":
        pl.scan_parquet(path, glob=False).head(200_000).collect().write_parquet(target)
        return target
    if kind_of(path) != "plain" or files.format.read.encoding.startswith("utf-16"):
        return path  # cannot be cut at a line
    with path.open("rb") as file:
        raw = file.read(TRIAL_BYTES)
    target.write_bytes(raw[: raw.rfind(b"\n") + 1])
    return target


def _sum(trials: list[Trial]) -> Trial:
    if not trials:
        return Trial(files=0)
    refused = next((t.refused for t in trials if t.refused), "")
    firsts = [t.first_at for t in trials if t.first_at]
    lasts = [t.last_at for t in trials if t.last_at]
    feeds: dict[str, int] = {}
    for trial in trials:
        for feed, rows in trial.feeds.items():
            feeds[feed] = feeds.get(feed, 0) + rows
    return Trial(
        files=len(trials),
        rows_read=sum(t.rows_read for t in trials),
        rows_landed=sum(t.rows_landed for t in trials),
        rows_quarantined=sum(t.rows_quarantined for t in trials),
        rows_duplicate=sum(t.rows_duplicate for t in trials),
        rows_excluded=sum(t.rows_excluded for t in trials),
        troubles=max((t.troubles for t in trials), key=len),
        problems=max((t.problems for t in trials), key=lambda p: p.height),
        refused=refused,
        unknown_columns=tuple(dict.fromkeys(c for t in trials for c in t.unknown_columns)),
        first_at=min(firsts, default=None),
        last_at=max(lasts, default=None),
        feeds=feeds,
        foreign=sum(t.foreign for t in trials),
    )

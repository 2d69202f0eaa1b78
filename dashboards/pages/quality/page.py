"""Data health: can I trust it?

Belongs here: which state a cell, a check or a file is in. What did not run is unknown, not fine.
Does not belong here: the checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import polars as pl

from dashboards.base.data import Data, Row, SiteInfo
from dashboards.base.page import Both, Chart, Page, Table, both, named, same, tr
from dashboards.charts.waterfall import reconciliation_bars
from dashboards.pages.quality.consoles import consoles
from dashboards.pages.quality.grid import GRID_DAYS, SYMBOL, GridRow, grid
from dashboards.pages.quality.headline import headline
from dashboards.pages.quality.lookups import lookups
from dashboards.pages.quality.watermarks import marks
from dashboards.pages.shared.layout import Tile
from dashboards.wording.formatting import day, exact_money, integer

FILES_SHOWN = 40
_CENT = 0.005


@dataclass(frozen=True)
class CheckRow:
    """One check."""

    name: str
    layer: Both
    subject: str
    severity: Both
    state: str
    shown: Both
    detail: str


@dataclass(frozen=True)
class FileRow:
    """One inbox file with its balance of rows."""

    name: str
    source: str
    feeds: str
    status: Both
    numbers: list[str]
    balances: bool
    unknown: str
    landed_at: str
    is_absent: bool = False  # refused, or announced and not there

    @property
    def is_loud(self) -> bool:
        """Whether there is something to say of it."""
        return self.is_absent or not self.balances or self.numbers[2] != "0" or bool(self.unknown)


def counts(data: Data) -> dict[str, int]:
    """Checks by status; a status nobody knows counts as not run."""
    found = {"passed": 0, "failed": 0, "not_run": 0}
    for status in data["quality.checks"]["status"].to_list():
        found[status if status in found else "not_run"] += 1
    return found


_ORDER = {"failed": 0, "not_run": 1, "passed": 2}


def check_rows(data: Data) -> list[CheckRow]:
    """Checks, failed ones first, then those that did not run; errors before warnings."""
    rows = []
    for row in data["quality.checks"].to_dicts():
        state = row["status"] if row["status"] in _ORDER else "not_run"
        rows.append(
            CheckRow(
                name=str(row["check_name"]),
                layer=named("quality.layer", str(row["layer"])),
                subject=str(row["subject"] or ""),
                severity=named("severity", str(row["severity"])),
                state=state,
                shown=tr(f"quality.check.{state}"),
                detail=": ".join(str(v) for v in (row["observed"], row["message"]) if v),
            )
        )
    return sorted(rows, key=lambda r: (_ORDER[r.state], r.severity.en, r.layer.en, r.name))


_BALANCE = ("rows_read", "rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")


def file_rows(data: Data) -> tuple[list[FileRow], int]:
    """Files with something to say first, then the latest; and how many files there are."""
    rows = [_file_row(row) for row in data["quality.ingest_files"].to_dicts()]
    rows.sort(key=lambda row: (row.landed_at, row.name), reverse=True)
    loud = [row for row in rows if row.is_loud]
    quiet = [row for row in rows if row not in loud]
    return (loud + quiet)[:FILES_SHOWN], len(rows)


def _file_row(row: Row) -> FileRow:
    read, *parts = (int(row[name] or 0) for name in _BALANCE)
    unknown = str(row["unknown_columns"] or "").strip("[]")
    return FileRow(
        name=str(row["source_file"]),
        source=str(row["source"]),
        feeds=str(row["feeds"] or "").strip("[]"),
        status=named("quality.file", str(row["status"])),
        numbers=[integer(n) for n in (read, *parts)],
        balances=read == sum(parts),
        unknown=unknown,
        landed_at=str(row["landed_at"] or "")[:16],
        is_absent=row["status"] in ("refused", "missing"),
    )


_Recon = Literal["none", "bad", "unknown", "ok"]


def _state_of(rows: Sequence[Row]) -> tuple[_Recon, int]:
    """What is true of all comparisons, and of how many; one that tells nothing is unknown."""
    differences = [[row[name] for name in ("difference", "row_difference")] for row in rows]
    wrong = sum(any(abs(d) >= _CENT for d in each if d is not None) for each in differences)
    unknown = sum(each == [None, None] for each in differences)
    if not rows:
        return "none", 0
    return ("bad", wrong) if wrong else ("unknown", unknown) if unknown else ("ok", len(rows))


def reconciliation_chart(data: Data, info: SiteInfo, page: Page) -> tuple[Chart, _Recon]:
    """Difference of what landed and what the mart holds, a measure, day and source."""
    frame = (
        data["quality.reconciliation_daily"]
        .filter(
            pl.col("business_date") <= info.data_through,
            pl.col("business_date") > info.data_through - timedelta(days=GRID_DAYS),
        )
        # a generation made before there were more measures has paid amounts alone
        .with_columns(pl.col("measure").fill_null("paid"))
        .sort("business_date", "source", "measure")
    )
    rows = frame.to_dicts()
    state, n = _state_of(rows)
    days = frame["business_date"].n_unique()
    off = [row for row in rows if abs(row["difference"] or 0) >= _CENT]
    money = info.currency
    chart = Chart(
        id="reconciliation",
        title=tr(f"recon.title_{state}", n=days if state == "ok" else n, of=len(rows)),
        subtitle=tr("recon.subtitle"),
        figure=reconciliation_bars(off, info.currency, page.pool) if off else None,
        table=Table(
            [tr(k) for k in ("table.day", "table.source", "recon.measure", "table.landed",
                             "table.mart", "table.difference", "recon.landed_rows",
                             "recon.mart_rows")],
            [
                [
                    row["business_date"].isoformat(),
                    str(row["source"]),
                    named("recon.of", str(row["measure"])),
                    exact_money(row["landed_amount"], money),
                    exact_money(row["mart_amount"], money),
                    exact_money(row["difference"], money, signed=True),
                    integer(row["landed_rows"]),
                    integer(row["mart_rows"]),
                ]
                for row in reversed(rows)
            ],
            text_columns=3,
        ),
        source="quality.reconciliation_daily",
        csv="data/reconciliation.csv",
        height=240,
        empty=tr("recon.all_zero") if state == "ok" else tr(f"recon.short_{state}"),
    )  # fmt: skip
    page.charts.append(chart)
    return chart, state


_TONE = {"bad": "worse", "ok": "better"}


def _tiles(data: Data, rows: Sequence[GridRow], recon: _Recon, files: int) -> list[Tile]:
    found = counts(data)
    total = sum(found.values())
    late = sum(1 for row in rows if row.cells and row.cells[-1].state not in ("ok", "not_expected"))
    frame = data["quality.ingest_files"]
    bad = int(frame["rows_quarantined"].fill_null(0).sum())
    read = int(frame["rows_read"].fill_null(0).sum())
    return [
        Tile(
            "checks",
            tr("quality.tile_checks"),
            tr("quality.of", a=found["passed"], b=total) if total else tr("state.not_run"),
            tr("quality.tile_checks_detail", failed=found["failed"], unknown=found["not_run"]),
            "worse" if found["failed"] else "flat" if found["not_run"] or not total else "better",
        ),
        Tile(
            "complete",
            tr("quality.tile_complete"),
            tr("quality.of", a=len(rows) - late, b=len(rows)) if rows else tr("state.unknown"),
            tr("quality.tile_complete_detail"),
            "worse" if late else "better" if rows else "flat",
        ),
        Tile(
            "recon",
            tr("quality.tile_recon"),
            tr(f"recon.short_{recon}"),
            tr("quality.tile_recon_detail"),
            _TONE.get(recon, "flat"),
        ),
        Tile(
            "rows",
            tr("quality.tile_rows"),
            same(integer(bad)),
            tr("quality.tile_rows_detail", read=integer(read), files=integer(files)),
            "worse" if bad else "better" if files else "flat",
        ),
    ]


def build(data: Data, info: SiteInfo) -> Page:
    """The page `quality.html`."""
    page = Page("quality.html", "quality.html", "quality", tr("nav.quality"))
    days, rows = grid(data, info)
    checks = check_rows(data)
    files, total = file_rows(data)
    recon, state = reconciliation_chart(data, info, page)
    found = counts(data)
    summary, lost = lookups(data, info)
    page.charts.append(beside := consoles(data, info))
    page.values = {
        "headline": headline(found, rows, marks(data)),
        "tiles": _tiles(data, rows, state, total),
        "days": [(d, both(lambda lang, d=d: day(d, lang))) for d in days],  # type: ignore[misc]
        "grid": rows,
        "late": [mark for mark in marks(data) if mark.tone == "worse"],
        "in_time": [mark for mark in marks(data) if mark.tone != "worse"],
        "states": [(s, SYMBOL[s], tr(f"reason.cell.{s}")) for s in SYMBOL],
        "loud": [row for row in checks if row.state != "passed"],
        "quiet": [row for row in checks if row.state == "passed"],
        "loud_files": [file for file in files if file.is_loud],
        "files": [file for file in files if not file.is_loud],
        "file_total": total,
        "recon": recon,
        "lookup_summary": summary,
        "lost_many": [row for row in lost if row.is_material],
        "lost_few": [row for row in lost if not row.is_material],
        "consoles": beside,
    }
    return page

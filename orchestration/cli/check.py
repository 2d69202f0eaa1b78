"""`kpi check`: what would become of one file, row by row, without landing it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.cli.console import console
from orchestration.config import settings
from orchestration.config.sections import Build
from orchestration.errors import ExitCode, KpiError, allowed, config_error

if TYPE_CHECKING:
    from ingestion.landing.lookups import Table
    from ingestion.mapping.sources import FileSpec, Source
    from ingestion.recognise.proposal import Trial

_SHOWN = 20
# Of a trial, in the document.
_TOLD = (
    "refused", "rows_read", "rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded",
    "excluded", "feeds", "first_at", "last_at", "unknown_columns", "looked_up",
)  # fmt: skip
_DO = {
    "cut_row": "Transfer the file again, completely.",
    "field_count": "Look for a separator or a line break inside a cell that is not quoted.",
    "stray_quote": "Double the quote, or take it out.",
    "not_readable": "Compare with `datetimes`, `dates` and `numbers` of the format.",
    "missing": "Fill the cell in the shop's system, or map another column.",
    "unknown_value": "Add the value to the map of the format (overrides in shop.yml).",
    "out_of_domain": "Correct it at the source, or leave such rows out with `exclude`.",
    "after_export": "Compare the order of day and month in `datetimes` with the file.",
    "require": "The export was made with other settings than the format expects.",
    "no_rate": "Deliver rates for it (feed fx_rates), or set the source's currency.",
    "order_incomplete": "Nothing by itself: it follows a bad row of the same order.",
    "key_conflict": "Look at both rows in the shop's system; map the column that tells them apart.",
    "not_json": "Export one JSON object a line.",
}


@dataclass(frozen=True)
class Report:
    """What is told of a file: how it was read, what became of its rows, the verdict on it."""

    path: Path
    source: str
    files: FileSpec
    trial: Trial
    missing: list[str]
    verdict: str


def check_file(path: Path, source_name: str, format_name: str) -> None:
    """Read a file under its mapping and print its fates and first problems.

    Raises:
        KpiError: there is no such file, or no mapping fits it.
        SystemExit: with code 4, rows are bad or the file would be refused.
    """
    if not path.is_file():
        raise KpiError("there is no such file", str(path), "Check the path.", ExitCode.USAGE)
    source, files, currency = _mapping(path, source_name, format_name)
    from ingestion.errors import FileRejected
    from ingestion.reading.apart import apart
    from ingestion.recognise import Trial

    memory = _build().file_mib()
    work = partial(_looked, source, files, currency, _tables(files, memory))
    with apart(work, memory) as look:
        try:
            trial, header = look(path, path)
        except FileRejected as error:
            trial, header = Trial(refused=str(error)), ()
    missing = [c for c in files.format.read.optional if c not in header] if header else []
    missing = [c for c in missing if files.format.read.kind == "csv"]
    report = Report(path, source.name, files, trial, missing, _verdict(trial, files))
    _print(report)
    console.document(_document(report))
    if report.verdict:
        # The document is printed already; an error of its own would print a second one.
        sys.stderr.write(f"error: {path.name}: {report.verdict}; nothing was landed\n")
        raise SystemExit(int(ExitCode.INPUT_REJECTED))


def _build() -> Build:
    """Section `build` of shop.yml; a shipped format is tried without one."""
    try:
        return settings.load().file.build
    except KpiError:
        return Build()


def _looked(
    source: Source, files: FileSpec, currency: str, tables: list[Table], path: Path
) -> tuple[Trial, tuple[str, ...]]:
    """The account of a file, and its header."""
    from ingestion.recognise import try_file
    from ingestion.recognise.outline import outline_of

    trial = try_file(path, source, files, reporting_currency=currency, tables=tables)
    return trial, outline_of(path).header


def _tables(files: FileSpec, memory_mib: int) -> list[Table]:
    """What the second files of its lookups say, as they are in the inbox now."""
    from ingestion.landing.lookups import load_table

    if not files.format.lookup:
        return []
    inbox = settings.load().paths.inbox
    return [load_table(lookup, inbox, memory_mib) for lookup in files.format.lookup]


def _mapping(path: Path, source_name: str, format_name: str) -> tuple[Source, FileSpec, str]:
    """The source and file specification to read with, and the reporting currency.

    Raises:
        KpiError: the options name nothing known, or no source claims the file.
    """
    if format_name:
        return _by_format(format_name, source_name)
    configured = settings.load()
    if source_name:
        allowed("--source", source_name, list(configured.sources))
    currency = configured.shop.currency
    chosen = [configured.sources[source_name]] if source_name else configured.sources.values()
    inbox = configured.paths.inbox.resolve()
    below = path.resolve().relative_to(inbox) if path.resolve().is_relative_to(inbox) else None
    for source in chosen:
        for files in source.files:
            # Outside the inbox the name alone has to tell.
            pattern = files.path if below else Path(files.path).name
            if (below or Path(path.name)).match(pattern):
                return source, files, currency
    near = _nearest(path)
    raise config_error(
        "no source of shop.yml reads this file" + (f"; {near}" if near else ""),
        path.name,
        "Add its pattern, or try one with --format NAME.",
    )


def _by_format(name: str, source_name: str) -> tuple[Source, FileSpec, str]:
    from ingestion.mapping.formats import load_formats
    from ingestion.recognise.formats import probe

    allowed("--format", name, list(load_formats()))
    try:
        configured = settings.load()
    except KpiError:
        if source_name:
            raise
        source, files = probe(name, "XXX")
        return source, files, "XXX"
    if source_name:
        allowed("--source", source_name, list(configured.sources))
    owners = [s for s in configured.sources.values() if source_name in ("", s.name)]
    owner = next((s for s in owners if any(f.format_name == name for f in s.files)), owners[0])
    _, files = probe(name, owner.currency)
    return owner, files, configured.shop.currency


def _nearest(path: Path) -> str:
    from ingestion.errors import FileRejected
    from ingestion.reading.apart import apart
    from ingestion.recognise import nearest_format

    with apart(nearest_format, _build().file_mib()) as look:
        try:
            near = look(path, path)
        except FileRejected as error:
            return f"it {error.what}"
    return f"of the shipped formats {near}" if near else ""


def _verdict(trial: Trial, files: FileSpec) -> str:
    """One sentence on what is wrong; empty for a clean file."""
    if trial.refused:
        return "the file would be refused"
    if not trial.rows_quarantined:
        return ""
    too_many = trial.rows_quarantined > files.max_bad_share * trial.rows_read
    if too_many or files.on_bad_rows == "reject_file":
        return f"{trial.rows_quarantined} of {trial.rows_read} rows are bad: it would be refused"
    return f"{trial.rows_quarantined} of {trial.rows_read} rows would be set aside"


def _print(report: Report) -> None:
    trial, files = report.trial, report.files
    console.heading(f"{report.path.name}: {report.verdict or 'clean'}")
    console.out(f"read as     {files.format_name} of source {report.source}")
    if trial.refused:
        console.out(f"refused     {trial.refused}")
        return
    console.out(
        f"rows        {trial.rows_read:,} = {trial.rows_landed:,} would land"
        f" + {trial.rows_quarantined:,} set aside + {trial.rows_duplicate:,} duplicate"
        f" + {trial.rows_excluded:,} left out"
    )
    for reason, number in trial.excluded.items():
        console.out(f"left out    {number:,} by {reason}")
    feeds = ", ".join(f"{feed} {number:,}" for feed, number in trial.feeds.items())
    console.out(f"feeds       {feeds}")
    if trial.first_at:
        console.out(f"from        {trial.first_at} to {trial.last_at} (UTC)")
    if trial.looked_up:
        console.out(f"looked up   {trial.looked_up}")
    if trial.unknown_columns:
        console.out(f"unknown     {', '.join(trial.unknown_columns)}: not read by the format")
    if report.missing:
        console.out(f"missing     {', '.join(report.missing)}: optional, not in the file")
    _print_problems(trial)


def _print_problems(trial: Trial) -> None:
    rows = [
        (p["line_number"], p["row_number"], p["column"], p["value"], p["message"], p["reason"])
        for p in _problems(trial)
    ]
    if rows:
        console.out()
        console.table(["line", "row", "column", "value", "what is wrong", "kind"], rows)
        for reason in dict.fromkeys(row[5] for row in rows):
            console.out(
                f"{reason}: {_DO.get(reason, 'See docs/feeds.md for what may stand there.')}"
            )


def _problems(trial: Trial) -> list[dict[str, Any]]:
    """The first problems by line; lines that only follow a bad one come last."""
    found = trial.problems
    if found.is_empty():
        return []
    along = found["reason"] == "order_incomplete"
    ordered = found.with_columns(_along=along).sort("_along", "line_number", "column")
    return ordered.drop("_along").head(_SHOWN).to_dicts()


def _document(report: Report) -> dict[str, Any]:
    trial = report.trial
    return {
        "file": str(report.path),
        "source": report.source,
        "format": report.files.format_name,
        "verdict": report.verdict or "clean",
        **{name: getattr(trial, name) for name in _TOLD},
        "missing_columns": report.missing,
        "problems": [
            {**problem, "do_this": _DO.get(problem["reason"], "")} for problem in _problems(trial)
        ],
    }

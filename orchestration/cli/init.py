"""`kpi init`: from a folder of exports to a proposed shop.yml, each guess told and weighed."""

from __future__ import annotations

import logging
import os
import re
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from orchestration.cli.console import console
from orchestration.config import settings
from orchestration.config.calendar import country_of
from orchestration.config.sections import Build
from orchestration.errors import ExitCode, KpiError

if TYPE_CHECKING:
    from ingestion.recognise.proposal import Proposal
    from ingestion.recognise.render import Written

log = logging.getLogger("kpi")
_HEAD = """\
# Proposed by `kpi init`. Each guess says how sure it is (certain, likely, unsure) and why; what
# only you can know says FILL_IN, and nothing runs before it is replaced. Lines that begin with #|
# are switched off: they may be something else altogether.
# Paths are patterns below data/inbox/. `kpi doctor` checks this file without loading anything;
# shop.example.yml explains every key.
"""
_TAIL = """
# More sections (alerts, privacy, publish) have defaults; shop.example.yml explains them.
"""


@dataclass(frozen=True)
class Asked:
    """What the command line asked for; empty where it said nothing."""

    folder: Path
    out: Path | None = None
    name: str = ""
    currency: str = ""
    timezone: str = ""
    platform: str = ""
    copy: bool = False


def propose(asked: Asked) -> None:
    """Look at a folder, write the proposal, print what was found and what is left to answer.

    Raises:
        KpiError: the folder does not exist or is empty, or an option is not valid.
    """
    from ingestion.recognise import Told, propose_shop, write

    _check(asked)
    inbox = settings.Paths(settings.data_home()).inbox
    told = Told(asked.name, asked.currency, asked.timezone, asked.platform)
    prefix = _prefix(asked.folder, inbox)
    with console.progress():
        proposal = propose_shop(
            asked.folder, told, prefix=prefix, progress=log.info, memory_mib=Build().file_mib()
        )
    if not proposal.sources and not proposal.unread:
        raise KpiError("holds no files", str(asked.folder), "Name another.", ExitCode.USAGE)
    written = write(proposal, _HEAD)
    target, instead = _target(asked.out)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(written.text + _calendar(proposal.shop) + _TAIL, encoding="utf-8")
    copied = _copy(asked.folder, inbox, prefix) if asked.copy else 0
    _report(proposal, written, target)
    _say_where(asked.folder, inbox, prefix, copied, instead)
    console.document(_document(proposal, written, target, copied))


def _calendar(shop: dict[str, Any]) -> str:
    """Section `calendar`, as the reporting zone has it; a comment where that names no country."""
    zone = str(shop.get("timezone"))
    country = country_of(zone)
    if country is None:
        return (
            "\n# calendar: {country: DE} # whose holidays and sales days act: the zone names none\n"
        )
    return (
        f"\ncalendar:\n  country: {country} # likely: of {zone}; its holidays and sales days act."
        " Your own: add, remove\n"
    )


def _check(asked: Asked) -> None:
    if not asked.folder.is_dir():
        raise KpiError(
            "is not a folder", str(asked.folder), "Name a folder of exports.", ExitCode.USAGE
        )
    if asked.currency and not re.fullmatch(r"[A-Z]{3}", asked.currency):
        raise KpiError(
            f"{asked.currency!r} is no currency", "--currency", "Write EUR.", ExitCode.USAGE
        )
    if asked.timezone and asked.timezone not in available_timezones():
        raise KpiError(
            f"{asked.timezone!r} is no time zone",
            "--timezone",
            "Write one like Europe/Berlin.",
            ExitCode.USAGE,
        )


def _prefix(folder: Path, inbox: Path) -> str:
    """Folder below the inbox that the files have, or will have once they are there."""
    real, root = folder.resolve(), inbox.resolve()
    if real.is_relative_to(root):
        below = real.relative_to(root).as_posix()
        return "" if below == "." else below
    return real.name if any(path.is_file() for path in real.iterdir()) else ""


def _target(out: Path | None) -> tuple[Path, Path | None]:
    """Return where to write, and the file that stands where it should have been, if one does."""
    wanted = out or settings.data_home() / "shop.yml"
    if not wanted.exists():
        return wanted, None
    number, target = 1, wanted.with_name("shop.proposed.yml")
    while target.exists():
        number += 1
        target = wanted.with_name(f"shop.proposed.{number}.yml")
    return target, wanted


def _copy(folder: Path, inbox: Path, prefix: str) -> int:
    """Copy the files into the inbox as the paths of the proposal say; known ones are left alone."""
    from ingestion.recognise.grouping import files_below

    if folder.resolve().is_relative_to(inbox.resolve()):
        return 0
    copied = 0
    for path in files_below(folder):
        target = inbox / prefix / path.relative_to(folder)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f".{target.name}.part")
            shutil.copyfile(path, draft)
            written = path.stat()
            os.utime(draft, ns=(written.st_atime_ns, written.st_mtime_ns))
            draft.replace(target)
            copied += 1
    return copied


def _report(proposal: Proposal, written: Written, target: Path) -> None:
    rows = [
        (
            reading.group.glob,
            len(reading.group.outlines),
            f"{reading.format_name} ({' + '.join(reading.feeds)})",
            f"{reading.sure}{', switched off' if reading.is_doubtful else ''}",
            reading.trial.told,
        )
        for source in proposal.sources
        for reading in source.readings
    ]
    console.table(["files", "n", "read as", "sure", "tried"], rows)
    if proposal.unread:
        from ingestion.recognise.render import unread_told

        console.out()
        console.heading(f"not read: {sum(len(one.paths) for one in proposal.unread)} files")
        for one in proposal.unread:
            console.out(f"  {unread_told(one)}")
    console.out()
    console.heading(f"{len(written.questions)} questions to answer in {target}")
    for number, question in enumerate(written.questions, start=1):
        console.out(f"  {number}. line {question.line}, {question.key}: {question.text}")
        for option in question.options:
            console.out(f"       {option}")


def _say_where(folder: Path, inbox: Path, prefix: str, copied: int, instead: Path | None) -> None:
    console.out()
    if instead:
        console.out(f"{instead} is left as it is; compare, and rename the proposal if you want it")
    if copied:
        console.out(f"{copied} files were copied to {inbox}")
    elif not folder.resolve().is_relative_to(inbox.resolve()):
        below = inbox / prefix if prefix else inbox
        console.out(f"the paths are those below {inbox}: copy the files to {below} (or --copy)")
    kpi = settings.command_line()
    console.out(f"next: {kpi} doctor (checks, loads nothing), then {kpi} run")


def _document(proposal: Proposal, written: Written, target: Path, copied: int) -> dict[str, Any]:
    from ingestion.recognise.render import entry

    return {
        "written": str(target),
        "copied": copied,
        "shop": proposal.shop,
        "sources": [
            {
                "name": source.name,
                **source.values,
                "notes": [asdict(note) for note in source.notes],
                "files": [
                    {
                        **entry(reading),
                        "format_name": reading.format_name,
                        "feeds": reading.feeds,
                        "sure": reading.sure,
                        "why": reading.why,
                        "is_doubtful": reading.is_doubtful,
                        "files": len(reading.group.outlines),
                        "rows_read": reading.trial.rows_read,
                        "rows_quarantined": reading.trial.rows_quarantined,
                        "notes": [asdict(note) for note in reading.notes],
                    }
                    for reading in source.readings
                ],
            }
            for source in proposal.sources
        ],
        "not_read": [
            {"path": one.glob, "files": len(one.paths), "why": one.why, "do_this": one.do_this}
            for one in proposal.unread
        ],
        "questions": [asdict(question) for question in written.questions],
    }

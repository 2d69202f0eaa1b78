"""Errors people can act on: what, where, why, and what to do. Each kind has its own exit code.

Belongs here: the error, its codes, and the checks of a word somebody gave that end in one.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import IntEnum
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger("kpi")


class ExitCode(IntEnum):
    """Exit codes of the `kpi` command."""

    OK = 0
    BUG = 1
    USAGE = 2
    CONFIG = 3
    INPUT_REJECTED = 4
    GATE_FAILED = 5
    ALERT_FIRED = 6
    LOCK_HELD = 7


@dataclass
class KpiError(Exception):
    """An error with a cause the user can mend.

    Attributes:
        what: what went wrong, one sentence.
        where: file, key or command it went wrong at.
        do_this: what to do about it.
        code: exit code of the command line.
    """

    what: str
    where: str = ""
    do_this: str = ""
    code: ExitCode = ExitCode.BUG

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.what}" + (f"\n  {self.do_this}" if self.do_this else "")


def config_error(what: str, where: str, do_this: str) -> KpiError:
    """A `KpiError` with the exit code of an invalid configuration."""
    return KpiError(what, where, do_this, ExitCode.CONFIG)


def disk_full(folder: Path) -> KpiError:
    """A `KpiError` for a disk without room; nothing that was there before is lost."""
    return KpiError(
        "the disk is full",
        str(folder),
        "Make room and run again: what was landed stays, what was not is landed then.",
        ExitCode.CONFIG,
    )


def attempt(work: Callable[[], T]) -> T | None:
    """Do one of several things that stand alone: what it raises is logged and holds back no other.

    Returns:
        What the work returns; None where it failed.
    """
    try:
        return work()
    except Exception as error:  # whatever ended one of them, the others are still to be done
        log.warning("%s: %s", type(error).__name__, str(error).partition("\n")[0])
        return None


def write_trace(error: BaseException, folder: Path) -> Path:
    """Write the traceback of an error into a folder of logs; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"error_{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    file.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return file


def day_of(text: str, option: str = "--date") -> date:
    """The day an option names.

    Raises:
        KpiError: it is not an ISO date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise KpiError(
            f"{text!r} is not a day", option, "Write YYYY-MM-DD.", ExitCode.USAGE
        ) from None


def allowed(option: str, value: str, known: Sequence[str]) -> None:
    """Check a name against the known ones.

    Raises:
        KpiError: it is none of them; a near one is suggested.
    """
    if value not in known:
        from difflib import get_close_matches

        near = get_close_matches(value, known, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise KpiError(
            f"{value!r} is not known", option, f"{hint}One of {', '.join(known)}.", ExitCode.USAGE
        )

"""Errors people can act on: what, where, why, and what to do. Each kind has its own exit code.

Belongs here: the error, its codes, and the checks of a word somebody gave that end in one.
"""

from __future__ import annotations

import logging
import re
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
    UNDELIVERED = 8


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


def disk_full(folder: Path, needed_mib: int = 0, free_mib: int = 0) -> KpiError:
    """A `KpiError` for a disk without room; nothing that was there before is lost.

    Args:
        folder: what is on it.
        needed_mib: MiB that a run needs, where that is known.
        free_mib: MiB that are free.
    """
    missing = needed_mib - free_mib
    told = f": {free_mib:,} MiB are free, a run needs {needed_mib:,}, {missing:,} are missing"
    return KpiError(
        "the disk is full" + (told if missing > 0 else ""),
        str(folder),
        "Make room and run again: what was landed stays, what was not is landed then.",
        ExitCode.CONFIG,
    )


def memory_full(folder: Path) -> KpiError:
    """A `KpiError` for a build that fits neither into its memory nor into its part of the disk."""
    return KpiError(
        "the build needs more memory, and more of the disk to spill to, than it may take",
        str(folder),
        "Raise memory_limit or spill_limit in section build of shop.yml, or free some space"
        " there; what was published stands.",
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
        log.warning("%s", words_of(error).partition("\n")[0])
        return None


_OWN = ("orchestration", "ingestion", "dashboards", "models")
_ENGINES = ("duckdb", "_duckdb", "polars", "pandera", "pandas", "sqlite3", "sqlalchemy", "dbt")
_ENGINE_SAYS = re.compile(r"^(\s*[\w ]+ Error):.*", re.DOTALL | re.MULTILINE)
_QUOTED = re.compile(r"(?<!\w)(['\"`]).*?\1", re.DOTALL)


def find_error(error: BaseException | None) -> KpiError | None:
    """The `KpiError` an exception was caused by, if any; Dagster wraps what steps raise."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, KpiError):
            return error
        seen.add(id(error))
        error = error.__cause__ or getattr(error, "user_exception", None) or error.__context__
    return None


def is_of_engine(error: BaseException) -> bool:
    """Whether an engine raised it, whose words may quote cells of rows."""
    return type(error).__module__.partition(".")[0] in _ENGINES


def words_of(error: BaseException) -> str:
    """What may be kept and shown of an error: engines, and Python, quote cells of rows in theirs.

    Errors of this project say all they say, and of files what the system does; an engine's error
    is its kind alone, any other says nothing that it quotes.
    """
    room = type(error).__module__.partition(".")[0]
    name = type(error).__name__
    if room in _OWN or isinstance(error, OSError):
        return str(error) or name
    if is_of_engine(error):
        return name
    return f"{name}: {_QUOTED.sub('...', str(error))}"


def without_values(said: str) -> str:
    """The words of an engine, as another program passes them on, up to the kind of the error."""
    return _ENGINE_SAYS.sub(r"\1: what it says may quote rows and is not kept", said, count=1)


def _trace(error: BaseException) -> str:
    """A traceback and those of its causes, the first cause first, without values of rows."""
    parts: list[str] = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        parts.append("".join(traceback.format_tb(at.__traceback__)) + words_of(at))
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return "\n\nwhich led to:\n\n".join(reversed(parts)) + "\n"


def write_trace(error: BaseException, folder: Path) -> Path:
    """Write the traceback of an error into a folder of logs; returns the file."""
    folder.mkdir(0o700, parents=True, exist_ok=True)
    file = folder / f"error_{datetime.now(UTC):%Y%m%dT%H%M%S%f}.log"
    file.write_text(_trace(error), encoding="utf-8")
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

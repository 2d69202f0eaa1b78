"""What ingestion says when it cannot go on: always what, where, why and what to do.

Belongs here: exceptions of the ingestion room. Does not belong here: exit codes, printing, alerts.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class Need(NamedTuple):
    """Rates that a file depends on: a currency and the first and last day of its rows."""

    currency: str
    first: date
    last: date


class IngestionError(Exception):
    """A refusal that a shop's owner can act on.

    Args:
        what: what is wrong, with the offending value where it is not personal.
        where: file and row, or key path in shop.yml.
        why: why that matters, may be empty.
        do_this: what to do about it.
    """

    def __init__(self, what: str, where: str = "", why: str = "", do_this: str = "") -> None:
        self.what, self.where, self.why, self.do_this = what, where, why, do_this
        super().__init__(str(self))

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        head += "." if (self.why or self.do_this) and not head.endswith(".") else ""
        return " ".join(part for part in (head, self.why, self.do_this) if part)


class MappingError(IngestionError):
    """shop.yml or a format says something that cannot be carried out."""


class FileRejected(IngestionError):  # noqa: N818 - it happened to the file, not in the program
    """An export is not landed at all; nothing of it was written."""

    needs: tuple[Need, ...] = ()
    """Rates its amounts depend on: with others it may be accepted."""
    remembered: str = ""
    """The same with the keys that it looked up, as the ledger keeps them; empty for none."""


class FileChanging(FileRejected):
    """An export that is still being written: no fault, it is read in a later run."""

"""State that cannot be derived: files, manifests, key fingerprint, tombstones, closed months.

Lives in `data/state/state.sqlite`, is never rebuilt and never rolled back; besides landing it is
what a backup must hold.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_SCHEMA = """
create table if not exists files (
    batch_id text primary key, source text not null, source_file text not null,
    content text not null, mapping text not null, format text not null, feeds text not null,
    status text not null check (
        status in ('landed', 'rejected', 'superseded', 'refused', 'expired')),
    seq integer not null, rows_read integer not null, rows_landed integer not null,
    rows_quarantined integer not null, rows_duplicate integer not null,
    rows_excluded integer not null, unknown_columns text not null, message text not null,
    first_at text, last_at text, landed_at text not null
);
create index if not exists files_by_content on files (source, content);
create table if not exists converted (
    delivery text primary key, batch_id text not null, needs text not null
);
create table if not exists renamed (source text primary key, identity text not null);
create table if not exists renames (source text not null, called text not null, at text not null);
create table if not exists digests (
    batch_id text not null, feed text not null, sha256 text not null, primary key (batch_id, feed)
);
create table if not exists meta (key text primary key, value text not null);
create table if not exists manifests (path text primary key, entries text not null);
create table if not exists sent_alerts (key text primary key, sent_at text not null);
create table if not exists tombstones (mark text primary key, replacement text not null);
create table if not exists closed_months (
    month_start text not null, platform text not null, told text not null,
    primary key (month_start, platform)
);
create table if not exists reopened_months (
    month_start text not null, platform text not null, told text not null, reason text not null,
    at text not null
);
"""
# What was told of a source stays told under its new name. The keys of news about sources are
# `gap|<source>|...` and `lookup|<kind>|<source>|...`.
_BEFORE_SOURCE = """
case
    when key like 'gap|%' then 'gap|'
    when key like 'lookup|%' then substr(key, 1, 7 + instr(substr(key, 8), '|'))
end
"""
_TOLD_OF = f"""
update or replace sent_alerts
set key = {_BEFORE_SOURCE} || :new || substr(key, length({_BEFORE_SOURCE} || :old) + 1)
where substr(key, length({_BEFORE_SOURCE}) + 1, length(:old) + 1) = :old || '|'
"""
# A ledger made before batches could expire refuses the word: SQLite cannot change a check.
_RENAMED = """
begin immediate;
drop index if exists files_by_content;
alter table files rename to files_before;
"""
_REFILLED = """
insert into files select * from files_before;
drop table files_before;
commit;
"""


@dataclass(frozen=True)
class FileRecord:
    """One file of the inbox as the ledger knows it; counts are rows of the file.

    Attributes:
        content: what the file is whatever its mapping: sha256 and, if it has one, export instant.
        mapping: fingerprint of how it was read.
        feeds: feed -> rows landed.
    """

    batch_id: str
    source: str
    source_file: str
    content: str
    mapping: str
    format: str
    feeds: dict[str, int] = field(default_factory=dict)
    status: str = "landed"
    rows_read: int = 0
    rows_landed: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    rows_excluded: int = 0
    unknown_columns: tuple[str, ...] = ()
    message: str = ""
    first_at: datetime | None = None
    last_at: datetime | None = None


class State:
    """The state database of a data folder; one short transaction a call."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "state.sqlite"
        with self.connect() as con:
            made = con.execute("select sql from sqlite_master where name = 'files'").fetchone()
            if made and "'expired'" not in made["sql"]:
                con.executescript(_RENAMED + _SCHEMA + _REFILLED)
            con.executescript(_SCHEMA)

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """One transaction, for modules of the ledger with tables of their own."""
        con = sqlite3.connect(self._path, timeout=30)
        con.row_factory = sqlite3.Row
        con.execute("pragma synchronous = full")
        try:
            with con:
                yield con
        finally:
            con.close()

    def next_sequence(self) -> int:
        """A number larger than any given before, close to now in microseconds."""
        with self.connect() as con:
            return self._next_sequence(con)

    @staticmethod
    def _next_sequence(con: sqlite3.Connection) -> int:
        row = con.execute("select value from meta where key = 'sequence'").fetchone()
        sequence = max(int(row["value"]) + 1 if row else 0, time.time_ns() // 1000)
        con.execute("insert or replace into meta values ('sequence', ?)", (str(sequence),))
        return sequence

    def record(self, file: FileRecord) -> None:
        """Write a file into the ledger; what it is known by otherwise stays as it is.

        A file that lands supersedes what was refused under its name: it came again, whole.
        """
        with self.connect() as con:
            sequence = self._next_sequence(con)
            if file.status == "landed":
                con.execute(
                    "update files set status = 'superseded', seq = ? where source = ?"
                    " and source_file = ? and content <> ? and status = 'refused'",
                    (sequence, file.source, file.source_file, file.content),
                )
            values = (
                file.batch_id, file.source, file.source_file, file.content, file.mapping,
                file.format, json.dumps(file.feeds), file.status, sequence, file.rows_read,
                file.rows_landed, file.rows_quarantined, file.rows_duplicate, file.rows_excluded,
                ", ".join(file.unknown_columns), file.message, _text(file.first_at),
                _text(file.last_at), _text(datetime.now(UTC)),
            )  # fmt: skip
            con.execute("delete from digests where batch_id = ?", (file.batch_id,))
            marks = ", ".join("?" * len(values))
            con.execute(f"insert or replace into files values ({marks})", values)

    def supersede(self, batch_ids: Collection[str]) -> None:
        """Let landed or refused batches count no more: their files are known as others now."""
        with self.connect() as con:
            sequence = self._next_sequence(con)
            con.executemany(
                "update files set status = 'superseded', seq = ? where batch_id = ?"
                " and status in ('landed', 'refused')",
                [(sequence, batch_id) for batch_id in batch_ids],
            )

    def announce(self, manifests: Mapping[str, list[dict[str, Any]]]) -> None:
        """Remember what manifests say, by path; what the same ones said before is forgotten."""
        with self.connect() as con:
            con.executemany(
                "insert or replace into manifests values (?, ?)",
                [(path, json.dumps(entries)) for path, entries in manifests.items()],
            )

    def announcements(self) -> dict[str, list[dict[str, Any]]]:
        """What all manifests say, by their paths."""
        with self.connect() as con:
            rows = con.execute("select path, entries from manifests order by path").fetchall()
        return {row["path"]: json.loads(row["entries"]) for row in rows}

    def remember_rates(self, delivery: str, batch_id: str, needs: str) -> None:
        """Remember under which batch a delivery with foreign amounts was landed last.

        Args:
            delivery: batch id it would have without rates.
            batch_id: batch id under the rates it was landed with.
            needs: the rates it depends on, as `ingestion.rows.rates` writes them.
        """
        with self.connect() as con:
            con.execute(
                "insert or replace into converted values (?, ?, ?)", (delivery, batch_id, needs)
            )

    def converted(self) -> dict[str, tuple[str, str]]:
        """Delivery -> (batch id, needs) of every file with foreign amounts."""
        with self.connect() as con:
            rows = con.execute("select delivery, batch_id, needs from converted").fetchall()
        return {row["delivery"]: (row["batch_id"], row["needs"]) for row in rows}

    def reject(self, batch_id: str) -> bool:
        """Withdraw a batch from all later builds; False if there is no such landed batch."""
        with self.connect() as con:
            done = con.execute(
                "update files set status = 'rejected', seq = ? where batch_id = ?"
                " and status = 'landed'",
                (self._next_sequence(con), batch_id),
            )
            return done.rowcount == 1

    def expire(self, batch_id: str) -> None:
        """Say that the rows of a batch are gone; a landed one changes what the marts are made of.

        Only a batch that counted gets a new sequence: of the others no build held a row.
        """
        with self.connect() as con:
            con.execute(
                "update files set status = 'expired',"
                " seq = case when status = 'landed' then ? else seq end where batch_id = ?",
                (self._next_sequence(con), batch_id),
            )

    def identities(self) -> dict[str, str]:
        """Source -> the name it was first landed under, of sources that were renamed."""
        with self.connect() as con:
            rows = con.execute("select source, identity from renamed").fetchall()
        return {row["source"]: row["identity"] for row in rows}

    def renamed_since(self, instant: datetime) -> list[tuple[str, str]]:
        """Old and new name of the sources that were renamed after an instant (UTC), in order."""
        with self.connect() as con:
            rows = con.execute(
                "select source, called from renames where at > ? order by rowid",
                (_text(instant),),
            ).fetchall()
        return [(row["source"], row["called"]) for row in rows]

    def rename(self, old: str, new: str) -> None:
        """Let the ledger call a source otherwise, which keeps its identity; ends the rename."""
        with self.connect() as con:
            identity = con.execute(
                "select coalesce((select identity from renamed where source = ?), ?)", (old, old)
            ).fetchone()[0]
            con.execute("delete from renamed where source = ?", (old,))
            if identity != new:
                con.execute("insert or replace into renamed values (?, ?)", (new, identity))
            con.execute("update files set source = ? where source = ?", (new, old))
            con.execute(_TOLD_OF, {"old": old, "new": new})
            con.execute(
                "insert into renames values (?, ?, ?)", (old, new, _text(datetime.now(UTC)))
            )
            con.execute("delete from meta where key = 'rename_under_way'")

    def digests(self) -> dict[tuple[str, str], str]:
        """(batch, feed) -> sha256 of its landed file."""
        with self.connect() as con:
            rows = con.execute("select batch_id, feed, sha256 from digests").fetchall()
        return {(row["batch_id"], row["feed"]): row["sha256"] for row in rows}

    def remember_digests(self, digests: Mapping[tuple[str, str], str]) -> None:
        """Remember what landed files hold, in the place of what they held before."""
        with self.connect() as con:
            con.executemany(
                "insert or replace into digests values (?, ?, ?)",
                [(*key, sha256) for key, sha256 in digests.items()],
            )

    def forget_digest(self, batch_id: str, feed: str) -> None:
        """Forget what a landed file held, before it is written anew."""
        with self.connect() as con:
            con.execute("delete from digests where batch_id = ? and feed = ?", (batch_id, feed))

    def tombstones(self) -> dict[str, str]:
        """Mark of every erased pseudonym -> the one in its place."""
        with self.connect() as con:
            rows = con.execute("select mark, replacement from tombstones").fetchall()
        return {row["mark"]: row["replacement"] for row in rows}

    def bury(self, replacements: Mapping[str, str]) -> None:
        """Remember erased pseudonyms by their marks; one that is known keeps its replacement."""
        with self.connect() as con:
            con.executemany(
                "insert or ignore into tombstones values (?, ?)", list(replacements.items())
            )

    def closed_months(self) -> list[dict[str, str | None]]:
        """What `fct_month_close` said of each month and platform in the run that closed it."""
        with self.connect() as con:
            rows = con.execute("select told from closed_months order by month_start, platform")
            return [json.loads(row["told"]) for row in rows]

    def close_months(self, months: Iterable[Mapping[str, str | None]]) -> None:
        """Keep months that are closed, as text; those that were closed before stay as they are."""
        with self.connect() as con:
            con.executemany(
                "insert or ignore into closed_months values (?, ?, ?)",
                [(one["month_start"], one["platform"], json.dumps(one)) for one in months],
            )

    def reopen_month(self, month_start: str, platform: str, reason: str) -> list[dict[str, Any]]:
        """Let the next run close a month anew; what it was closed with is kept beside the reason.

        Args:
            month_start: its first day, as 2026-07-01.
            platform: of which platform; empty: of all.
            reason: why, in the words of who asks.

        Returns:
            What it was closed with, a platform each; empty if no run has closed it.
        """
        chosen = "month_start = ? and ? in (platform, '')"
        with self.connect() as con:
            rows = con.execute(
                f"select told from closed_months where {chosen} order by platform",
                (month_start, platform),
            ).fetchall()
            con.execute(
                "insert into reopened_months select month_start, platform, told, ?, ?"
                f" from closed_months where {chosen}",
                (reason, _text(datetime.now(UTC)), month_start, platform),
            )
            con.execute(f"delete from closed_months where {chosen}", (month_start, platform))
        return [json.loads(row["told"]) for row in rows]

    def reopened_months(self) -> list[dict[str, str | None]]:
        """What months were closed with before each reopening, with its reason and instant."""
        with self.connect() as con:
            rows = con.execute("select rowid, * from reopened_months order by rowid").fetchall()
        return [
            {**json.loads(row["told"]), "reason": row["reason"], "reopened_at": row["at"],
             "reopening_number": str(row["rowid"])}
            for row in rows
        ]  # fmt: skip

    def files(self) -> list[dict[str, Any]]:
        """The whole ledger, oldest change first; `feeds` as a dict feed -> landed rows."""
        with self.connect() as con:
            rows = con.execute("select * from files order by seq, batch_id").fetchall()
        return [{**dict(row), "feeds": json.loads(row["feeds"])} for row in rows]

    def statuses(self) -> dict[str, str]:
        """Batch id -> status of every file the ledger has seen."""
        return {file["batch_id"]: file["status"] for file in self.files()}

    def get(self, key: str) -> str | None:
        """A remembered value."""
        with self.connect() as con:
            row = con.execute("select value from meta where key = ?", (key,)).fetchone()
        return row["value"] if row else None

    def set(self, key: str, value: str) -> None:
        """Remember a value."""
        with self.connect() as con:
            con.execute("insert or replace into meta values (?, ?)", (key, value))

    def seen(self, key: str) -> bool:
        """Whether an alert with this key was sent."""
        with self.connect() as con:
            return (
                con.execute("select 1 from sent_alerts where key = ?", (key,)).fetchone()
                is not None
            )

    def mark(self, key: str, sent_at: datetime) -> None:
        """Remember that an alert was sent."""
        with self.connect() as con:
            con.execute("insert or ignore into sent_alerts values (?, ?)", (key, _text(sent_at)))


def _text(instant: datetime | None) -> str | None:
    return instant.replace(tzinfo=None).isoformat(sep=" ") if instant else None

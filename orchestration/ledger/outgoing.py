"""Messages on their way: what waits for which channel, and how it ended.

Belongs here: the queue in `data/state`. When and how often is tried is decided in
`orchestration.alerting.delivery`. Channels are known by a fingerprint, never by their address.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration.ledger.state import State

_SCHEMA = """
create table if not exists outgoing (
    id integer primary key, message text not null, channel text not null,
    incident_id text not null, severity text not null, subject text not null, body text not null,
    queued_at text not null, due_at text not null, claimed_until text, tries integer not null,
    status text not null check (
        status in ('waiting', 'held', 'sent', 'refused', 'dead', 'in_digest')),
    reason text not null, done_at text, unique (message, channel)
);
create index if not exists outgoing_by_status on outgoing (status, channel);
create table if not exists channels (
    channel text primary key, label text not null, failures integer not null, next_at text,
    reason text not null
);
"""
KEPT = timedelta(days=35)
_RANKED = "case severity when 'critical' then 0 when 'high' then 1 when 'medium' then 2 else 3 end"


@dataclass(frozen=True)
class Letter:
    """A message to a channel.

    Attributes:
        message: what it is known by in every try and on every channel.
        body: the message as JSON.
        keys: news it holds; a channel that has had all of them does not get it.
        before: keys by which an earlier version knew the same news; one is enough.
        due_at: not to be sent before, UTC.
    """

    message: str
    channel: str
    incident_id: str
    severity: str
    subject: str
    body: str
    due_at: datetime
    keys: tuple[str, ...] = ()
    before: tuple[str, ...] = ()


class Outgoing:
    """The queue of a data folder; one short transaction a call, instants in UTC."""

    def __init__(self, state: State) -> None:
        self._state = state
        with state.connect() as con:
            con.executescript(_SCHEMA)

    def put(
        self, letters: Collection[Letter], now: datetime, instead_of: Collection[int] = ()
    ) -> list[Letter]:
        """Queue what its channel has not had; all or nothing.

        Args:
            letters: what to send.
            now: the instant.
            instead_of: held letters that a digest among the new ones tells.

        Returns:
            The letters that are new.
        """
        with self._state.connect() as con:
            new = [letter for letter in letters if _put(con, letter, now)]
            if new:
                con.executemany(
                    "update outgoing set status = 'in_digest', done_at = ? where id = ?",
                    [(_at(now), one) for one in instead_of],
                )
            con.execute(
                "delete from outgoing where done_at < ? and status not in ('waiting', 'held')",
                (_at(now - KEPT),),
            )
        return new

    def due(self, now: datetime, *, all_of_them: bool = False) -> list[dict[str, Any]]:
        """What waits and is to be sent now, the oldest first; or all that waits."""
        with self._state.connect() as con:
            rows = con.execute(
                "select * from outgoing where status = 'waiting'"
                " and (? or (due_at <= ? and coalesce(claimed_until, '') <= ?)) order by id",
                (all_of_them, _at(now), _at(now)),
            ).fetchall()
        return [dict(row) for row in rows]

    def claim(self, letter: int, now: datetime, lease: timedelta) -> bool:
        """Take a letter for one try, so that no other process sends it at the same time.

        A process that is killed leaves it claimed until the lease ends.
        """
        with self._state.connect() as con:
            done = con.execute(
                "update outgoing set claimed_until = ?, tries = tries + 1 where id = ?"
                " and status = 'waiting' and coalesce(claimed_until, '') <= ?",
                (_at(now + lease), letter, _at(now)),
            )
            return done.rowcount == 1

    def end(self, letter: int, status: str, now: datetime, reason: str = "") -> None:
        """A letter was sent, refused, given up or put into a digest."""
        with self._state.connect() as con:
            con.execute(
                "update outgoing set status = ?, reason = ?, done_at = ?, claimed_until = null"
                " where id = ?",
                (status, reason, _at(now), letter),
            )

    def postpone(self, letter: int, due_at: datetime, reason: str) -> None:
        """A letter was not taken and is to be tried again."""
        with self._state.connect() as con:
            con.execute(
                "update outgoing set due_at = ?, reason = ?, claimed_until = null where id = ?",
                (_at(due_at), reason, letter),
            )

    def hold(self, letters: Collection[int]) -> None:
        """Keep letters for a digest."""
        with self._state.connect() as con:
            con.executemany(
                "update outgoing set status = 'held' where id = ?", [(one,) for one in letters]
            )

    def give_up(self, channel: str, before: datetime, now: datetime, reason: str) -> int:
        """Declare dead what was queued, and due, before an instant and still waits."""
        with self._state.connect() as con:
            done = con.execute(
                "update outgoing set status = 'dead', done_at = ?, claimed_until = null,"
                " reason = case when reason = '' then ? else reason end"
                " where status = 'waiting' and channel = ? and queued_at <= ? and due_at <= ?",
                (_at(now), reason, channel, _at(before), _at(now)),
            )
            return done.rowcount

    def revive(self, now: datetime) -> None:
        """Let everything be tried at once again, what was given up or refused too."""
        with self._state.connect() as con:
            con.execute(
                "update outgoing set status = 'waiting', due_at = ?, queued_at = ?, done_at = null,"
                " claimed_until = null where status in ('dead', 'refused', 'waiting')",
                (_at(now), _at(now)),
            )
            con.execute("update channels set next_at = null")

    def held(self, channel: str = "") -> list[dict[str, Any]]:
        """Letters of a channel (of all) that wait for a digest, the gravest first."""
        with self._state.connect() as con:
            rows = con.execute(
                "select * from outgoing where status = 'held' and ? in ('', channel)"
                f" order by {_RANKED}, id",
                (channel,),
            ).fetchall()
        return [dict(row) for row in rows]

    def count_sent(self, channel: str, since: datetime) -> int:
        """Letters that a channel took since an instant, digests and critical ones left out."""
        with self._state.connect() as con:
            row = con.execute(
                "select count(*) from outgoing where status = 'sent' and channel = ?"
                " and done_at >= ? and severity <> 'critical' and incident_id <> 'digest'",
                (channel, _at(since)),
            ).fetchone()
        return int(row[0])

    def waits(self) -> dict[str, tuple[int, datetime | None]]:
        """Channel -> failures in a row, and the instant before which it is not tried."""
        with self._state.connect() as con:
            rows = con.execute("select channel, failures, next_at from channels").fetchall()
        return {row["channel"]: (row["failures"], _read(row["next_at"])) for row in rows}

    def note(
        self, channel: str, label: str, failures: int, next_at: datetime | None, reason: str
    ) -> None:
        """Remember how a channel fares."""
        with self._state.connect() as con:
            con.execute(
                "insert or replace into channels values (?, ?, ?, ?, ?)",
                (channel, label, failures, next_at and _at(next_at), reason),
            )

    def undelivered(self, now: datetime) -> list[dict[str, Any]]:
        """What was tried in vain or stands behind a channel that is down, and what was given up.

        What was refused or is dead is in it for 35 days; `is_recent` says whether it became so in
        the last 24 hours or still waits.
        """
        with self._state.connect() as con:
            rows = con.execute(
                "select incident_id, subject, coalesce(label, 'channel not tried') as channel,"
                " status, tries, queued_at, due_at, done_at,"
                " case when outgoing.reason = '' then coalesce(channels.reason, '')"
                "  else outgoing.reason end as reason,"
                " status = 'waiting' or done_at > ? as is_recent"
                " from outgoing left join channels using (channel)"
                " where status in ('refused', 'dead')"
                " or (status = 'waiting' and (tries > 0 or coalesce(failures, 0) > 0))"
                " order by id",
                (_at(now - timedelta(days=1)),),
            ).fetchall()
        return [{**dict(row), "is_recent": bool(row["is_recent"])} for row in rows]

    def of(self, incident_id: str) -> list[dict[str, Any]]:
        """All letters about an incident, the oldest first."""
        with self._state.connect() as con:
            rows = con.execute(
                "select outgoing.*, coalesce(label, 'channel not tried') as label from outgoing"
                " left join channels using (channel)"
                " where incident_id = ? or incident_id = 'outage-' || ? order by id",
                (incident_id, incident_id),
            ).fetchall()
        return [dict(row) for row in rows]


def _put(con: sqlite3.Connection, letter: Letter, now: datetime) -> bool:
    def is_known(key: str) -> bool:
        named = (f"{key}|{letter.channel}",)
        return bool(con.execute("select 1 from sent_alerts where key = ?", named).fetchone())

    keys = letter.keys or (letter.message,)
    if all(map(is_known, keys)) or any(map(is_known, letter.before)):
        return False
    values: Mapping[str, Any] = {
        "message": letter.message, "channel": letter.channel, "incident_id": letter.incident_id,
        "severity": letter.severity, "subject": letter.subject, "body": letter.body,
        "queued_at": _at(now), "due_at": _at(letter.due_at), "tries": 0, "status": "waiting",
        "reason": "",
    }  # fmt: skip
    made = con.execute(
        f"insert or ignore into outgoing ({', '.join(values)})"
        f" values ({', '.join(f':{name}' for name in values)})",
        values,
    )
    con.executemany(
        "insert or ignore into sent_alerts values (?, ?)",
        [(f"{key}|{letter.channel}", _at(now)) for key in keys],
    )
    return made.rowcount == 1


def _at(instant: datetime) -> str:
    """UTC as text that sorts by time."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None

"""What was told of each incident, and what people said to it: acknowledged, muted, judged.

Belongs here: tables of `data/state`. What is told next is decided in
`orchestration.alerting.story`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

from orchestration.ledger.state import State

_SCHEMA = """
create table if not exists stories (
    incident_id text primary key, status text not null check (
        status in ('open', 'closed', 'withdrawn')),
    severity text not null, impact real, told_on text not null, events integer not null
);
create table if not exists acknowledged (
    incident_id text primary key, by text not null, at text not null
);
create table if not exists mutes (
    id integer primary key, metric text not null, platform text not null, segment text not null,
    until text not null, reason text not null, made_at text not null
);
create table if not exists feedback (
    incident_id text primary key, verdict text not null check (
        verdict in ('real', 'false', 'known_promotion')),
    note text not null, at text not null
);
"""


@dataclass(frozen=True)
class Story:
    """An incident as it was told.

    Attributes:
        status: open, closed or withdrawn: what people were told last.
        severity: the gravest that was told.
        impact: money that was told last; None of data.
        told_on: last day of the data when it was told of last.
        events: how often it was told.
    """

    incident_id: str
    status: str
    severity: str
    impact: float | None
    told_on: date
    events: int = 1


class Stories:
    """The stories of a data folder; one short transaction a call."""

    def __init__(self, state: State) -> None:
        self._state = state
        with state.connect() as con:
            con.executescript(_SCHEMA)

    def told(self) -> dict[str, Story]:
        """Incident -> what was told of it."""
        rows = self._rows("select * from stories")
        return {
            row["incident_id"]: Story(**{**row, "told_on": date.fromisoformat(row["told_on"])})
            for row in rows
        }

    def keep(self, stories: list[Story]) -> None:
        """Remember what was told, in the place of what was before."""
        with self._state.connect() as con:
            con.executemany(
                "insert or replace into stories (incident_id, status, severity, impact, told_on,"
                " events) values (:incident_id, :status, :severity, :impact, :told_on, :events)",
                [{**asdict(story), "told_on": story.told_on.isoformat()} for story in stories],
            )

    def acknowledge(self, incident_id: str, by: str) -> None:
        """Somebody looks after it."""
        with self._state.connect() as con:
            con.execute(
                "insert or replace into acknowledged values (?, ?, ?)", (incident_id, by, _now())
            )

    def acknowledged(self) -> dict[str, str]:
        """Incident -> who acknowledged it."""
        return {row["incident_id"]: row["by"] for row in self._rows("select * from acknowledged")}

    def mute(self, what: Mapping[str, str], until: date, reason: str) -> int:
        """Tell nothing of a metric, platform and segment (* is any) through a day of the data."""
        with self._state.connect() as con:
            made = con.execute(
                "insert into mutes (metric, platform, segment, until, reason, made_at)"
                " values (:metric, :platform, :segment, :until, :reason, :made_at)",
                {**what, "until": until.isoformat(), "reason": reason, "made_at": _now()},
            )
            assert made.lastrowid is not None
            return made.lastrowid

    def unmute(self, number: int) -> bool:
        """End a mute; False if there is none of this number."""
        with self._state.connect() as con:
            return con.execute("delete from mutes where id = ?", (number,)).rowcount == 1

    def mutes(self, day: date) -> list[dict[str, Any]]:
        """The mutes that hold on a day."""
        return self._rows("select * from mutes where until >= ? order by id", day.isoformat())

    def judge(self, incident_id: str, verdict: str, note: str) -> None:
        """Remember whether an alert was right."""
        with self._state.connect() as con:
            con.execute(
                "insert or replace into feedback values (?, ?, ?, ?)",
                (incident_id, verdict, note, _now()),
            )

    def verdicts(self) -> dict[str, dict[str, Any]]:
        """Incident -> verdict, note and instant of its feedback."""
        return {row["incident_id"]: row for row in self._rows("select * from feedback")}

    def _rows(self, query: str, *values: str) -> list[dict[str, Any]]:
        with self._state.connect() as con:
            return [dict(row) for row in con.execute(query, values).fetchall()]


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")

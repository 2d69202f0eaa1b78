"""`kpi alerts show|ack|mute|unmute|feedback|deliver`: what people say to alerts."""

from __future__ import annotations

import getpass
import json
from datetime import date
from typing import Any

from orchestration.build import warehouse
from orchestration.cli.console import console, fail
from orchestration.cli.published import rows_of
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError, allowed, day_of
from orchestration.ledger.outgoing import Outgoing
from orchestration.ledger.state import State
from orchestration.ledger.stories import Stories

_VERDICTS = ("real", "false", "known_promotion")
_FIND = "select * from insights.incidents where starts_with(incident_id, ?) order by incident_id"


def show_alert(incident_id: str) -> None:
    """Print an incident, all that was told of it, and what became of each message."""
    row = _incident(incident_id)
    state = _state()
    name = row["incident_id"]
    letters = Outgoing(state).of(name)
    own = {"told": Stories(state).told().get(name), "feedback": Stories(state).verdicts().get(name),
           "acknowledged_by": Stories(state).acknowledged().get(name)}  # fmt: skip
    kept = ("channel", "status", "tries", "queued", "done", "reason", "subject")
    sent = [
        dict(zip(kept, (one["label"], one["status"], one["tries"], one["queued_at"][:16],
                        (one["done_at"] or "")[:16], one["reason"], one["subject"]), strict=True))
        for one in letters
    ]  # fmt: skip
    console.document({"incident": row, **own, "messages": sent})
    console.heading(f"{name}: {row['explanation_en']}")
    for key, value in own.items():
        if value:
            console.out(f"  {key.replace('_', ' ')}: {_words(value)}")
    if sent:
        console.out()
        console.out(json.loads(letters[-1]["body"])["text"])
        console.table(list(kept), [tuple(one.values()) for one in sent])


def acknowledge(incident_id: str, by: str) -> None:
    """Say that somebody looks after an incident: it is told no more that it grows."""
    name = _incident(incident_id)["incident_id"]
    who = by or getpass.getuser()
    Stories(_state()).acknowledge(name, who)
    console.document({"incident_id": name, "acknowledged_by": who})
    console.out(f"{name} is acknowledged by {who}: told again if its severity rises, or it ends")


def judge(incident_id: str, verdict: str, note: str) -> None:
    """Remember whether an alert was right; it counts as acknowledged."""
    allowed("VERDICT", verdict, _VERDICTS)
    name = _incident(incident_id)["incident_id"]
    Stories(_state()).judge(name, verdict, note)
    console.document({"incident_id": name, "verdict": verdict, "note": note})
    console.out(f"{name}: {verdict}")


def mute(what: dict[str, str], until: str, reason: str) -> None:
    """Tell nothing of a metric, platform or segment until a day.

    Raises:
        KpiError: nothing in particular is named, or the day has passed.
    """
    end = day_of(until, "--until")
    if set(what.values()) == {"*"}:
        raise KpiError("nothing is named that is to be muted", "mute",
                       "Give --metric, --platform or --segment.", ExitCode.USAGE)  # fmt: skip
    if end < date.today():
        raise KpiError(f"{end} has passed", "--until", "Give a day to come.", ExitCode.USAGE)
    number = Stories(_state()).mute(what, end, reason)
    console.document({"mute": number, **what, "until": end})
    console.out(f"mute {number}: nothing is told of it for days of the data up to {end}")


def unmute(number: int) -> None:
    """End a mute.

    Raises:
        KpiError: there is none of this number.
    """
    if not Stories(_state()).unmute(number):
        raise KpiError(f"there is no mute {number}", "unmute", "See `kpi alerts list`.",
                       ExitCode.USAGE)  # fmt: skip
    console.document({"unmuted": number})
    console.out(f"mute {number} has ended")


def deliver(*, now: bool) -> None:
    """Send what is due; leaves with exit code 8 if something could not be delivered.

    Args:
        now: all that waits, was refused or given up, whatever its back-off.
    """
    from orchestration.alerting.delivery import deliver_due

    configured, state = settings.load(), _state()
    if now:
        from datetime import UTC, datetime

        Outgoing(state).revive(datetime.now(UTC))
    report = deliver_due(configured, state)
    rows = [(one.incident_id, one.channel, one.status, one.reason) for one in report]
    if error := undelivered(state):
        console.table(["incident", "channel", "status", "reason"], rows)
        fail(error)
    columns = ["incident", "channel", "status", "reason"]
    console.document({"messages": [dict(zip(columns, row, strict=True)) for row in rows]})
    console.table(columns, rows)
    if not rows:
        console.out("nothing is due")


def undelivered(state: State) -> KpiError | None:
    """The error of messages that wait after a failure, or were given up within a day."""
    from datetime import UTC, datetime

    rows = [row for row in Outgoing(state).undelivered(datetime.now(UTC)) if row["is_recent"]]
    if not rows:
        return None
    ways = sorted({f"{row['channel']}: {row['reason']}" for row in rows})
    return KpiError(
        f"messages not delivered: {len(rows)} ({'; '.join(ways)})",
        "alerts",
        "Later runs try again what waits; `kpi status` lists all, `kpi alerts deliver --now` tries"
        " at once. The outbox has every message.",
        ExitCode.UNDELIVERED,
    )


def _state() -> State:
    return State(settings.load().paths.state)


def _incident(incident_id: str) -> dict[str, Any]:
    """The one incident whose id begins so.

    Raises:
        KpiError: none does, or several do.
    """
    with warehouse.connect_published(settings.load().paths.current) as con:
        rows = rows_of(con.execute(_FIND, [incident_id]))
    if len(rows) != 1:
        several = "".join(f", {row['incident_id']}" for row in rows[:5])
        raise KpiError(
            f"{len(rows) or 'no'} incidents begin with {incident_id!r}{several}",
            "ID",
            "See `kpi alerts list`.",
            ExitCode.USAGE,
        )
    return rows[0]


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value['verdict']} {value['note']}".strip()
    return value if isinstance(value, str) else f"{value.status}, last on {value.told_on}"

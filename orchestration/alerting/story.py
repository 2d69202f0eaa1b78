"""What is told of an incident next: a pure function of what was told and what is known now.

States: untold, open, closed, withdrawn. Events: opened, grew, escalated, reopened (open),
closed, withdrawn. A run that finds what the last one found tells nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from orchestration.ledger.stories import Story

GROWTH = 1.5  # of the money told last, for a "still open"
RECENT = timedelta(days=1)  # before the last day of the data: what is older is history
SEVERITIES = ("low", "medium", "high", "critical")
_AFTER = {"closed": "closed", "withdrawn": "withdrawn"}


def rank(severity: str) -> int:
    """Place of a severity, the gravest last; an unknown one counts as low."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def is_current(row: Mapping[str, Any], as_of: date) -> bool:
    """Whether an incident is open and of the last days: what is worth a message of its own."""
    return row["closed_date"] is None and as_of - RECENT <= row["last_date"] <= as_of


def next_event(
    story: Story | None, row: Mapping[str, Any], as_of: date, *, is_acknowledged: bool = False
) -> str | None:
    """What is to be told of an incident now; None if nothing is.

    Args:
        story: what was told of it; None if nothing was.
        row: an incident of `models.incidents.INCIDENT_SCHEMA`.
        as_of: last day of the data.
        is_acknowledged: somebody looks after it: that it grows is no news to them.
    """
    is_new = is_current(row, as_of)
    if story is None:
        return "opened" if is_new else None
    if row["closed_date"] is not None:
        return _end(story, row)
    if story.status != "open":
        return "reopened" if is_new else None
    if rank(row["severity"]) > rank(story.severity):
        return "escalated"
    may_repeat = is_new and as_of > story.told_on and not is_acknowledged
    return "grew" if may_repeat and _has_grown(story.impact, row["impact_amount"]) else None


def _end(story: Story, row: Mapping[str, Any]) -> str | None:
    """What is told of an incident that stands no more."""
    if row["withdrawn_date"] is not None:
        # That a gap was filled after it had ended concerns nobody any more.
        is_told = story.status == "withdrawn" or (row["kind"] == "data" and story.status != "open")
        return None if is_told else "withdrawn"
    # One that ends before its last day was judged by a run of an earlier day, which cannot know.
    is_known = row["closed_date"] > row["last_date"]
    return "closed" if is_known and story.status != "closed" else None


def after(story: Story | None, event: str, row: Mapping[str, Any], as_of: date) -> Story:
    """The story once an event was told."""
    impact = row["impact_amount"]
    told = Story(
        incident_id=row["incident_id"],
        status=_AFTER.get(event, "open"),
        severity=row["severity"],
        impact=None if impact is None else float(impact),
        told_on=as_of,
    )
    if story is None:
        return told
    gravest = max(story.severity, told.severity, key=rank)
    return replace(told, severity=gravest, events=story.events + 1)


def _has_grown(told: float | None, now: Any) -> bool:
    if told is None or now is None:
        return False
    return abs(float(now)) >= max(GROWTH * abs(told), abs(told) + 0.01)

"""What is told of an incident over its life: every state and event, and messages counted."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.alerting.story import SEVERITIES, after, next_event, rank
from orchestration.ledger.stories import Story

DAY = date(2026, 11, 20)


def row(last: int = 0, impact: float | None = -100.0, **changed: Any) -> dict[str, Any]:
    """An incident that opened on DAY, last bad `last` days later."""
    return {
        "incident_id": "kpi-1", "kind": "kpi", "severity": "medium", "closed_date": None,
        "withdrawn_date": None, "opened_date": DAY, "last_date": DAY + timedelta(days=last),
        "impact_amount": impact,
    } | changed  # fmt: skip


def day(number: int) -> date:
    return DAY + timedelta(days=number)


def told(*runs: tuple[int, dict[str, Any]], calm: bool = False) -> list[str | None]:
    """Events of runs, each of a last day and what it found."""
    story: Story | None = None
    events = []
    for as_of, found in runs:
        event = next_event(story, found, day(as_of), is_acknowledged=calm)
        events.append(event)
        if event:
            story = after(story, event, found, day(as_of))
        # The same run again has nothing to tell.
        assert next_event(story, found, day(as_of), is_acknowledged=calm) is None
    return events


CLOSED = {"closed_date": day(2)}
BACK = {"closed_date": day(2), "withdrawn_date": day(2)}


@pytest.mark.parametrize(
    ("runs", "events"),
    [
        ([(0, row())], ["opened"]),
        ([(1, row())], ["opened"]),
        ([(2, row())], [None]),  # history
        ([(2, row(1, **CLOSED))], [None]),  # over before anybody was told
        ([(0, row()), (1, row(1, -149.0))], ["opened", None]),
        ([(0, row()), (1, row(1, -150.0))], ["opened", "grew"]),
        ([(0, row()), (0, row(0, -900.0))], ["opened", None]),  # at most once a day
        ([(0, row()), (1, row(1, -150.0)), (2, row(2, -200.0)), (3, row(3, -225.0))],
         ["opened", "grew", None, "grew"]),
        ([(0, row()), (1, row(1, -900.0, severity="critical"))], ["opened", "escalated"]),
        ([(0, row()), (0, row(severity="high")), (1, row(1, severity="medium"))],
         ["opened", "escalated", None]),
        ([(0, row(severity="high")), (1, row(1, severity="low")), (2, row(2, severity="high"))],
         ["opened", None, None]),
        ([(0, row()), (2, row(1, **CLOSED)), (3, row(1, **CLOSED))], ["opened", "closed", None]),
        ([(0, row()), (2, row(0, **BACK)), (3, row(0, **BACK))], ["opened", "withdrawn", None]),
        ([(0, row()), (2, row(1, **CLOSED)), (3, row(1, **BACK))],
         ["opened", "closed", "withdrawn"]),
        ([(0, row()), (2, row(1, **CLOSED)), (3, row(3)), (5, row(4, closed_date=day(5)))],
         ["opened", "closed", "reopened", "closed"]),
        ([(0, row()), (2, row(0, **BACK)), (2, row(2))], ["opened", "withdrawn", "reopened"]),
        # A run of an earlier day than the incident's last cannot know that it is over.
        ([(3, row(3)), (1, row(3, closed_date=day(1)))], ["opened", None]),
    ],
)  # fmt: skip
def test_the_life_of_an_incident(
    runs: list[tuple[int, dict[str, Any]]], events: list[str | None]
) -> None:
    assert told(*runs) == events


def test_a_gap_is_told_when_it_opens_and_ends_and_not_for_its_days() -> None:
    def gap(last: int, **more: Any) -> dict[str, Any]:
        return row(last, None, kind="data", severity="high", **more)

    ends = (4, gap(3, closed_date=day(4)))
    assert told((0, gap(0)), (1, gap(1)), (3, gap(3)), ends) == ["opened", None, None, "closed"]
    filled = (5, gap(3, closed_date=day(4), withdrawn_date=day(5)))
    assert told((0, gap(0)), ends, filled) == ["opened", "closed", None]
    assert told((0, gap(0)), filled) == ["opened", "withdrawn"]


def test_who_looks_after_an_incident_is_told_of_its_severity_and_end_alone() -> None:
    runs = [(0, row()), (1, row(1, -900.0)), (2, row(2, -900.0, severity="high")),
            (4, row(2, closed_date=day(3)))]  # fmt: skip
    assert told(*runs) == ["opened", "grew", "escalated", "closed"]
    assert told(*runs, calm=True) == ["opened", None, "escalated", "closed"]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # days since the run before
        st.sampled_from(["open", "closed", "withdrawn"]),
        st.sampled_from(SEVERITIES),
        st.floats(-1e6, -1.0),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_whatever_happens_messages_are_few_and_say_what_is_so(
    steps: list[tuple[int, str, str, float]],
) -> None:
    story: Story | None = None
    number, grew, raised, state = 0, list[int](), list[str](), "untold"
    for days, status, severity, impact in steps:
        number += days
        ends = {"closed_date": day(number + 1)} if status != "open" else {}
        back = {"withdrawn_date": day(number + 1)} if status == "withdrawn" else {}
        found = row(number, impact, severity=severity, **ends, **back)
        before = story
        event = next_event(story, found, day(number))
        if event is None:
            # Nothing is told only where people know the status and the gravest severity already.
            assert state == (status if state != "untold" else state) or status == "open"
            if state == "open" and status == "open":
                assert before is not None and rank(severity) <= rank(before.severity)
            continue
        story = after(story, event, found, day(number))
        if event == "opened":
            assert state == "untold"
        if event == "reopened":
            assert state in ("closed", "withdrawn")
        if event == "grew":
            assert state == "open" and before is not None and before.impact is not None
            assert abs(impact) >= 1.5 * abs(before.impact)
            assert not grew or number > grew[-1]
            grew.append(number)
        if event == "escalated":
            assert before is not None and rank(severity) > rank(before.severity)
            raised.append(severity)
        state = {"closed": "closed", "withdrawn": "withdrawn"}.get(event, "open")
        assert state == status == story.status
        assert story.events == (before.events + 1 if before else 1)
        assert next_event(story, found, day(number)) is None
    assert len(raised) <= len(SEVERITIES) - 1

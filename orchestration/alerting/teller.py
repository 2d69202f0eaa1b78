"""The news of all incidents of a run: which event each has, and their messages.

Belongs here: mutes, acknowledgements, owners, gaps that are told together. What follows what for
one incident is in `story.py`, the words are in `dashboards.wording`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from dashboards.wording.alerts import compose
from dashboards.wording.facts import Evidence
from dashboards.wording.message import AlertInfo, Message
from dashboards.wording.outage import joined
from dashboards.wording.stories import Before, ended_together, told_again
from models.episodes import STORIES
from orchestration.alerting.routes import Router, matches, owner_of
from orchestration.alerting.story import SEVERITIES, after, next_event, rank
from orchestration.ledger.stories import Stories, Story

if TYPE_CHECKING:
    from orchestration.config.settings import Settings
    from orchestration.ledger.state import State


class Teller:
    """What a run of a shop has to tell.

    Args:
        settings: routes, channels.
        state: what was told, muted and acknowledged.
        info: shop, currency, site, languages.
        as_of: last day of the data.
    """

    def __init__(self, settings: Settings, state: State, info: AlertInfo, as_of: date) -> None:
        self._stories, self._info, self._as_of = Stories(state), info, as_of
        self._routes, self._router = settings.file.alerts.routes, Router(settings)
        self._told = self._stories.told()

    def events(self, incidents: pl.DataFrame) -> dict[str, str]:
        """Incident -> what is to be told of it now; a muted one waits for the end of its mute."""
        calm = {*self._stories.acknowledged(), *self._stories.verdicts()}
        mutes = self._stories.mutes(self._as_of)
        found = {}
        for row in incidents.to_dicts():
            name = row["incident_id"]
            story, is_calm = self._told.get(name), name in calm
            event = next_event(story, row, self._as_of, is_acknowledged=is_calm)
            if event and not any(matches(row, mute) for mute in mutes):
                found[name] = event
        return found

    def first(self, row: Mapping[str, Any], evidence: Evidence) -> Message:
        """The message of an incident that is told for the first time."""
        made = compose(row, evidence, self._info, owner=owner_of(row, self._routes))
        if made.kind == "data":  # a gap is known by its source and first day
            return made
        return replace(made, keys=(f"{made.incident_id}|opened|0",), before=_formerly(made, row))

    def messages(
        self, events: Mapping[str, str], incidents: pl.DataFrame, evidence: Evidence
    ) -> list[Message]:
        """The messages of events, gaps that belong together in one, the gravest first."""
        every = incidents.to_dicts()
        rows = [row for row in every if row["incident_id"] in events]
        rows.sort(key=lambda row: (row["kind"] != "data", -rank(row["severity"]),
                                   row["impact_amount"] or 0, row["incident_id"]))  # fmt: skip
        made, gaps = list[Message](), dict[tuple[Any, ...], list[dict[str, Any]]]()
        for row in rows:
            event = events[row["incident_id"]]
            message = self._message(event, row, every, evidence)
            if row["kind"] == "data" and event in ("opened", "closed", "withdrawn"):
                ways = tuple(one.fingerprint for one in self._router.channels_of(message))
                gaps.setdefault((event, *ways), []).append({**row, "message": message})
            else:
                made.append(message)
        return [*self._together(gaps), *made]

    def remember(self, events: Mapping[str, str], incidents: pl.DataFrame) -> None:
        """The events were queued."""
        self._stories.keep(
            [
                after(self._told.get(row["incident_id"]), event, row, self._as_of)
                for row in incidents.to_dicts()
                if (event := events.get(row["incident_id"]))
            ]
        )

    def _message(
        self,
        event: str,
        row: Mapping[str, Any],
        every: Sequence[Mapping[str, Any]],
        evidence: Evidence,
    ) -> Message:
        if event == "opened":
            return self.first(row, evidence)
        before, owner = _before(self._told[row["incident_id"]]), owner_of(row, self._routes)
        other = _other(row, every) if event == "withdrawn" else None
        return told_again(event, row, before, evidence, self._info, owner, other)

    def _together(self, gaps: Mapping[tuple[Any, ...], list[dict[str, Any]]]) -> list[Message]:
        found = []
        for (event, *_), rows in gaps.items():
            if event == "opened":
                told = [[row["message"] for row in group] for group in one_story_each(rows)]
                found += [joined(messages, self._info) for messages in told]
            else:
                found.append(ended_together([row["message"] for row in rows], self._info))
        return found


def one_story_each(gaps: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Gaps by what is told together: those whose days touch are one outage.

    Args:
        gaps: data incidents.

    Returns:
        Groups in the order of their first incident.
    """
    groups: list[list[dict[str, Any]]] = []
    end = date.min
    for row in sorted(gaps, key=lambda one: (one["opened_date"], one["incident_id"])):
        if groups and row["opened_date"] <= end + timedelta(days=1):
            groups[-1].append(row)
            end = max(end, row["last_date"])
        else:
            groups.append([row])
            end = row["last_date"]
    return groups


def _before(story: Story) -> Before:
    return Before(story.status, story.severity, story.impact, story.told_on, story.events)


def _formerly(message: Message, row: Mapping[str, Any]) -> tuple[str, ...]:
    """By what earlier versions knew a KPI incident: metric, segment, day, severity."""
    days = (row["last_date"] - row["opened_date"]).days + 1
    return tuple(
        f"{message.metric}|{message.segment}|{row['opened_date'] + timedelta(days=n)}|{severity}"
        for n in range(days)
        for severity in SEVERITIES
    )


def _other(row: Mapping[str, Any], every: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The standing incident that tells the days of one that was withdrawn, if there is one."""
    if row["kind"] == "data":
        return None
    for one in every:
        is_same = one["kind"] == row["kind"] and one["withdrawn_date"] is None
        is_near = row["platform"] in (None, one["platform"]) or one["platform"] is None
        touches = one["opened_date"] <= row["last_date"] and row["opened_date"] <= one["last_date"]
        is_alike = STORIES.get(one["metric"]) == STORIES.get(row["metric"])
        if is_same and is_near and touches and is_alike and one is not row:
            return one
    return None

"""Whom a message goes to and when, as section `alerts` of `shop.yml` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from dashboards.wording.message import Message
from orchestration.alerting.channels import Channel
from orchestration.alerting.story import rank
from orchestration.config.sections import Route

if TYPE_CHECKING:
    from orchestration.config.settings import Settings


class Router:
    """The routes, channels and quiet hours of a shop.

    Raises:
        KpiError: a channel names a variable that is not set.
    """

    def __init__(self, settings: Settings) -> None:
        alerts = settings.file.alerts
        self._routes, self._zone, self._quiet = alerts.routes, settings.zone, alerts.quiet_hours
        addresses = settings.alert_channels()
        made = {address: Channel(n, address) for n, address in enumerate(addresses, start=1)}
        self._channels = {name: made[settings.address_of(name)] for name in alerts.addresses()}
        self._default = list(dict.fromkeys(alerts.channels))
        self._reports = alerts.reports

    def channels_of(self, message: Message) -> list[Channel]:
        """The channels of the routes a message is on, else the common ones; each once."""
        if message.kind == "report":
            return [self._channels[name] for name in self._reports.get(message.metric)]
        routed = [route.channel for route in routes_of(message.about, self._routes)]
        names = [name for name in routed if name] or self._default
        return list({self._channels[name].fingerprint: self._channels[name] for name in names}
                    .values())  # fmt: skip

    def due_at(self, severity: str, now: datetime) -> datetime:
        """When a message may be sent: now, or the end of the quiet hours that now lies in."""
        if self._quiet is None or severity == "critical":
            return now
        begin, end = (time.fromisoformat(part) for part in self._quiet.split("-"))
        local = now.astimezone(self._zone)
        clock = local.time()
        is_quiet = begin <= clock < end if begin < end else clock >= begin or clock < end
        if not is_quiet:
            return now
        day = local.date() + timedelta(days=int(clock >= end))
        return datetime.combine(day, end, tzinfo=self._zone).astimezone(UTC)


def routes_of(about: Sequence[Mapping[str, Any]], routes: Sequence[Route]) -> list[Route]:
    """The routes that one of the incidents of a message is on, in their order."""
    return [route for route in routes if any(_is_on(one, route) for one in about)]


def owner_of(row: Mapping[str, Any], routes: Sequence[Route]) -> str | None:
    """The first person whose route an incident is on."""
    people = (route.person for route in routes_of([row], routes) if route.person)
    return next(people, None)


def matches(row: Mapping[str, Any], what: Mapping[str, str]) -> bool:
    """Whether an incident is of a metric, platform and segment, of which * is any."""
    segments = {str(row.get("segment")), f"{row.get('dimension')}:{row.get('segment')}",
                str(row.get("cause_segment")),
                f"{row.get('cause_dimension')}:{row.get('cause_segment')}"}  # fmt: skip
    platforms = [name.strip() for name in str(row.get("platform") or "").split(",")]
    return (
        what["metric"] in ("*", row.get("metric"))
        and (what["platform"] == "*" or what["platform"] in platforms)
        and (what["segment"] == "*" or what["segment"] in segments)
    )


def _is_on(row: Mapping[str, Any], route: Route) -> bool:
    what = {"metric": route.metric, "platform": route.platform, "segment": route.segment}
    return rank(str(row.get("severity"))) >= rank(route.severity) and matches(row, what)

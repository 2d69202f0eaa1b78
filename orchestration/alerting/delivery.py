"""The queue of messages: put in whatever a run found, delivered by every run, bounded in time.

Belongs here: when a message is tried, again or given up, per channel. One try is in `channels.py`,
what waits is in `orchestration.ledger.outgoing`. Without a configured channel nothing here touches
the network; apprise is not even imported.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dashboards.wording.message import Message
from orchestration.alerting.channels import Channel, Outcome, Posting, posting
from orchestration.alerting.routes import Router
from orchestration.ledger.outgoing import Letter, Outgoing

if TYPE_CHECKING:
    from orchestration.config.settings import Settings
    from orchestration.ledger.state import State

_log = logging.getLogger(__name__)
_LEASE = timedelta(seconds=60)


@dataclass(frozen=True)
class SendPolicy:
    """How hard to try.

    Attributes:
        tries: of a message in one pass, where the channel answered but failed.
        wait_seconds: pause before the second try; doubles each time.
        timeout_seconds: for connecting and for each read.
        try_seconds: for one try, however slowly its answer drips.
        pass_seconds: for all channels of one pass; a run makes two, when it begins and ends.
        first_wait: of a channel that failed; doubles with each failure in a row.
        longest_wait: what it doubles to.
        give_up_after: a message that fails after so long is dead.
        sleep: replaceable pause.
        clock: replaceable seconds, to measure durations.
        now: replaceable instant, UTC.
    """

    tries: int = 2
    wait_seconds: float = 1.0
    timeout_seconds: float = 4.0
    try_seconds: float = 5.0
    pass_seconds: float = 12.0
    first_wait: timedelta = timedelta(minutes=10)
    longest_wait: timedelta = timedelta(hours=4)
    give_up_after: timedelta = timedelta(hours=24)
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class Delivery:
    """What became of one message on one channel in one pass.

    Attributes:
        channel: `channel 1 (json)`: never an address.
        status: sent; refused for good; failed, to be tried again; dead, given up.
    """

    incident_id: str
    channel: str
    status: str
    reason: str = ""


def queue(
    messages: Sequence[Message], settings: Settings, state: State, policy: SendPolicy | None = None
) -> int:
    """Put messages into the queue of each channel they are routed to; returns how many are new.

    Raises:
        KpiError: a channel names a variable that is not set; nothing was queued.
    """
    policy = policy or SendPolicy()
    now, router = policy.now(), Router(settings)
    letters = [
        Letter(
            message=key_of(message),
            channel=channel.fingerprint,
            incident_id=message.incident_id,
            severity=message.severity,
            subject=message.subject,
            body=json.dumps(message.as_dict(), ensure_ascii=False),
            due_at=router.due_at(message.severity, now),
            keys=message.keys or (message.key,),
            before=message.before,
        )
        for message in messages
        for channel in router.channels_of(message)
    ]
    return len(Outgoing(state).put(letters, now)) if letters else 0


def key_of(message: Message) -> str:
    """The idempotency key: the same for all channels and tries of one message."""
    news = "\n".join(message.keys or (message.key,))
    return hashlib.sha256(f"{message.incident_id}\n{news}".encode()).hexdigest()[:32]


def deliver_due(
    settings: Settings, state: State, policy: SendPolicy | None = None
) -> list[Delivery]:
    """Send what is due. A failing channel never raises and never holds back another.

    A message is tried until its channel takes or refuses it; a process that is killed between
    sending and remembering it sends it once more, with the same key.

    Raises:
        KpiError: a channel names a variable that is not set; what waits goes on waiting.
    """
    policy, outgoing = policy or SendPolicy(), Outgoing(state)
    due = outgoing.due(policy.now())
    if not due and not outgoing.held():
        return []
    addresses = settings.alert_channels()
    channels = [Channel(number, address) for number, address in enumerate(addresses, start=1)]
    known = {channel.fingerprint for channel in channels}
    for stray in {letter["channel"] for letter in due} - known:
        since = policy.now() - policy.give_up_after
        outgoing.give_up(stray, since, policy.now(), "the channel is not configured any more")
    if not known & {letter["channel"] for letter in [*due, *outgoing.held()]}:
        return []
    fails = {name: waits[0] for name, waits in outgoing.waits().items()}
    report: list[Delivery] = []
    with posting(addresses, policy.now) as post:
        until = policy.clock() + policy.pass_seconds
        for channel in sorted(channels, key=lambda one: fails.get(one.fingerprint, 0)):
            own = [letter for letter in due if letter["channel"] == channel.fingerprint]
            one_pass = _Pass(channel, outgoing, policy, post, until)
            report += one_pass.deliver(_within_limit(own, channel, outgoing, settings, policy))
    return report


def send_now(
    message: Message, addresses: Sequence[str], policy: SendPolicy | None = None
) -> list[Delivery]:
    """Send a message past the queue, once to each channel: a test, or what cannot be queued."""
    policy = policy or SendPolicy()
    if not addresses:
        return []
    report = []
    with posting(addresses, policy.now) as post:
        for number, address in enumerate(addresses, start=1):
            channel, key = Channel(number, address), key_of(message)
            got = channel.send(message, key, policy.timeout_seconds, policy.try_seconds, post)
            if got.status != "sent":
                _log.warning("%s: %s (%s)", channel.label, got.status, got.reason)
            report.append(Delivery(message.incident_id, channel.label, got.status, got.reason))
    return report


def _within_limit(
    letters: list[dict[str, Any]],
    channel: Channel,
    outgoing: Outgoing,
    settings: Settings,
    policy: SendPolicy,
) -> list[dict[str, Any]]:
    """The letters of a channel that may go today; the rest goes into one digest a day."""
    from dashboards.wording.stories import digest
    from orchestration.alerting.story import rank

    limit, zone = settings.file.alerts.max_a_day, settings.zone
    now = policy.now()
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    left = limit - outgoing.count_sent(channel.fingerprint, midnight)
    is_free = [one["severity"] == "critical" or one["incident_id"] == "digest" for one in letters]
    counted = [one for one, free in zip(letters, is_free, strict=True) if not free]
    counted.sort(key=lambda one: -rank(one["severity"]))
    outgoing.hold([one["id"] for one in counted[max(left, 0) :]])
    if held := outgoing.held(channel.fingerprint):
        day = now.astimezone(zone).date()
        subjects = [str(one["subject"]) for one in held]
        message = digest(subjects, settings.shop.name, settings.shop.languages, day, limit)
        body = json.dumps(message.as_dict(), ensure_ascii=False)
        due_at = Router(settings).due_at(message.severity, now)
        letter = Letter(key_of(message), channel.fingerprint, "digest", message.severity,
                        message.subject, body, due_at, message.keys)  # fmt: skip
        # The first of the day; later ones wait for that of the next.
        outgoing.put([letter], now, instead_of=[one["id"] for one in held])
    going = {one["id"] for one in counted[: max(left, 0)]}
    going |= {one["id"] for one, free in zip(letters, is_free, strict=True) if free}
    due = [one for one in outgoing.due(now) if one["channel"] == channel.fingerprint]
    return [one for one in due if one["id"] in going or one["incident_id"] == "digest"]


class _Pass:
    """The letters of one channel in one pass."""

    def __init__(
        self,
        channel: Channel,
        outgoing: Outgoing,
        policy: SendPolicy,
        post: Posting,
        until: float,
    ) -> None:
        self._channel, self._outgoing, self._policy = channel, outgoing, policy
        self._post, self._until = post, until
        self._failures, self._next_at = outgoing.waits().get(channel.fingerprint, (0, None))

    def deliver(self, letters: Sequence[dict[str, Any]]) -> list[Delivery]:
        """Send in order, until the channel is down, fails twice, or the time is over."""
        now = self._policy.now()
        if not letters or (self._next_at and self._next_at > now):
            return []
        report: list[Delivery] = []
        failed: list[Outcome] = []
        behind: set[str] = set()  # news of an incident stays in order
        for letter in letters:
            if letter["incident_id"] in behind:
                continue
            if self._policy.clock() >= self._until:
                break
            if not self._outgoing.claim(letter["id"], self._policy.now(), _LEASE):
                continue
            outcome = self._try(letter)
            report.append(self._ended(letter, outcome))
            if outcome.status == "failed":
                failed.append(outcome)
                behind.add(letter["incident_id"])
            if outcome.is_down or outcome.wait or len(failed) > 1:
                break
        is_working = any(one.status == "sent" for one in report)
        self._note(failed[-1] if failed else None, is_working=is_working)
        return report

    def _try(self, letter: dict[str, Any]) -> Outcome:
        message, policy = Message.from_dict(json.loads(letter["body"])), self._policy
        pause = policy.wait_seconds
        for tried in range(1, policy.tries + 1):
            limit = min(policy.try_seconds, max(self._until - policy.clock(), 0.1))
            outcome = self._channel.send(
                message, letter["message"], policy.timeout_seconds, limit, self._post
            )
            is_last = tried == policy.tries or policy.clock() + pause >= self._until
            if outcome.status != "failed" or outcome.is_down or outcome.wait or is_last:
                return outcome
            policy.sleep(pause)
            pause *= 2
        return outcome

    def _ended(self, letter: dict[str, Any], outcome: Outcome) -> Delivery:
        now, policy = self._policy.now(), self._policy
        status = outcome.status
        if status == "failed":
            queued = datetime.fromisoformat(letter["queued_at"]).replace(tzinfo=UTC)
            is_over = now - queued >= policy.give_up_after and letter["tries"] > 0
            status = "dead" if is_over else "failed"  # none dies of its first try
        if status == "failed":
            due_at = now + (outcome.wait or self._wait(letter["tries"]))
            self._outgoing.postpone(letter["id"], due_at, outcome.reason)
        else:
            self._outgoing.end(letter["id"], status, now, outcome.reason)
        if status != "sent":
            ends = {"refused": "it is not tried again", "dead": "it is given up"}
            _log.warning(
                "%s: message %s was not delivered (%s); %s",
                self._channel.label, letter["incident_id"], outcome.reason,
                ends.get(status, "a later run tries again"),
            )  # fmt: skip
        return Delivery(letter["incident_id"], self._channel.label, status, outcome.reason)

    def _note(self, failed: Outcome | None, *, is_working: bool) -> None:
        """Let a channel that took nothing wait, and give up what has waited too long for it."""
        now, policy, name = self._policy.now(), self._policy, self._channel.fingerprint
        if failed is None or (is_working and not (failed.is_down or failed.wait)):
            self._outgoing.note(name, self._channel.label, 0, None, "")
            return
        wait = failed.wait or self._wait(self._failures)
        self._outgoing.note(name, self._channel.label, self._failures + 1, now + wait,
                            failed.reason)  # fmt: skip
        if self._failures:  # not of the first failure: the machine may have slept for a day
            self._outgoing.give_up(name, now - policy.give_up_after, now, failed.reason)

    def _wait(self, failures: int) -> timedelta:
        doubled: timedelta = self._policy.first_wait * 2 ** min(failures, 20)
        return min(doubled, self._policy.longest_wait)

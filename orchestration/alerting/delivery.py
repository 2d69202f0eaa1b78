"""Delivers messages: always to the outbox, and to the channels the user configured.

Belongs here: files, retries, what was sent already. What a message says is in `alerts.py`.
Without a configured channel nothing here touches the network; apprise is not even imported.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from dashboards.wording.alerts import Message
from orchestration.alerting.redact import redacting
from orchestration.errors import attempt

_log = logging.getLogger(__name__)


class AlertStore(Protocol):
    """Remembers what was sent; survives runs."""

    def seen(self, key: str) -> bool:
        """Whether this key was marked."""

    def mark(self, key: str, sent_at: datetime) -> None:
        """Remember this key."""


@dataclass(frozen=True)
class SendPolicy:
    """How hard to try.

    Attributes:
        attempts: tries a channel and message.
        wait_seconds: pause before the second try; doubles each time.
        timeout_seconds: for connecting and for reading, each try.
        sleep: replaceable pause.
    """

    attempts: int = 4
    wait_seconds: float = 1.0
    timeout_seconds: float = 5.0
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Delivery:
    """What became of one message on one way.

    Attributes:
        incident_id: the message's incident.
        channel: `outbox`, or `channel 1 (json)`: never an address.
        status: written, unchanged (outbox), sent, already_sent, failed.
        tries: attempts made.
    """

    incident_id: str
    channel: str
    status: str
    tries: int = 0


def deliver(
    messages: Iterable[Message],
    outbox: Path,
    channels: Sequence[str],
    store: AlertStore,
    policy: SendPolicy | None = None,
) -> list[Delivery]:
    """Write each message to the outbox and send it once to each channel.

    A message whose news (metric, segment, day and severity) a channel has had is not sent again;
    one that failed is tried again in the next run. A failing channel never raises and never holds
    back another.

    Args:
        messages: what to tell.
        outbox: folder for `<incident_id>_<day>.txt` and `.json`; made if missing.
        channels: apprise addresses in clear.
        store: memory of what was sent.
        policy: attempts, pauses, time limits.

    Raises:
        OSError: the outbox cannot be written; the channels were told before.
    """
    told = list(messages)
    report: list[Delivery] = []
    try:
        outbox.mkdir(parents=True, exist_ok=True)
        report += [_write(message, outbox) for message in told]
    finally:
        if channels and told:
            report += _sent(told, channels, store, policy or SendPolicy())
    return report


def _sent(
    told: Sequence[Message], channels: Sequence[str], store: AlertStore, policy: SendPolicy
) -> list[Delivery]:
    report = []
    with redacting(channels) as redact:
        for number, address in enumerate(channels, start=1):
            scheme = address.partition("://")[0][:20] if "://" in address else "invalid"
            channel = _Channel(f"channel {number} ({scheme})", address, policy)
            report += [_send(message, channel, store, redact) for message in told]
    return report


def _send(
    message: Message, channel: _Channel, store: AlertStore, redact: Callable[[str], str]
) -> Delivery:
    keys = [f"{key}|{channel.fingerprint}" for key in message.keys or (message.key,)]
    if attempt(lambda: all(store.seen(key) for key in keys)):
        return Delivery(message.incident_id, channel.label, "already_sent")
    sent, tries, reason = channel.send(message)
    if sent:
        attempt(lambda: _mark(store, keys))
        return Delivery(message.incident_id, channel.label, "sent", tries)
    _log.warning(
        "%s: alert %s was not delivered after %d tries (%s); the outbox has it, and the next run"
        " tries again", channel.label, message.incident_id, tries, redact(reason),
    )  # fmt: skip
    return Delivery(message.incident_id, channel.label, "failed", tries)


def _mark(store: AlertStore, keys: Sequence[str]) -> None:
    for key in keys:
        store.mark(key, datetime.now(UTC))


def _write(message: Message, outbox: Path) -> Delivery:
    name = f"{message.incident_id}_{message.day:%Y-%m-%d}"
    body = f"{message.subject}\n\n{message.text}\n"
    record = json.dumps(message.as_dict(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    changed = [
        _write_atomically(outbox / f"{name}{suffix}", content)
        for suffix, content in ((".txt", body), (".json", record))
    ]
    return Delivery(message.incident_id, "outbox", "written" if any(changed) else "unchanged")


def _write_atomically(path: Path, content: str) -> bool:
    """Replace a file as a whole; False if it says the same already."""
    data = content.encode()
    if path.is_file() and path.read_bytes() == data:
        return False
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return True


class _Channel:
    """One configured address."""

    def __init__(self, label: str, address: str, policy: SendPolicy) -> None:
        self.label, self._policy = label, policy
        self._address = address
        self.fingerprint = hashlib.sha256(address.encode()).hexdigest()[:16]

    def send(self, message: Message) -> tuple[bool, int, str]:
        """Try until it is taken: whether it was, the number of tries, the last reason."""
        pause = self._policy.wait_seconds
        try:
            target = self._target()
        except Exception as error:  # foreign code: whatever it raises, other channels go on
            return False, 0, f"{type(error).__name__}: {error}"
        if target is None:
            return False, 0, "the address is not one apprise understands"
        reason = "refused"
        for tries in range(1, self._policy.attempts + 1):
            try:
                if target.notify(body=message.text, title=message.subject, body_format="text"):
                    return True, tries, ""
            except Exception as error:  # as above
                reason = f"{type(error).__name__}: {error}"
            if tries < self._policy.attempts:
                self._policy.sleep(pause)
                pause *= 2
        return False, self._policy.attempts, reason

    def _target(self) -> Any:
        """An apprise target with our time limits, or None."""
        import apprise

        asset = apprise.AppriseAsset(storage_mode="memory", async_mode=False)
        target = apprise.Apprise(asset=asset)
        limit = self._policy.timeout_seconds
        mark = "&" if "?" in self._address else "?"
        return target if target.add(f"{self._address}{mark}rto={limit}&cto={limit}") else None

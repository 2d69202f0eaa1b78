"""One try to hand a message to one configured address, and what came of it.

Belongs here: apprise, HTTP answers, time limits. When a try is made is decided in `delivery.py`.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from dashboards.wording.message import Message
from orchestration.alerting.redact import Redactor, redacting

IDEMPOTENCY_HEADER = "Idempotency-Key"
_MAY_PASS = frozenset({408, 425, 429})  # answers of 4xx that a later try may not get
_TYPES = {"critical": "failure", "high": "failure", "medium": "warning", "low": "info"}
_ENDS = frozenset({"closed", "withdrawn"})
# apprise hands work to threads of its own, with a copy of the context.
_under_way: ContextVar[_Exchange | None] = ContextVar("_under_way", default=None)


@dataclass(frozen=True)
class Outcome:
    """What came of one try.

    Attributes:
        status: sent; refused (for good); failed (a later try may succeed).
        reason: why not, without secrets.
        is_down: nobody answered, so that another message would not get through either.
        wait: what the channel asked to wait for.
    """

    status: str
    reason: str = ""
    is_down: bool = False
    wait: timedelta | None = None


class _Exchange:
    """What passed over HTTP in one try; `status` is the last that was no success."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.status = 0
        self.is_answered = False
        self.retry_after = ""


class Channel:
    """A configured address.

    Attributes:
        label: `channel 1 (json)`, never an address.
        fingerprint: by which the state knows it.
    """

    def __init__(self, number: int, address: str) -> None:
        scheme = address.partition("://")[0][:20] if "://" in address else "invalid"
        self.label = f"channel {number} ({scheme})"
        self.fingerprint = hashlib.sha256(address.encode()).hexdigest()[:16]
        self._address = address

    def send(
        self, message: Message, key: str, timeout: float, limit: float, post: Posting
    ) -> Outcome:
        """Try once.

        Args:
            message: what to tell.
            key: the same in every try of this message, for receivers that drop repeats.
            timeout: seconds for connecting and for each read.
            limit: seconds for all of it, however slowly the answer drips.
            post: what `posting` gives.
        """
        exchange, result = _Exchange(key), list[Outcome]()

        def work() -> None:
            _under_way.set(exchange)
            try:
                result.append(self._notify(message, key, timeout, exchange, post))
            except Exception as error:  # foreign code: whatever it raises, other channels go on
                reason = post.redact(f"{type(error).__name__}: {error}")
                result.append(Outcome("failed", reason, is_down=not exchange.is_answered))

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(limit)
        if not result:
            post.is_abandoned = True
            return Outcome("failed", f"no answer within {limit:.0f} s", is_down=True)
        return result[0]

    def _notify(
        self, message: Message, key: str, timeout: float, exchange: _Exchange, post: Posting
    ) -> Outcome:
        import apprise

        asset = apprise.AppriseAsset(storage_mode="memory", async_mode=False)
        target = apprise.Apprise(asset=asset)
        mark = "&" if "?" in self._address else "?"
        is_mail = bool(message.html) and self._address.startswith("mailto")
        inline = "&inline=yes" if is_mail else ""
        if not target.add(f"{self._address}{mark}rto={timeout}&cto={timeout}{inline}"):
            return Outcome("refused", "the address is not one apprise understands")
        for server in target:
            _add_facts(server, message, key)
        is_taken = target.notify(
            body=message.html if is_mail else message.text,
            title=message.subject,
            body_format="html" if is_mail else "text",
            attach=_attached(message) if is_mail else None,
            notify_type=apprise.NotifyType(webhook_type(message)),
        )
        return Outcome("sent") if is_taken else _failure(exchange, post.now())


def _attached(message: Message) -> list[Any]:
    """The pictures of a letter as apprise takes them."""
    from apprise.attachment.memory import AttachMemory

    return [
        AttachMemory(content=base64.b64decode(png), name=name, mimetype="image/png")
        for name, png in message.pictures.items()
    ]


def webhook_type(message: Message) -> str:
    """The type of a message as webhooks know it: failure, warning, info or success."""
    if message.facts.get("event") in _ENDS:
        return "success"
    return _TYPES.get(message.severity, "info")


def _add_facts(server: Any, message: Message, key: str) -> None:
    """Put the key, and where JSON is spoken the facts, into the body of a webhook."""
    extras = getattr(server, "payload_extras", None)
    if not isinstance(extras, dict):
        return
    extras["idempotency_key"] = key
    if type(server).__name__ == "NotifyJSON":
        extras["alert"] = dict(message.facts)


def _failure(exchange: _Exchange, now: datetime) -> Outcome:
    status = exchange.status
    if not exchange.is_answered:
        return Outcome("failed", "nobody answered", is_down=True)
    if 400 <= status < 500 and status not in _MAY_PASS:
        return Outcome("refused", f"HTTP {status}")
    wait = _wait_of(exchange.retry_after, now)
    return Outcome("failed", f"HTTP {status}" if status else "not taken", wait=wait)


def _wait_of(retry_after: str, now: datetime) -> timedelta | None:
    """Retry-After of HTTP: seconds, or a date."""
    if retry_after.isdecimal():
        return timedelta(seconds=min(int(retry_after), 366 * 86_400))
    try:
        moment = parsedate_to_datetime(retry_after)
    except (TypeError, ValueError):
        return None
    return max(moment.replace(tzinfo=moment.tzinfo or UTC) - now, timedelta(0))


@dataclass
class Posting:
    """What all tries of one pass share.

    Attributes:
        redact: takes the secrets of all channels out of a text.
        now: the clock.
        is_abandoned: a try was left to itself and may still write logs.
    """

    redact: Redactor
    now: Callable[[], datetime]
    is_abandoned: bool = False


@contextmanager
def posting(addresses: Sequence[str], now: Callable[[], datetime]) -> Iterator[Posting]:
    """Watch what passes over HTTP, and clean all that is logged, while messages are sent.

    apprise says only whether a message was taken, and takes no header that changes from message to
    message; so the library under it is watched, in the threads that send alone.
    """
    import apprise
    import requests

    apprise.Apprise.instantiate("json://localhost")  # loads all services, which is no try's time
    send = requests.Session.send

    def watched(session: Any, request: Any, **options: Any) -> Any:
        exchange = _under_way.get()
        if exchange is None:
            return send(session, request, **options)
        request.headers.setdefault(IDEMPOTENCY_HEADER, exchange.key)
        answer = send(session, request, **options)
        exchange.is_answered = True
        if answer.status_code >= 300:
            exchange.status = answer.status_code
            exchange.retry_after = _header(answer.headers, "Retry-After")
        return answer

    cleaning = redacting(addresses)
    redact = cleaning.__enter__()
    post = Posting(redact, now)
    requests.Session.send = watched  # type: ignore[method-assign,assignment]
    try:
        yield post
    finally:
        requests.Session.send = send  # type: ignore[method-assign]
        if not post.is_abandoned:  # else its secrets stay out of the logs until the process ends
            cleaning.__exit__(None, None, None)


def _header(headers: Mapping[str, str], name: str) -> str:
    return str(headers.get(name, "")).strip()

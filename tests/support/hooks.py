"""A webhook on this machine that answers as told, and a clock that tests move."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "T0kenThatMustNotLeak"


@dataclass(frozen=True)
class Answer:
    """A status, headers, and seconds before it is given."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Hook:
    """Gives the answers of `answers` in turn, then `always`; keeps every body it is sent."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.always = Answer()
        self.calls: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.received: list[dict[str, Any]] = []
        self._release = threading.Event()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.calls.append(body)
                hook.keys.append(self.headers.get("Idempotency-Key", ""))
                answer = hook.answers.pop(0) if hook.answers else hook.always
                if answer.seconds:
                    hook._release.wait(answer.seconds)
                if answer.status < 300:
                    hook.received.append(body)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """No output in tests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"json://127.0.0.1:{self._server.server_port}/hooks/{TOKEN}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def titles(self) -> list[str]:
        """Subjects of what was taken."""
        return [body["title"] for body in self.received]

    def stop(self) -> None:
        """Answer nobody any more."""
        self._release.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def hooked() -> Iterator[Hook]:
    """A hook for one test."""
    hook = Hook()
    try:
        yield hook
    finally:
        hook.stop()


class Clock:
    """An instant, UTC, that stands still until it is moved."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 2, tzinfo=UTC)) -> None:
        self.now = now
        self.pauses: list[float] = []

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time go by."""
        self.now += timedelta(**by)

"""One small shop, simulated and run once; tests work on copies of it."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support import shop
from tests.support.once import once


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs first: workers that end with many small modules end together.

    First of all a file that makes the shared home, and beside it, on the other workers, what needs
    none: two that need it would wait for one another.
    """
    shared = {"finished_home", "begun_home"}
    in_need = {one.path for one in items if shared & set(getattr(one, "fixturenames", ()))}

    def turn(item: pytest.Item) -> int:
        if item.path.name == "test_daily_run.py":
            return 0
        if item.path in in_need:
            return 2
        return 1 if {"pipeline", "cases", "golden"} & set(item.path.parts) else 3

    items.sort(key=turn)


def _finish(home: Path) -> None:
    shop.deliver(shop.new_home(home))
    shop.run(home, **shop.trapped(home))


def _begin(home: Path) -> None:
    day = shop.LAST_DAY - timedelta(days=2)
    shop.deliver(shop.new_home(home), day)
    shop.run(home, day)
    shop.deliver(home)


@pytest.fixture(scope="session")
def finished_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder after one good run on everything the small shop exported. Do not change it."""
    return once(tmp_path_factory, "finished", _finish)


@pytest.fixture
def begun_home(tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> Path:
    """A copy of a data folder run two days before the last, the files of those days delivered."""
    begun = once(tmp_path_factory, "begun", _begin)
    return Path(shutil.copytree(begun, tmp_path / "begun", symlinks=True))


@pytest.fixture
def copy_home(finished_home: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes copies of the finished data folder."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(finished_home, tmp_path / name, symlinks=True))

    return copy


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in this process, a part of which the test replaces."""

    @contextmanager
    def apart(work: Callable[[Any], Any], _: int) -> Iterator[Callable[[Any, Path], Any]]:
        yield lambda item, path: work(item)

    monkeypatch.setattr("ingestion.reading.apart.apart", apart)


@pytest.fixture
def hook() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that takes messages: its address as a channel, and what it was told."""
    received: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """No output in tests."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"json://127.0.0.1:{server.server_port}", received
    server.shutdown()
    server.server_close()
    thread.join()

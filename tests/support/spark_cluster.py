"""Spark of this machine: a master with workers of one core that can be killed; a Thrift server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.support import shop
from tests.support.on_spark import LAST_DAY

_HOST = "127.0.0.1"
_LONGEST = 1800.0  # seconds; a run takes three minutes where nothing else does


@dataclass(frozen=True)
class Cluster:
    """A master that is up.

    Attributes:
        master: its address, as `build.spark.master` wants it.
        workers: each leads a group of processes, its executor among them.
    """

    master: str
    workers: list[subprocess.Popen[bytes]]

    def freeze(self, worker: int) -> None:
        """Let a worker and its executor stand still: what is sent to them waits."""
        os.killpg(self.workers[worker].pid, signal.SIGSTOP)

    def kill(self, worker: int) -> None:
        """End a worker and its executor as a loss of power does."""
        os.killpg(self.workers[worker].pid, signal.SIGKILL)


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """Start a master and workers, whose logs and scratch are below `folder`; end all of them."""
    port = _free_port()
    master = f"spark://{_HOST}:{port}"
    daemon, here = "org.apache.spark.deploy", ("--host", _HOST, "--webui-port", "0")
    given = (f"{daemon}.master.Master", *here, "--port", str(port))
    started = [_start(folder / "master", "spark-class", *given)]
    try:
        _wait(lambda: _listens(port), "a master that listens", started[0], 120)
        for number in range(workers):
            place = folder / f"worker{number}"
            given = (f"{daemon}.worker.Worker", *here, "-c", "1", "-m", "1g",
                     "-d", str(place / "work"), master)  # fmt: skip
            started.append(_start(place, "spark-class", *given))
        yield Cluster(master, started[1:])
    finally:
        _end(started)


@contextmanager
def thrift_server(folder: Path, conf: Mapping[str, str]) -> Iterator[str]:
    """A Thrift server of two tasks at once, its metastore below `folder`; gives host:port."""
    port = _free_port()
    conf = {**conf, "spark.hadoop.hive.server2.thrift.port": str(port),
            "spark.hadoop.hive.server2.thrift.bind.host": _HOST,
            "spark.sql.warehouse.dir": str(folder / "warehouse"),
            "spark.ui.enabled": "false"}  # fmt: skip
    given = [part for name, value in conf.items() for part in ("--conf", f"{name}={value}")]
    server = "org.apache.spark.sql.hive.thriftserver.HiveThriftServer2"
    started = [_start(folder, "spark-submit", "--class", server, "--master", "local[2]",
                      *given, "spark-internal")]  # fmt: skip
    try:
        _wait(lambda: _listens(port), "a server that listens", started[0], 300)
        yield f"{_HOST}:{port}"
    finally:
        _end(started)


def _end(started: list[subprocess.Popen[bytes]]) -> None:
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _start(folder: Path, script: str, *arguments: str) -> subprocess.Popen[bytes]:
    spec = find_spec("pyspark")
    assert spec and spec.origin
    home = Path(spec.origin).parent
    (folder / "scratch").mkdir(parents=True)
    environment = os.environ | {
        "SPARK_HOME": str(home), "SPARK_LOCAL_IP": _HOST, "SPARK_DAEMON_MEMORY": "2g",
        "SPARK_LOCAL_DIRS": str(folder / "scratch"),
    }  # fmt: skip
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [home / "bin" / script, *arguments], cwd=folder, env=environment,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((_HOST, 0))
        return int(taken.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex((_HOST, port)) == 0


class Command:
    """`kpi run --target spark` of a data folder for a day, begun; leads a group of processes."""

    def __init__(self, home: Path, day: int) -> None:
        self.log = home.with_name(f"{home.name}.events")
        self.log.mkdir(exist_ok=True)
        self._before = set(self.log.iterdir())
        self._said = home.with_name(f"{home.name}.out")
        as_of = LAST_DAY + timedelta(days=day)
        arguments = ("run", "--target", "spark", "--date", as_of.isoformat())
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "orchestration.cli.main", *arguments],
                env=shop.environment(home), stdout=said, stderr=said, start_new_session=True,
            )  # fmt: skip

    @staticmethod
    def settings(home: Path) -> dict[str, str]:
        """Settings of Spark by which `events` sees what it does."""
        folder = home.with_name(f"{home.name}.events")
        folder.mkdir(parents=True, exist_ok=True)
        return {"spark.eventLog.enabled": "true", "spark.eventLog.dir": folder.as_uri(),
                "spark.eventLog.rolling.enabled": "false",
                "spark.eventLog.compress": "false"}  # fmt: skip

    def events(self, kind: str) -> list[dict[str, Any]]:
        """What Spark has written down of a kind, such as StageSubmitted; up to the last stage."""
        files = set(self.log.iterdir()) - self._before
        lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
        name = f'{{"Event":"SparkListener{kind}"'
        found = []
        for line in lines:
            if line.startswith(name):
                with suppress(json.JSONDecodeError):  # half of it is written
                    found.append(json.loads(line))
        return found

    def stages(self, wanted: int) -> None:
        """Wait until so many stages have begun."""
        _wait(lambda: len(self.events("StageSubmitted")) >= wanted, "stages", self.process)

    def stands_still(self, seconds: float = 15) -> None:
        """Wait until no stage has begun for so long."""
        seen = [0]

        def nothing_new() -> bool:
            begun = len(self.events("StageSubmitted"))
            seen.append(begun)
            return len(seen) > 2 * seconds and begun == seen[-int(2 * seconds)]

        _wait(nothing_new, "time without a stage", self.process)

    def ends(self) -> int:
        """Wait for its end, and that of all it started; returns its exit code."""
        code = self.process.wait(_LONGEST)
        _wait(self._is_gone, "the end of what it started", None, 60)
        return code

    def _is_gone(self) -> bool:
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def kill(self) -> None:
        """End the command, but not Java, which it started."""
        self.process.kill()

    def kill_java(self) -> None:
        """End the Java that it started, as a machine without memory does."""
        [java] = [
            int(stat.parent.name)
            for stat in Path("/proc").glob("[0-9]*/stat")
            if _parent_and_name(stat) == (str(self.process.pid), "java")
        ]
        os.kill(java, signal.SIGKILL)

    @property
    def said(self) -> str:
        """Its output."""
        return self._said.read_text("utf-8", "replace")


def _parent_and_name(stat: Path) -> tuple[str, str]:
    try:
        name, _, rest = stat.read_text("utf-8").rpartition(")")
    except OSError:  # it has ended
        return "", ""
    return rest.split()[1], name.partition("(")[2]


def _wait(
    until: Callable[[], bool],
    what: str,
    process: subprocess.Popen[bytes] | None,
    longest: float = _LONGEST,
) -> None:
    deadline = time.monotonic() + longest
    while not until():
        assert process is None or process.poll() is None, f"it ended before there were {what}"
        assert time.monotonic() < deadline, f"no {what} in {longest} s"
        time.sleep(0.5)

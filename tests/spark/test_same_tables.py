"""Spark builds the golden shop, all data tests passed, into the tables that DuckDB builds of it.

Once on this machine, and once on a cluster of which a worker dies at work.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import duckdb
import pytest

from orchestration.build import spark
from tests.support.on_spark import (
    built_here,
    built_there,
    differences,
    settings,
    skip_without_spark,
)

pytestmark = pytest.mark.spark
PORT = 17077


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build file of DuckDB."""
    skip_without_spark()
    return built_here(tmp_path_factory.mktemp("ours"))


def test_every_table_is_equal(ours: Path, tmp_path: Path) -> None:
    configured = settings(tmp_path)
    assert differences(ours, built_there(configured)) == {}
    assert not spark.folder_of(configured).exists()


def test_a_table_that_differs_or_is_missing_is_seen(ours: Path, tmp_path: Path) -> None:
    file = tmp_path / "kpi.duckdb"
    file.write_bytes(ours.read_bytes())
    with duckdb.connect(file) as con:
        con.execute("drop table marts.dim_date")
        con.execute("update marts.fct_gmv_daily set gmv = gmv + 0.01 where orders = 1")
        con.execute("update marts.fct_gmv_change set gmv = gmv + 1e-9 where gmv > 0")
    wrong = {"marts.dim_date", "marts.fct_gmv_daily", "marts.fct_gmv_change"}
    assert set(differences(ours, file)) == wrong


@contextmanager
def _process(log: Path, name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A part of a standalone cluster, on this machine alone."""
    found = find_spec("pyspark")
    assert found is not None and found.origin is not None
    home = Path(found.origin).parent
    environment = {**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [str(home / "bin/spark-class"), f"org.apache.spark.deploy.{name}", *arguments]
    with log.open("wb") as said:
        process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def _said(log: Path, text: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while text not in log.read_text("utf-8", errors="replace"):
        assert time.monotonic() < end, log.read_text("utf-8", errors="replace")[-2000:]
        time.sleep(0.2)


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def test_a_worker_that_dies_at_work_changes_no_table(ours: Path, tmp_path: Path) -> None:
    configured = settings(
        tmp_path / "home",
        master=f"spark://127.0.0.1:{PORT}",
        executor_memory="1g",
        conf={"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"},
    )
    killed: list[int] = []
    logs = {name: tmp_path / f"{name}.log" for name in ("master", "first", "second")}
    with ExitStack() as cluster:
        cluster.enter_context(_process(
            logs["master"], "master.Master", "--host", "127.0.0.1", "--port", str(PORT),
            "--webui-port", "0",
        ))  # fmt: skip
        _said(logs["master"], "I have been elected leader")
        workers = [
            cluster.enter_context(_process(
                logs[name], "worker.Worker", "-h", "127.0.0.1", "-c", "1", "-m", "1500m",
                "--webui-port", "0", "-d", str(tmp_path / name), f"spark://127.0.0.1:{PORT}",
            ))
            for name in ("first", "second")
        ]  # fmt: skip
        for name in ("first", "second"):
            _said(logs[name], "Successfully registered with master")

        def kill_one() -> None:
            built = spark.folder_of(configured) / "intermediate"
            while len(list(built.glob("int_*/*.parquet"))) < 20:
                time.sleep(0.1)
            for process in (*_children(workers[1].pid), workers[1].pid):
                os.kill(process, signal.SIGKILL)
                killed.append(process)

        killer = Thread(target=kill_one, daemon=True)
        killer.start()
        theirs = built_there(configured)
        killer.join(1)
        assert len(killed) == 2  # its executor and itself, while models were built
        assert workers[0].poll() is None and workers[1].wait(5) == -signal.SIGKILL
    assert differences(ours, theirs) == {}

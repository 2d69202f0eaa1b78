"""Readers of the published file while runs publish: no lock, and each read is of one generation."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build import warehouse
from orchestration.config.settings import Paths
from tests.support import shop

# As a client reads: connect by the link, ask several things, reconnect. A process each, as locks
# are between processes. What differs between two questions of one connection is torn.
READER = """
import json, os, sys, time
import duckdb
link, stop, rest, *questions = sys.argv[1:]
told = {"reads": 0, "errors": [], "torn": [], "generations": {}}
while not os.path.exists(stop):
    try:
        with duckdb.connect(link, read_only=True) as con:
            first = [con.execute(question).fetchall() for question in questions]
            time.sleep(0.02)
            again = [con.execute(question).fetchall() for question in questions]
    except Exception as error:
        told["errors"].append(f"{type(error).__name__}: {error}")
        continue
    told["reads"] += 1
    if first != again:
        told["torn"].append(str((first, again)))
    told["generations"][str(first[0])] = str(first[1:])
    time.sleep(float(rest))
print(json.dumps(told))
"""


@contextmanager
def readers(
    count: int, link: Path, *questions: str, rest: float = 0.0
) -> Iterator[Callable[[], list[Any]]]:
    """Processes that read in a loop; what each was told, once they are asked to end.

    Each rests for some seconds between two reads: twenty that never do leave a run no processor.
    """
    stop = link.with_name("stop")
    program = [sys.executable, "-c", READER, str(link), str(stop), str(rest), *questions]
    started = [subprocess.Popen(program, stdout=subprocess.PIPE) for _ in range(count)]

    def told() -> list[Any]:
        stop.touch()
        return [json.loads(reader.communicate(timeout=120)[0]) for reader in started]

    try:
        yield told
    finally:
        for reader in started:
            reader.kill()
            reader.wait()


def held(told: list[Any], least: int) -> dict[str, str]:
    """Generation -> what all readers saw in it; fails with the first thing that went wrong."""
    assert [error for one in told for error in one["errors"]] == []
    assert [torn for one in told for torn in one["torn"]] == []
    assert all(one["reads"] > least for one in told)
    seen: dict[str, str] = {}
    for one in told:
        for generation, rows in one["generations"].items():
            assert seen.setdefault(generation, rows) == rows
    return seen


def test_readers_see_whole_generations_while_ten_are_published(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    paths.make()

    def publish(number: int) -> None:
        with warehouse.connect(paths.working_build) as con:
            for schema in warehouse.PUBLISHED_SCHEMAS:
                con.execute(f"create schema if not exists {schema}")
            for table in ("quality.run", "marts.fct_orders", "insights.incidents"):
                con.execute(
                    f"create or replace table {table} as"
                    f" select {number} as a from range({number * 1000})"
                )
        file = warehouse.write_generation(paths, f"{number:03}", {})
        warehouse.promote_build(paths)
        warehouse.point(paths.current, file)
        warehouse.drop_old_generations(paths, keep=3)
        warehouse.begin_build(paths, fresh=False)

    publish(1)
    asked = [
        f"select min(a), max(a), count(*) from {table}"
        for table in ("quality.run", "marts.fct_orders", "insights.incidents")
    ]
    with readers(3, paths.current, *asked) as told:
        time.sleep(1)  # until they read
        for number in range(2, 11):
            publish(number)
            time.sleep(0.05)
        seen = held(told(), 5)
    assert len(seen) > 3
    for generation, rows in seen.items():
        number = int(generation.strip("[]()").split(",")[0])
        row = f"[({number}, {number}, {number * 1000})]"
        assert (generation, rows) == (row, f"[{row}, {row}]")


@pytest.mark.long
def test_twenty_readers_through_ten_kept_builds(copy_home: Callable[[str], Path]) -> None:
    home = copy_home("read")
    link = home / "data/published/current.duckdb"
    asked = [
        "select run_id from quality.run",
        "select sum(paid_amount) from marts.fct_orders where is_paid",
        "select sum(gmv) from marts.fct_gmv_daily where dimension = 'all'",
    ]
    with duckdb.connect(str(link.resolve()), read_only=True) as con:
        [(gmv,)] = con.execute(asked[2]).fetchall()
    with readers(20, link, *asked, rest=1.0) as told:
        for _ in range(10):
            shop.run(home, shop.LAST_DAY, "--full")
        answers = told()
        seen = held(answers, 50)
    assert len(seen) >= 10
    assert sum(one["reads"] for one in answers) > 1000
    amount = f"[(Decimal('{gmv}'),)]"
    assert set(seen.values()) == {f"[{amount}, {amount}]"}

"""Days of the golden shop on Spark, with deaths in the middle: what is published is DuckDB's.

The first day is built by a cluster that loses a worker; on the second Java dies, and then the
command; on the third the second has no rows any more.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from orchestration.build import spark
from orchestration.config.settings import Paths, Settings
from tests.support.on_spark import (
    deliver,
    new_home,
    published_differences,
    run_here,
    skip_without_spark,
)
from tests.support.spark_cluster import Command, cluster, thrift_server

pytestmark = pytest.mark.spark

DAYS = 3
# So few rows are sooner read than code for them is generated and compiled.
QUICK = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}
LOOPBACK = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What DuckDB publishes on each day."""
    skip_without_spark()
    home = new_home(tmp_path_factory.mktemp("ours") / "home")
    files = []
    for day in range(DAYS):
        run_here(home, day)
        files.append(home.with_name(f"day{day}.duckdb"))
        shutil.copyfile(published(home), files[-1])
    return files


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of which nothing is built yet."""
    return new_home(tmp_path_factory.mktemp("theirs") / "home")


def published(home: Path) -> Path:
    return Paths(home).current.resolve()


def build_by(home: Path, **told: Any) -> None:
    """Section `build.spark` of a data folder."""
    told["conf"] = QUICK | Command.settings(home) | told.get("conf", {})
    file = yaml.safe_load((home / "shop.yml").read_text("utf-8"))
    file["build"] = {"spark": {"shuffle_partitions": 2, "driver_memory": "1500m", **told}}
    (home / "shop.yml").write_text(yaml.safe_dump(file, sort_keys=False), "utf-8")


def left_over(home: Path) -> list[Path]:
    """What a run has made that a run which ended well does not leave."""
    paths = Paths(home)
    known = {paths.good_build, paths.build / "dbt_target"}  # statements, no rows
    kept = [file for file in paths.build.rglob("*") if not known & {file, *file.parents}]
    return [file for file in kept if file.is_file()] + [*paths.published.glob(".partial_*")]


@pytest.fixture(scope="module")
def first_day(theirs: Path, ours: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Command:
    """A run on a cluster of two workers, one of which stands still, and then dies."""
    deliver(theirs, 0)
    with cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        lost = {"spark.shuffle.readHostLocalDisk": "false"}  # as if on machines of their own
        build_by(theirs, master=nodes.master, executor_memory="512m", conf=LOOPBACK | lost)
        command = Command(theirs, 0)
        command.stages(150)
        nodes.freeze(0)
        command.stands_still()  # for that worker has been given work
        nodes.kill(0)
        assert command.ends() == 0, command.said
    return command


def test_a_cluster_that_loses_a_worker_builds_the_same(
    first_day: Command, theirs: Path, ours: list[Path]
) -> None:
    assert published_differences(ours[0], published(theirs)) == {}
    assert left_over(theirs) == []


def test_that_worker_had_a_part_in_it(first_day: Command) -> None:
    [lost] = first_day.events("ExecutorRemoved")[:1]
    ended = first_day.events("TaskEnd")
    by = [task["Task Info"]["Executor ID"] for task in ended]
    assert len(set(by)) > 1 and by.count(lost["Executor ID"]) > 20
    reasons = [task["Task End Reason"]["Reason"] for task in ended]
    assert {"ExecutorLostFailure", "FetchFailed"} & set(reasons)
    assert by[-1] != lost["Executor ID"]


@pytest.fixture(scope="module")
def second_day(first_day: Command, theirs: Path) -> list[tuple[int, str, bool, list[Path]]]:
    """Two runs that die: exit code, output, whether readers saw what they had, what is left."""
    deliver(theirs, 1)
    build_by(theirs)
    before = published(theirs)
    seen = []
    for death in (Command.kill_java, Command.kill):
        command = Command(theirs, 1)
        command.stages(60)
        death(command)
        code = command.ends()
        seen.append((code, command.said, published(theirs) == before, left_over(theirs)))
    return seen


def test_java_that_dies_ends_the_run_and_leaves_no_rows(
    second_day: list[tuple[int, str, bool, list[Path]]],
) -> None:
    code, said, is_as_before, left = second_day[0]
    assert code == 1 and "Spark's Java ended in the middle, exit code -9" in said, said
    assert is_as_before and left == []


def test_a_killed_command_moves_nothing_and_the_next_run_clears_up(
    second_day: list[tuple[int, str, bool, list[Path]]], theirs: Path, ours: list[Path]
) -> None:
    code, _, is_as_before, left = second_day[1]
    assert code == -9 and is_as_before
    place = spark.folder_of(Settings(Paths(theirs), theirs / "shop.yml", _file(theirs)))
    assert any(place in file.parents for file in left)
    assert published_differences(ours[0], published(theirs)) == {}
    command = Command(theirs, 1)
    assert command.ends() == 0, command.said
    assert published_differences(ours[1], published(theirs)) == {}
    assert left_over(theirs) == []


def _file(home: Path) -> Any:
    from orchestration.config.sections import ShopFile

    return ShopFile.model_validate(yaml.safe_load((home / "shop.yml").read_text("utf-8")))


def test_a_day_that_has_no_rows_any_more_is_emptied(
    second_day: object, theirs: Path, ours: list[Path]
) -> None:
    emptied = "select count(*) from marts.{} where business_date = date '2026-11-14'"
    for file, is_there in ((published(theirs), True), (ours[1], True), (ours[2], False)):
        with duckdb.connect(str(file), read_only=True) as con:
            for table in ("fct_orders", "fct_sessions"):
                assert (con.execute(emptied.format(table)).fetchall() != [(0,)]) is is_there
    deliver(theirs, 2)
    command = Command(theirs, 2)
    assert command.ends() == 0, command.said
    assert published_differences(ours[2], published(theirs)) == {}


def test_a_thrift_server_builds_the_same_twice(ours: list[Path], tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    with thrift_server(tmp_path / "server", QUICK | {"spark.sql.shuffle.partitions": "2"}) as place:
        build_by(home, thrift=place)
        for day in range(2):  # the second run meets what the metastore keeps of the first
            deliver(home, day)
            command = Command(home, day)
            assert command.ends() == 0, command.said
            assert published_differences(ours[day], published(home)) == {}
            assert left_over(home) == []

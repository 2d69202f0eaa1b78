"""Files of the warehouse: the lock, the swap of pointers, what is published, rollback."""

import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest

from orchestration.build import warehouse
from orchestration.config.settings import Paths
from orchestration.errors import ExitCode, KpiError


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path)
    made.make()
    return made


def build(paths: Paths, value: int) -> None:
    with warehouse.connect(paths.working_build) as con:
        for schema in ("raw", "staging", *warehouse.PUBLISHED_SCHEMAS):
            con.execute(f"create schema if not exists {schema}")
        con.execute(f"create or replace table marts.fct_orders as select {value} as a, 'x' as b")
        con.execute("create or replace table staging.secret as select 'marker-in-staging' as s")
        con.execute(f"create or replace table quality.run as select {value} as a")


def publish(paths: Paths, run_id: str, value: int) -> None:
    build(paths, value)
    file = warehouse.write_generation(
        paths, run_id, {"marts.fct_orders": "One row per order.", "marts.fct_orders.a": "It's a."}
    )
    warehouse.promote_build(paths)
    warehouse.point(paths.current, file)


def test_only_public_schemas_are_published_with_their_comments(paths: Paths) -> None:
    publish(paths, "20260101T000000000001", 1)
    with warehouse.connect_published(paths.current) as con:
        schemas = {
            row[0]
            for row in con.execute(
                "select distinct table_schema from information_schema.tables"
            ).fetchall()
        }
        comment = con.execute(
            "select comment from duckdb_tables() where table_name = 'fct_orders'"
        ).fetchone()
        column = con.execute(
            "select comment from duckdb_columns()"
            " where table_name = 'fct_orders' and column_name = 'a'"
        ).fetchone()
    assert schemas == {"marts", "quality"}
    assert comment == ("One row per order.",)
    assert column == ("It's a.",)
    assert b"marker-in-staging" not in paths.current.read_bytes()
    assert not list(paths.published.glob("*.wal"))


def test_published_file_has_the_old_storage_version(paths: Paths) -> None:
    publish(paths, "20260101T000000000001", 1)
    with warehouse.connect_published(paths.current) as con:
        tags = con.execute("select tags from duckdb_databases() where not internal").fetchone()
    assert "v1.2" in str(tags)


def test_an_open_reader_keeps_its_generation_and_a_new_one_sees_the_next(paths: Paths) -> None:
    publish(paths, "20260101T000000000001", 1)
    with warehouse.connect_published(paths.current) as old:
        publish(paths, "20260102T000000000001", 2)
        with warehouse.connect_published(paths.current) as new:
            assert new.execute("select a from marts.fct_orders").fetchone() == (2,)
        assert old.execute("select a from marts.fct_orders").fetchone() == (1,)


def test_readers_never_see_a_mixture_while_generations_are_swapped(paths: Paths) -> None:
    publish(paths, "20260101T000000000000", 0)
    seen: list[tuple[int, int]] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with warehouse.connect_published(paths.current) as con:
                seen.append(
                    con.execute(
                        "select o.a, r.a from marts.fct_orders as o, quality.run as r"
                    ).fetchone()
                )  # type: ignore[arg-type]

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(1, 9):
        publish(paths, f"20260101T00000000000{n}", n)
    stop.set()
    reader.join()
    assert seen and all(left == right for left, right in seen)


def test_rollback_goes_back_one_generation_and_then_refuses(paths: Paths) -> None:
    publish(paths, "20260101T000000000001", 1)
    publish(paths, "20260102T000000000001", 2)
    assert warehouse.rollback(paths) == "20260101T000000000001"
    with warehouse.connect_published(paths.current) as con:
        assert con.execute("select a from marts.fct_orders").fetchone() == (1,)
    with pytest.raises(KpiError, match="no older generation"):
        warehouse.rollback(paths)


def test_old_generations_are_dropped_but_never_the_current_one(paths: Paths) -> None:
    for n in range(1, 6):
        publish(paths, f"2026010{n}T000000000001", n)
    warehouse.point(paths.current, paths.published / "marts_20260101T000000000001.duckdb")
    (paths.published / ".partial_torn.duckdb").write_bytes(b"torn")
    warehouse.drop_old_generations(paths, keep=3)
    assert [g[:8] for g in warehouse.generations(paths)] == [
        "20260101",
        "20260103",
        "20260104",
        "20260105",
    ]
    assert not (paths.published / ".partial_torn.duckdb").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from read_text('/etc/passwd')",
        "copy (select 1) to '/tmp/kpi_leak.csv'",
        "attach '/tmp/kpi_other.duckdb'",
        "install httpfs",
        "set enable_external_access = true",
        "set memory_limit = '100GB'",
        "export database '/tmp/kpi_leak'",
        "create table marts.mine as select 1",
        "delete from marts.fct_orders",
    ],
)
def test_the_sandbox_refuses(paths: Paths, statement: str) -> None:
    publish(paths, "20260101T000000000001", 1)
    with warehouse.connect_published(paths.current) as con, pytest.raises(duckdb.Error):
        con.execute(statement)


def test_the_lock_is_exclusive_and_death_releases_it(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path\n"
            "from orchestration.build.warehouse import run_lock\n"
            "with run_lock(Path(sys.argv[1]), 'first'):\n"
            "    print('held', flush=True); time.sleep(60)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    with (
        pytest.raises(KpiError, match="run first") as refused,
        warehouse.run_lock(tmp_path, "second"),
    ):
        pass
    assert refused.value.code == ExitCode.LOCK_HELD == 7
    holder.kill()
    holder.wait()
    with warehouse.run_lock(tmp_path, "third", wait_seconds=5):
        pass


def test_a_waiting_run_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    order: list[str] = []
    entered = threading.Event()

    def first() -> None:
        with warehouse.run_lock(tmp_path, "first"):
            entered.set()
            threading.Event().wait(0.5)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    entered.wait()
    with warehouse.run_lock(tmp_path, "second", wait_seconds=10):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_rows_that_did_not_change_are_carried_over(paths: Paths) -> None:
    """A generation made from the one before equals one written anew, cell for cell."""
    sessions = "select d, 100 * d + i as s from range(1, 6) as a(d), range(3) as b(i)"
    with warehouse.connect(paths.working_build) as con:
        for schema in warehouse.PUBLISHED_SCHEMAS:
            con.execute(f"create schema {schema}")
        con.execute(f"create table marts.fct_sessions as {sessions}")
        con.execute("create table marts.gone as select 1 as a")
    first = warehouse.write_generation(paths, "20260101T000000000001", {})
    warehouse.point(paths.current, first)
    with warehouse.connect(paths.working_build) as con:
        con.execute("delete from marts.fct_sessions where d = 2")  # a day that became empty
        con.execute("update marts.fct_sessions set s = -s where d = 4")
        con.execute("insert into marts.fct_sessions values (6, 600), (null, 0)")
        con.execute("drop table marts.gone")
        con.execute("create table insights.new as select 7 as a")
    told = {"marts.fct_sessions.s": "Its number."}
    carried = warehouse.write_generation(
        paths, "20260102T000000000001", told, {"marts.fct_sessions": "d not in (2, 4, 6)"}
    )
    anew = warehouse.write_generation(paths, "20260103T000000000001", told)
    with duckdb.connect() as con:
        con.execute(f"attach '{carried}' as carried (read_only)")
        con.execute(f"attach '{anew}' as anew (read_only)")
        both = [
            con.execute(
                "select schema_name, table_name, column_name, data_type, comment"
                f" from duckdb_columns() where database_name = '{name}' order by all"
            ).fetchall()
            for name in ("carried", "anew")
        ]
        assert both[0] == both[1]
        rows = [con.execute(f"from {name}.marts.fct_sessions order by all").fetchall()
                for name in ("carried", "anew")]  # fmt: skip
    assert rows[0] == rows[1]
    assert len(rows[0]) == 14
    assert carried.stat().st_mode & 0o777 == 0o440
    with warehouse.connect_published(first) as con:
        assert con.execute("select count(*) from marts.fct_sessions").fetchone() == (15,)

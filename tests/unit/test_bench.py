"""The benchmark: what it makes up, what it measures, and what it writes where."""

import csv
import sys
from pathlib import Path
from xml.etree import ElementTree

import duckdb
import pytest

from benchmarks.bench import _FAMILIES, family_of
from benchmarks.large_shop import LAST_DAY, SHAPES, write
from benchmarks.measure import measured
from benchmarks.peers import PEERS
from benchmarks.reference import FAMILIES
from benchmarks.report import bars, table, write_section


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("large")
    assert write(home, SHAPES["realistic"], 40_000, 84) == LAST_DAY
    return home / "data/inbox"


def test_the_large_shop_is_as_hard_as_it_says(made: Path) -> None:
    with duckdb.connect() as con:
        con.execute(
            "create table e as select *, event_id as id"
            f" from read_csv('{made}/web/events_*.csv', filename = true)"
        )
        rows, ids, visitors, purchases, last = con.execute(
            "select count(*), count(distinct id), count(distinct visitor_id),"
            " count(distinct order_id), max(occurred_at)::date from e"
        ).fetchall()[0]
        late = con.execute(
            "select count(*) from e where occurred_at"
            " < strptime(regexp_extract(filename, '_(\\d{8})', 1), '%Y%m%d') - to_days(28)"
        ).fetchall()[0][0]
        unsorted = con.execute(
            "select count(*) from"
            " (select occurred_at < lag(occurred_at) over (order by rowid) as back from e)"
            " where back"
        ).fetchall()[0][0]
        ties = con.execute(
            "select sum(n) from (select count(distinct id) as n from e"
            " group by visitor_id, occurred_at having n > 1)"
        ).fetchall()[0][0]
    assert 36_000 < ids < 44_000
    assert ids < rows < 1.01 * ids  # half of a hundred is told again
    assert last == LAST_DAY
    assert 0.01 < late / rows < 0.03
    assert unsorted / rows > 0.2
    assert 0.01 < ties / rows < 0.2
    assert 8 < ids / visitors < 30
    assert 0.018 < purchases / (ids / 8) < 0.032


def test_a_file_of_refunds_tells_of_none_to_come(made: Path) -> None:
    for path in made.glob("*/refunds_*.csv"):
        with path.open() as file:
            times = [row["refunded_at"] for row in csv.DictReader(file)]
        day = path.stem.rpartition("_")[2]
        assert all(told[:10].replace("-", "") < day for told in times)


def test_the_order_heavy_shop_has_an_order_for_every_few_events(tmp_path: Path) -> None:
    write(tmp_path, SHAPES["order_heavy"], 6_000, 56)
    with duckdb.connect() as con:
        events, orders = con.execute(
            f"select (select count(*) from '{tmp_path}/data/inbox/web/events_*.csv'),"
            f" (select count(distinct order_id) from '{tmp_path}/data/inbox/*/orders_*.csv')"
        ).fetchall()[0]
    assert 3 < events / orders < 8


@pytest.mark.parametrize("name", ["product", "duckdb", "polars", "pandas"])
def test_every_loader_writes_all_rows_with_their_instants(
    name: str, made: Path, tmp_path: Path
) -> None:
    files = sorted((made / "web").glob("events_*.csv"))[:2]
    rows = sum(len(path.read_text().splitlines()) - 1 for path in files)
    assert PEERS[name](files, tmp_path) == rows
    with duckdb.connect() as con:
        told = con.execute(
            f"select count(occurred_at), any_value(typeof(occurred_at))"
            f" from '{tmp_path}/**/*.parquet'"
        ).fetchall()
    assert told == [(rows, "TIMESTAMP")]


def test_a_command_is_measured_with_all_that_it_starts() -> None:
    child = "import time; kept = bytearray(120_000_000); sum(range(5_000_000)); time.sleep(0.5)"
    parent = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); print('told')"
    )
    cost = measured([sys.executable, "-c", parent])
    assert (cost.code, cost.told) == (0, "told\n")
    assert cost.wall >= 0.5 and 0 < cost.cpu < cost.wall + 1
    assert cost.peak > 110
    assert measured([sys.executable, "-c", "raise SystemExit(3)"]).code == 3


def test_a_section_is_written_between_its_markers_and_nowhere_else(tmp_path: Path) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text("# By hand\n\nfirst\n")
    write_section("S", "one", page)
    write_section("M", "other", page)
    page.write_text(page.read_text() + "\nlast, by hand\n")
    before = page.read_text()
    write_section("S", "two", page)
    assert page.read_text() == before.replace("one", "two")
    assert table(("a", "b"), [(1, "x")]) == "| a | b |\n| --- | --- |\n| 1 | x |"


def test_bars_are_as_long_as_their_figures() -> None:
    picture = ElementTree.fromstring(bars("t", ("a", "b"), {"x": (2.0, 1.0), "y": (None, 0.5)}))
    drawn = [float(bar.attrib["width"]) for bar in picture.findall("{*}rect")
             if bar.attrib["height"] == "11"]  # fmt: skip
    assert drawn == [480.0, 240.0, 120.0]


def test_every_family_of_the_floor_has_models_and_the_other_way_round() -> None:
    assert set(FAMILIES) == {*_FAMILIES.values(), "setup"}
    assert family_of("int_sessions_built") == "sessions"
    assert family_of("dim_customer") == "customers"
    assert family_of("dim_product") is None
    assert family_of("fct_gmv_change") is None

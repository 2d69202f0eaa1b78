"""Publishing, ended at each of its writes: readers see one whole, a plain run mends all."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.build import dbt, warehouse
from orchestration.config.settings import Paths, Settings, load
from orchestration.defs.publish import outbox, published_marts, published_site
from orchestration.run import Run, open_run
from tests.support import shop
from tests.support.kills import KILL

KEPT = 3  # generations, by default


def _small(con: duckdb.DuckDBPyConnection, home: Path, since: str) -> None:
    """Of the finished shop's tables those that the last steps look at, the facts of late days."""
    con.execute(f"attach '{home / 'data/build/good.duckdb'}' as shop (read_only)")
    for schema in warehouse.PUBLISHED_SCHEMAS:
        con.execute(f"create schema {schema}")
    names = con.execute(
        "select schema_name, table_name from duckdb_tables() where database_name = 'shop'"
        " and (schema_name in ('insights', 'quality')"
        " or table_name in ('fct_gmv_change', 'fct_month_close'))"
    ).fetchall()
    for schema, name in names:
        late = f"where business_date >= '{since}'" if name == "fct_gmv_change" else ""
        con.execute(f"create table {schema}.{name} as from shop.{schema}.{name} {late}")
    con.execute("delete from insights.incidents where last_date < ?", [since])
    con.execute("detach shop")


@pytest.fixture
def home(finished_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with one generation of few tables, and `small.duckdb` to build more of."""

    def site(frames: object, info: Any, out: Path, kept: object) -> None:
        (out / "assets").mkdir(parents=True)
        (out / "index.html").write_text(info.run_id)

    monkeypatch.setattr("dashboards.site.build_site", site)
    monkeypatch.setattr("orchestration.alerting.reports.send_reports", lambda *_: [])
    monkeypatch.setattr(dbt, "comments", lambda _: {})
    monkeypatch.setattr(Settings, "code_fingerprint", lambda *_: "this code")  # hashes 700 files
    folder = tmp_path / "home"
    shutil.copytree(finished_home / "data/state", folder / "data/state")
    shutil.copyfile(finished_home / "shop.yml", folder / "shop.yml")
    with warehouse.connect(folder / "small.duckdb") as con:
        _small(con, finished_home, str(shop.LAST_DAY - timedelta(days=9)))
    monkeypatch.setenv("KPI_HOME", str(folder))
    dbt.prepare_manifest()
    Paths(folder).make()
    end(folder, days=0)
    return folder


def _settings(home: Path) -> Settings:
    os.environ["KPI_HOME"] = str(home)
    return load()


def end(home: Path, days: int) -> None:
    """The last steps of a run for a day, on a build that passed its audit."""
    settings = _settings(home)
    with open_run(settings, as_of=shop.LAST_DAY + timedelta(days=days)) as run:
        if run.is_unchanged:
            return
        shutil.copyfile(home / "small.duckdb", run.paths.working_build)
        with warehouse.connect(run.paths.working_build) as con:
            con.execute("update quality.run set run_id = ?", [run.run_id])
        for asset in (published_marts, published_site, outbox):
            asset.op.compute_fn.decorated_fn(None, run=run)  # type: ignore[union-attr]


def seen(home: Path) -> tuple[str, str]:
    """Run ids of the database and of the pages that readers see, each whole."""
    paths = Paths(home)
    with warehouse.connect_published(paths.current) as con:
        [(run_id,)] = con.execute("select run_id from quality.run").fetchall()
        assert con.execute("select count(*) from marts.fct_gmv_change").fetchall() != [(0,)]
    assert run_id == warehouse.current_generation(paths)
    return run_id, (paths.site / "index.html").read_text()


def is_done(home: Path, days: int) -> bool:
    """Whether the next run for a day would have nothing to do."""
    settings = _settings(home)
    run = Run(settings, "next", "next", as_of=shop.LAST_DAY + timedelta(days=days), full=False)
    return run.is_unchanged


def killed(home: Path, copy: Path, writes: int) -> bool:
    """Whether a run of the next day is killed after so many writes, in a copy of the home."""
    if not copy.exists():
        shutil.copytree(home, copy, symlinks=True)
    return KILL.during(lambda: end(copy, days=1), writes)


@pytest.mark.parametrize(
    "first", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(1, 9))]
)
def test_a_kill_at_any_write_of_publishing_is_mended_by_the_next_run(
    home: Path, first: int, tmp_path: Path
) -> None:
    """At every ninth write; the others are killed in the full suites."""
    before = seen(home)
    assert is_done(home, days=0)
    assert not is_done(home, days=1)
    between = 0
    for writes in count(first, 9):
        copy = tmp_path / f"killed_{writes}"
        if not killed(home, copy, writes):
            break
        database, pages = seen(copy)
        if is_done(copy, days=1):
            assert database == pages > before[0], f"done after {writes} writes"
        elif database > pages:
            between = writes
        end(copy, days=1)
        mended = seen(copy)
        assert mended[0] == mended[1] > before[0], f"killed after {writes} writes"
        assert is_done(copy, days=1)
        shutil.rmtree(copy)
    assert writes > between > 10
    # As often as generations are kept, and once more: what readers see is never dropped.
    for _ in range(KEPT + 1):
        assert killed(home, tmp_path / "often", between)
        assert seen(tmp_path / "often")[1] == before[1]

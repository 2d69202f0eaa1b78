"""Generations in the order of the runs whatever the clock says, and going back and forth."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.build import warehouse
from orchestration.cli import tools
from orchestration.cli.show import queried
from orchestration.errors import KpiError
from orchestration.ledger.retention import drop_old_files
from orchestration.run import PINNED, new_run_id, open_run
from tests.faults.test_troubles import publish
from tests.support.homes import Home

NOW = datetime(2026, 11, 30, 6, tzinfo=UTC)
# Steps of the clock from run to run: on, back an hour and a year, ahead ten years, and back.
CLOCKS = [NOW + timedelta(days=days) for days in (0, 1, 1 - 1 / 24, -365, 3650, 2, 2, 3, 4)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    made = Home(tmp_path / "home")
    monkeypatch.setenv("KPI_HOME", str(made.paths.home))
    return made


def at(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr("time.time_ns", lambda: int(now.timestamp() * 1e9))


def run_at(home: Home, now: datetime, monkeypatch: pytest.MonkeyPatch) -> str:
    at(monkeypatch, now)
    with open_run(home.settings) as run:
        publish(home, run.run_id, rows=10)
        site = home.paths.published / f"site_{run.run_id}"
        (site / "assets").mkdir(parents=True)
        warehouse.point(home.paths.site, site)
        warehouse.drop_old_generations(home.paths, 3, run.state.get(PINNED))
        return run.run_id


def test_generations_are_in_the_order_of_the_runs_and_the_last_is_never_dropped(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    for now in CLOCKS:
        made.append(run_at(home, now, monkeypatch))
        assert warehouse.generations(home.paths) == made[-3:]
        assert warehouse.current_generation(home.paths) == made[-1]
    assert made == sorted(made)
    assert warehouse.rollback(home.paths) == made[-2]


def test_a_state_from_a_backup_does_not_put_a_new_generation_behind(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    last = run_at(home, NOW + timedelta(days=3650), monkeypatch)
    with home.state.connect() as con:
        con.execute("delete from meta where key = 'sequence'")
    at(monkeypatch, NOW)
    assert new_run_id(home.paths, home.state) > last
    assert "the clock of this machine says" in caplog.text


def test_a_database_under_a_name_of_its_own_is_no_run(home: Home) -> None:
    (home.paths.published / "marts_before_the_move.duckdb").touch()
    assert new_run_id(home.paths, home.state) > "2026"


@pytest.mark.parametrize(("days", "deletes"), [(1, True), (39, True), (41, False), (3650, False)])
def test_after_a_jump_of_the_clock_nothing_is_deleted_for_its_age_at_once(
    home: Home, monkeypatch: pytest.MonkeyPatch, days: float, deletes: bool
) -> None:
    asked: list[object] = []
    monkeypatch.setattr("orchestration.run.apply_retention", lambda *given: asked.append(given))
    last = datetime.now(UTC) - timedelta(days=days)
    home.state.set("retained_at", last.isoformat())
    with open_run(home.settings) as run:
        run.settle()
        assert bool(asked) == deletes
        run.settle()  # it was no mistake
        assert len(asked) == 1 + deletes


def test_old_traces_and_messages_are_deleted_and_no_others(home: Home) -> None:
    now = datetime.now(UTC).timestamp()
    files = {"outbox/old.json": 401, "outbox/new.json": 399, "logs/old.log": 91, "logs/new.log": 89}
    for name, days in files.items():
        file = home.paths.data / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("x")
        os.utime(file, (now - days * 86_400,) * 2)
    assert drop_old_files(home.settings) == 2
    left = {name for name in files if (home.paths.data / name).exists()}
    assert left == {"outbox/new.json", "logs/new.log"}


def status(home: Home) -> dict[str, str]:
    text = (home.paths.site / "assets/status.js").read_text()
    told: dict[str, str] = json.loads(text.partition("=")[2].strip(" ;\n"))
    return told


def test_back_and_forth_with_the_reason_on_the_pages_and_the_chosen_one_kept(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [run_at(home, NOW + timedelta(days=n), monkeypatch) for n in range(3)]
    tools.roll_back(made[0], "costs of May are wrong")
    assert warehouse.current_generation(home.paths) == made[0]
    assert (status(home)["state"], status(home)["message"]) == (
        "stale", "They were taken back to an earlier run: costs of May are wrong.")  # fmt: skip
    tools.roll_back(made[1], "")
    tools.roll_back(made[2], "")
    assert warehouse.current_generation(home.paths) == made[2]
    assert status(home)["state"] == "ok" and not status(home)["message"]
    tools.roll_back(made[0], "again")
    later = [run_at(home, NOW + timedelta(days=n), monkeypatch) for n in range(3, 8)]
    assert warehouse.generations(home.paths) == [made[0], *later[-3:]]
    assert warehouse.current_generation(home.paths) == later[-1]
    with pytest.raises(KpiError, match="Did you mean"):
        tools.roll_back(later[-1][:-1], "")


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select count(*) from range(100000000) a, range(100000) b", "more than 0.2 seconds"),
        ("from 'x.csv'", "disabled by configuration"),
        ("set temp_directory = '/tmp'", "locked"),
        ("set memory_limit = '1TB'", "locked"),
    ],
)
def test_a_query_takes_no_more_than_it_may(
    home: Home, monkeypatch: pytest.MonkeyPatch, query: str, told: str
) -> None:
    run_at(home, NOW, monkeypatch)
    with warehouse.connect_published(home.paths.current) as con:
        asked = "select current_setting('temp_directory'), current_setting('memory_limit')"
        [(spill, _)] = con.execute(asked).fetchall()
        assert Path(spill).exists() and not Path(spill).is_relative_to(home.paths.data)
        with pytest.raises(KpiError, match=told):
            queried(con, query, 0.2)
        assert queried(con, "select 1 as a") == (["a"], [(1,)])
    assert not Path(spill).exists()


def test_a_query_that_spills_more_than_it_may_says_so(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_at(home, NOW, monkeypatch)
    monkeypatch.setattr(warehouse, "memory_mib", lambda: 400)
    monkeypatch.setattr(warehouse, "SPILL_MIB", 16)
    with warehouse.connect_published(home.paths.current) as con:
        with pytest.raises(KpiError, match="more memory and disk than one may"):
            queried(con, "select max(h) from (select hash(range) as h, repeat('x', 40) || range"
                         " as t from range(9000000) order by t)")  # fmt: skip
        assert con.execute("select 1").fetchall() == [(1,)]

"""`kpi alerts`: what people say to alerts, and what did not arrive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner, Result

from orchestration.alerting.delivery import SendPolicy, deliver_due, queue
from orchestration.cli.console import console
from orchestration.cli.main import app
from orchestration.config import settings
from orchestration.errors import ExitCode
from orchestration.ledger.state import State
from orchestration.ledger.stories import Stories, Story
from tests.support.contracts import fake
from tests.support.hooks import TOKEN, Answer, Clock, Hook, hooked
from tests.support.told import DAY, gap, incident
from tests.unit.test_delivery import message

SHOP = """
shop: {name: Small shop, currency: CNY, timezone: UTC}
sources:
  web:
    platform: web
    shop_id: web
    timezone: UTC
    currency: CNY
    files: [{path: "*.csv", format: plain_orders}]
alerts: {channels: ["%s"]}
"""
NAME = "kpi-20261119-0a1b2c3d"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as made:
        yield made


@pytest.fixture
def home(tmp_path: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KPI_HOME", str(tmp_path))
    monkeypatch.delenv("KPI_CONFIG", raising=False)
    (tmp_path / "shop.yml").write_text(SHOP % hook.address)
    published = tmp_path / "data/published"
    published.mkdir(parents=True)
    tables = {
        "insights.incidents": fake("insights.incidents", [incident(), gap("a", DAY)]),
        "quality.run": fake("quality.run", [{"data_through": DAY, "as_of": DAY}]),
    }
    with duckdb.connect(str(published / "marts_r1.duckdb")) as con:
        for name, frame in tables.items():
            con.execute(f"create schema if not exists {name.partition('.')[0]}")
            con.register("_frame", frame.to_arrow())
            con.execute(f"create table {name} as from _frame")
    (published / "current.duckdb").symlink_to("marts_r1.duckdb")
    return tmp_path


def kpi(*words: str) -> Result:
    console.as_json = False
    return CliRunner().invoke(app, ["alerts", *words])


def answer(*words: str) -> Any:
    result = kpi(*words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_who_looks_after_an_incident_and_what_it_was_is_listed(home: Path) -> None:
    Stories(State(home / "data/state")).keep([Story(NAME, "open", "high", -1.0, DAY)])
    answer("ack", NAME[:12], "--by", "Li Wei")
    answer("feedback", NAME, "known_promotion", "--note", "flash sale")
    rows = {row["incident_id"]: row for row in answer("list", "--open")["incidents"]}
    assert (rows[NAME]["told"], rows[NAME]["acknowledged_by"], rows[NAME]["feedback"]) == (
        "open", "Li Wei", "known_promotion",
    )  # fmt: skip
    assert rows["data-a"]["told"] is None
    assert "told open, acknowledged by Li Wei, known_promotion" in " ".join(
        kpi("list").stdout.split()
    )
    assert "Li Wei" in kpi("show", NAME).stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ack", "x"], "no incidents begin with 'x'"),
        (["feedback", NAME, "maybe"], "'maybe' is not known"),
        (["mute", "--until", "2999-01-01"], "nothing is named"),
        (["mute", "--until", "2020-01-01", "--metric", "gmv"], "has passed"),
        (["mute", "--until", "soon", "--metric", "gmv"], "not a day"),
        (["unmute", "7"], "there is no mute 7"),
    ],
)
def test_what_cannot_be_is_said(home: Path, words: list[str], said: str) -> None:
    result = kpi(*words)
    assert result.exit_code == ExitCode.USAGE
    assert said in result.stderr


def test_a_mute_has_an_end_and_can_be_ended(home: Path) -> None:
    until = date.today() + timedelta(days=3)
    number = answer("mute", "--platform", "tmall", "--until", str(until), "--reason", "move")[
        "mute"
    ]
    [mute] = answer("list")["mutes"]
    assert (mute["platform"], mute["metric"], mute["until"]) == ("tmall", "*", str(until))
    stories = Stories(State(home / "data/state"))
    assert (len(stories.mutes(until)), stories.mutes(until + timedelta(days=1))) == (1, [])
    answer("unmute", str(number))
    assert answer("list")["mutes"] == []


def test_what_was_not_delivered_is_told_with_channel_and_reason_and_tried_again_on_request(
    home: Path, hook: Hook
) -> None:
    hook.always = Answer(404)
    configured, clock = settings.load(), Clock(datetime.now(UTC))
    state = State(configured.paths.state)
    queue([message(NAME)], configured, state, SendPolicy(now=clock))
    result = kpi("deliver")
    assert result.exit_code == ExitCode.UNDELIVERED == 8
    assert "messages not delivered: 1 (channel 1 (json): HTTP 404)" in result.stderr
    shown = kpi("show", NAME)
    assert "HTTP 404" in shown.stdout and "refused" in shown.stdout and "下跌" in shown.stdout
    assert TOKEN not in result.output + shown.output
    hook.always = Answer()
    assert deliver_due(configured, state) == []
    [sent] = answer("deliver", "--now")["messages"]
    assert (sent["incident"], sent["status"]) == (NAME, "sent")
    assert answer("deliver") == {"messages": []}
    assert len(hook.received) == 1


def test_a_test_message_goes_past_the_queue(home: Path, hook: Hook) -> None:
    assert [row["status"] for row in answer("test")["results"]] == ["sent"]
    assert answer("test") and len(hook.received) == 2
    assert hook.received[0]["alert"]["event"] == "test"
    hook.always = Answer(403)
    result = kpi("test")
    assert result.exit_code == ExitCode.CONFIG
    assert "HTTP 403" in result.output and TOKEN not in result.output


def test_a_run_with_nothing_to_do_delivers_and_its_exit_code_says_if_it_could_not(
    home: Path, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only that nothing is to be done is given; the run opens, delivers and closes as ever."""
    monkeypatch.setattr("orchestration.run.Run.is_inbox_read", True)
    monkeypatch.setattr("orchestration.run.Run.is_unchanged", True)
    monkeypatch.setattr("orchestration.run.Run.settle", lambda _: None)
    monkeypatch.setattr("orchestration.cli.show.show_headline", lambda: None)
    configured, clock = settings.load(), Clock(datetime.now(UTC))
    state = State(configured.paths.state)
    (home / "data/inbox").mkdir()
    (home / "data/inbox/orders.csv").touch()
    hook.answers = [Answer(502), Answer(502)]
    queue([message("a")], configured, state, SendPolicy(now=clock))
    result = CliRunner().invoke(app, ["run"])
    assert result.exit_code == ExitCode.UNDELIVERED, result.output
    assert "HTTP 502" in result.stderr
    clock.move(hours=-5)
    queue([message("b")], configured, state, SendPolicy(now=clock))
    with state.connect() as con:  # hours later
        con.execute("update outgoing set due_at = '2026-01-01 00:00:00'")
        con.execute("update channels set next_at = '2026-01-01 00:00:00'")
    result = CliRunner().invoke(app, ["run"])
    assert result.exit_code == 0, result.output
    assert hook.titles == ["a fell", "b fell"]


def test_a_run_that_fails_has_delivered_what_was_due_and_tells_its_failure(
    home: Path, hook: Hook
) -> None:
    from orchestration.run import open_run

    configured = settings.load()
    state = State(configured.paths.state)
    queue([message("a")], configured, state)
    with pytest.raises(ValueError, match="no"), open_run(configured) as run, run.step("build"):
        raise ValueError("no")
    assert hook.titles == ["a fell", "kpi-warehouse: run failed at build"]
    assert hook.received[1]["alert"]["event"] == "run_failed"

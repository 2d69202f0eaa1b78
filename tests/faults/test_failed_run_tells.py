"""A run that failed is told, also where what ended it keeps the closing from its other steps."""

from __future__ import annotations

import errno
import json
import sqlite3
from pathlib import Path
from typing import Any, NoReturn

import pytest

from orchestration.alerting.channels import Channel, Outcome
from orchestration.run import open_run
from tests.support.homes import Home


class Sent(list[str]):
    """Subjects that a channel was told."""

    def send(self, message: Any, *_: Any) -> Outcome:
        self.append(message.subject)
        return Outcome("sent")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    told = Sent()
    monkeypatch.setattr(Channel, "send", lambda _, *given: told.send(*given))
    return told


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "home")
    alerts = made.settings.file.alerts.model_copy(update={"channels": ("json://one", "json://two")})
    made.settings.file.__dict__["alerts"] = alerts
    return made


def full(*_: object, **__: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def locked(*_: object, **__: object) -> NoReturn:
    raise sqlite3.OperationalError("database or disk is full")


def fail(home: Home) -> None:
    with (
        pytest.raises(ValueError, match="no figures"),
        open_run(home.settings, job_id="job") as run,
        run.step("audit"),
    ):
        raise ValueError("no figures")


EACH = [
    ("orchestration.alerting.alerts.write_trace", full),
    ("orchestration.alerting.outbox._write", full),
    ("orchestration.ledger.state.State.set", locked),
    ("orchestration.ledger.state.State.get", locked),
    ("orchestration.ledger.outgoing.Outgoing.put", locked),
    ("orchestration.ledger.outgoing.Outgoing.__init__", locked),
    ("orchestration.build.warehouse.discard_build", full),
    ("dashboards.site.write_status", full),
    ("orchestration.run.Run.published", full),
]


@pytest.mark.parametrize(("step", "fault"), EACH)
def test_whatever_step_of_closing_fails_every_channel_is_told(
    home: Home, sent: Sent, monkeypatch: pytest.MonkeyPatch, step: str, fault: Any
) -> None:
    home.paths.current.touch()  # a database that cannot be opened
    (home.paths.data / "site").mkdir()
    monkeypatch.setattr(step, fault)
    fail(home)
    assert sent == ["kpi-warehouse: run failed at audit"] * 2
    if step != "dashboards.site.write_status":
        status = (home.paths.site / "assets/status.js").read_text()
        assert json.loads(status.partition("=")[2].strip(" ;\n"))["failed_step"] == "audit"


def test_a_channel_that_is_not_set_leaves_the_outbox(
    home: Home, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KPI_NOT_SET", raising=False)
    alerts = home.settings.file.alerts.model_copy(update={"channels": ("env:KPI_NOT_SET",)})
    home.settings.file.__dict__["alerts"] = alerts
    fail(home)
    assert sent == []
    assert len(list(home.paths.outbox.glob("run-*.txt"))) == 1

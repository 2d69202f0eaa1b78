"""The queue of messages against a real HTTP server on this machine, by a clock that tests move."""

from __future__ import annotations

import logging
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dashboards.wording.message import Message
from orchestration.alerting import channels
from orchestration.alerting.delivery import SendPolicy, deliver_due, key_of, queue, send_now
from orchestration.config.sections import Alerts
from orchestration.ledger.outgoing import Outgoing
from orchestration.ledger.state import State
from tests.support.homes import Home
from tests.support.hooks import TOKEN, Answer, Clock, Hook, hooked

DAY = date(2026, 11, 20)
DOWN, GONE, BUSY = Answer(500), Answer(404), Answer(429, {"Retry-After": "7200"})


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as made:
        yield made


@pytest.fixture
def clock() -> Clock:
    return Clock()


def policy(clock: Clock, **more: Any) -> SendPolicy:
    return SendPolicy(now=clock, sleep=clock.pauses.append, **more)


def home(tmp_path: Path, *addresses: str, **more: Any) -> Home:
    made = Home(tmp_path / "home", timezone="UTC")
    told = Alerts.model_validate({"channels": addresses, **more})
    made.settings.file.__dict__["alerts"] = told
    return made


def message(name: str = "kpi-1", **changed: Any) -> Message:
    given = {
        "incident_id": name, "day": DAY, "kind": "kpi", "metric": "gmv",
        "segment": "platform:tmall", "severity": "high", "subject": f"{name} fell",
        "text": "It fell.\n\n下跌。", "keys": (f"{name}|opened|0",),
        "facts": {"schema": "kpi-warehouse/alert", "version": 1, "event": "opened"},
    }  # fmt: skip
    return Message(**(given | changed))


def closed_port() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"json://127.0.0.1:{free.getsockname()[1]}/hooks/other-{TOKEN}"


def statuses(made: Home) -> list[str]:
    with made.state.connect() as con:
        return [row["status"] for row in con.execute("select status from outgoing order by id")]


def run(made: Home, clock: Clock, *told: Message, **more: Any) -> list[str]:
    """A run that finds these messages, or nothing: what became of each it tried."""
    queue(told, made.settings, made.state, policy(clock))
    report = deliver_due(made.settings, made.state, policy(clock, **more))
    return [one.status for one in report]


def test_a_message_arrives_once_with_key_facts_and_severity(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address)
    assert run(made, clock, message()) == ["sent"]
    assert run(made, clock, message()) == [] == run(made, clock)
    [body] = hook.received
    assert body["title"] == "kpi-1 fell" and "下跌" in body["message"]
    assert body["type"] == "failure"
    assert body["alert"] == message().facts
    assert body["idempotency_key"] == hook.keys[0] == key_of(message())
    low = message("kpi-2", severity="low")
    over = message("kpi-3", facts={**message().facts, "event": "closed"})
    medium = message("kpi-4", severity="medium")
    assert run(made, clock, low, over, medium) == ["sent"] * 3
    assert [body["type"] for body in hook.received[1:]] == ["info", "success", "warning"]


def test_an_endpoint_that_is_down_gets_the_message_in_a_later_run_that_finds_nothing(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address)
    hook.always = DOWN
    assert run(made, clock, message()) == ["failed"]
    assert len(hook.calls) == 2  # one retry, as the server answers
    clock.move(minutes=9)
    assert run(made, clock) == []
    clock.move(minutes=2)
    assert run(made, clock) == ["failed"]
    clock.move(minutes=12)  # 10 minutes the first time, 20 the second
    assert run(made, clock) == []
    hook.always = Answer()
    clock.move(minutes=9)
    assert run(made, clock) == ["sent"]
    assert len(hook.received) == 1
    assert len(set(hook.keys)) == 1
    clock.move(days=1)
    assert run(made, clock) == []


def test_pauses_between_tries_grow_to_hours_and_after_a_day_a_message_is_dead(
    tmp_path: Path, clock: Clock
) -> None:
    made = home(tmp_path, closed_port())
    run(made, clock, message())
    began, tried = clock.now, [0.0]
    while statuses(made) == ["waiting"]:
        clock.move(minutes=5)
        if run(made, clock):
            tried.append((clock.now - began) / timedelta(minutes=1))
    # 10, 20, 40, 80, 160 and then 240 minutes apart; the first one after 24 hours is the last.
    assert tried == [0, 10, 30, 70, 150, 310, 550, 790, 1030, 1270, 1510]
    assert statuses(made) == ["dead"]
    told = Outgoing(made.state).undelivered(clock.now)
    assert [(row["status"], row["channel"], row["reason"], row["is_recent"]) for row in told] == [
        ("dead", "channel 1 (json)", "nobody answered", True)
    ]
    clock.move(days=2)
    assert [row["is_recent"] for row in Outgoing(made.state).undelivered(clock.now)] == [False]
    assert run(made, clock) == []
    Outgoing(made.state).revive(clock.now)
    assert run(made, clock) == ["failed"]


def test_a_daily_run_tries_again_before_it_gives_up(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address)
    hook.always = DOWN
    assert run(made, clock, message("a"), message("b"), message("c")) == ["failed", "failed"]
    clock.move(days=3)  # the machine was off
    hook.always = Answer()
    assert run(made, clock) == ["sent"] * 3
    assert sorted(hook.titles) == ["a fell", "b fell", "c fell"]
    hook.always = DOWN
    clock.move(minutes=1)
    run(made, clock, message("d"))
    clock.move(hours=24)
    assert run(made, clock) == ["dead"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_what_is_refused_for_good_is_not_repeated_but_told(
    tmp_path: Path, hook: Hook, clock: Clock, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    made = home(tmp_path, hook.address)
    hook.always = Answer(status)
    assert run(made, clock, message()) == ["refused"]
    clock.move(days=1)
    assert run(made, clock) == []
    assert len(hook.calls) == 1
    assert f"was not delivered (HTTP {status}); it is not tried again" in caplog.text
    [told] = Outgoing(made.state).undelivered(clock.now - timedelta(hours=1))
    assert (told["status"], told["reason"], told["is_recent"]) == (
        "refused", f"HTTP {status}", True,
    )  # fmt: skip


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503])
def test_what_may_pass_is_tried_again(
    tmp_path: Path, hook: Hook, clock: Clock, status: int
) -> None:
    made = home(tmp_path, hook.address)
    hook.answers = [Answer(status)]
    assert run(made, clock, message()) == ["sent"]
    assert clock.pauses == [1.0]
    assert len(hook.calls) == 2


@pytest.mark.parametrize(
    ("asked", "minutes"),
    [("7200", 120), ("Sat, 21 Nov 2026 03:30:00 GMT", 90), ("soon", 10)],
)
def test_a_channel_that_asks_to_wait_is_left_alone_so_long(
    tmp_path: Path, hook: Hook, clock: Clock, asked: str, minutes: int
) -> None:
    made = home(tmp_path, hook.address)
    hook.answers = [Answer(429, {"Retry-After": asked})] * (1 if minutes > 10 else 2)
    assert run(made, clock, message("a"), message("b"))[:1] == ["failed"]
    calls = len(hook.calls)
    clock.move(minutes=minutes - 1)
    assert run(made, clock, message("c")) == [] or minutes == 10
    assert len(hook.calls) == calls or minutes == 10
    clock.move(minutes=2)
    run(made, clock)
    assert sorted(hook.titles) == ["a fell", "b fell", "c fell"]


def test_a_slow_endpoint_costs_one_try_however_many_messages_and_runs(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address)
    hook.always = Answer(seconds=30)
    told = [message(f"kpi-{n}") for n in range(9)]
    began = time.monotonic()
    assert run(made, clock, *told, try_seconds=0.5, timeout_seconds=20.0) == ["failed"]
    assert run(made, clock, message("more"), try_seconds=0.5) == []
    assert time.monotonic() - began < 3
    assert len(hook.calls) == 1
    assert Outgoing(made.state).undelivered(clock.now)[0]["reason"] == "no answer within 0 s"


def test_all_channels_together_are_bounded_and_what_is_left_goes_in_the_next_run(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address)
    seconds = iter(range(0, 100, 3))  # each look at the clock is 3 s later
    told = [message(f"kpi-{n}") for n in range(9)]
    queue(told, made.settings, made.state, policy(clock))
    hurried = replace(policy(clock), clock=lambda: float(next(seconds)))
    sent = deliver_due(made.settings, made.state, hurried)
    assert 0 < len(sent) < 9
    assert run(made, clock) == ["sent"] * (9 - len(sent))
    assert len(hook.received) == 9


def test_a_channel_that_is_down_holds_no_other_back(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, closed_port(), hook.address)
    assert run(made, clock, message("a"), message("b")) == ["failed", "sent", "sent"]
    assert run(made, clock) == []
    assert hook.titles == ["a fell", "b fell"]


def test_one_message_that_a_channel_cannot_take_holds_no_other_back(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address)
    hook.answers = [DOWN, DOWN]
    later = message("a", keys=("a|closed|1",), subject="a is over")
    assert run(made, clock, message("a"), message("b"), later, message("c")) == [
        "failed", "sent", "sent",
    ]  # fmt: skip
    assert hook.titles == ["b fell", "c fell"]  # what follows on a waits behind it
    clock.move(minutes=11)
    assert run(made, clock) == ["sent", "sent"]
    assert hook.titles[2:] == ["a fell", "a is over"]


def test_a_kill_between_sending_and_remembering_sends_once_more_with_the_same_key(
    tmp_path: Path, hook: Hook, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = home(tmp_path, hook.address)
    queue([message()], made.settings, made.state, policy(clock))
    with monkeypatch.context() as killed:
        killed.setattr(Outgoing, "end", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            deliver_due(made.settings, made.state, policy(clock))
    assert run(made, clock) == []  # another process may still be at it
    clock.move(minutes=2)
    assert run(made, clock) == ["sent"]
    clock.move(days=1)
    assert run(made, clock) == []
    assert len(hook.received) == 2
    assert len(set(hook.keys)) == 1


def test_two_processes_send_a_message_once(tmp_path: Path, clock: Clock) -> None:
    made = home(tmp_path, "json://one.example.com")
    queue([message()], made.settings, made.state, policy(clock))
    one, other = Outgoing(made.state), Outgoing(State(made.paths.state))
    [letter] = one.due(clock.now)
    assert one.claim(letter["id"], clock.now, timedelta(seconds=60))
    assert not other.claim(letter["id"], clock.now, timedelta(seconds=60))
    assert other.due(clock.now) == []


def test_what_waits_for_a_channel_that_is_gone_is_dead_after_a_day(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address)
    queue([message()], made.settings, made.state, policy(clock))
    made.settings.file.__dict__["alerts"] = Alerts()
    assert run(made, clock) == []
    assert statuses(made) == ["waiting"]
    clock.move(hours=25)
    run(made, clock)
    [told] = Outgoing(made.state).undelivered(clock.now)
    assert (told["status"], told["reason"]) == ("dead", "the channel is not configured any more")


def test_without_channels_nothing_is_imported_sent_or_queued(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trap(*_: object, **__: object) -> None:
        raise AssertionError("network")

    monkeypatch.setattr(socket.socket, "connect", trap)
    monkeypatch.setitem(sys.modules, "apprise", None)  # an import would raise
    made = home(tmp_path)
    assert run(made, clock, message()) == []
    assert statuses(made) == []


def test_what_an_earlier_version_has_sent_is_not_sent_again(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address, closed_port())
    seen, missed = (channels.Channel(n, a).fingerprint
                    for n, a in enumerate(made.settings.alert_channels()))  # fmt: skip
    made.state.mark(
        f"gmv|platform:tmall|2026-11-19|high|{seen}", datetime(2026, 11, 20, tzinfo=UTC)
    )
    told = message(before=("gmv|platform:tmall|2026-11-19|high",))
    assert queue([told], made.settings, made.state, policy(clock)) == 1
    [letter] = Outgoing(made.state).due(clock.now)
    assert letter["channel"] == missed  # which that version failed to reach


def test_quiet_hours_keep_all_but_what_is_critical(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address, quiet_hours="22:00-07:00")
    clock.now = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert run(made, clock, message("a"), message("b", severity="critical")) == ["sent"]
    assert hook.titles == ["b fell"]
    clock.now = datetime(2026, 11, 21, 6, 59, tzinfo=UTC)
    assert run(made, clock) == []
    clock.now = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
    assert run(made, clock) == ["sent"]
    clock.now = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    assert run(made, clock, message("c")) == []
    clock.now = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)  # a daily run within the quiet hours
    assert run(made, clock) == ["sent"]
    assert Outgoing(made.state).undelivered(clock.now) == []


def test_what_is_beyond_the_limit_of_a_day_comes_in_one_digest(
    tmp_path: Path, hook: Hook, clock: Clock
) -> None:
    made = home(tmp_path, hook.address, max_a_day=2)
    told = [message("a", severity="low"), message("b"), message("c", severity="medium"),
            message("d"), message("e", severity="critical")]  # fmt: skip
    run(made, clock, *told)
    assert sorted(hook.titles[:3]) == ["b fell", "d fell", "e fell"]
    digest = hook.received[3]
    assert digest["title"] == "[Test] digest of 2026-11-21, messages left: 2"
    english, chinese = digest["message"].split("\n\n")
    assert english.splitlines()[1:] == ["c fell", "a fell"]
    assert chinese.splitlines()[1:] == ["c fell", "a fell"]
    assert "More than 2 messages in a day" in english and "超过 2 条" in chinese
    clock.move(hours=1)
    run(made, clock, message("f"))  # the digest of the day is out
    assert len(hook.received) == 4
    clock.move(days=1)
    run(made, clock)
    assert hook.titles[4:] == ["[Test] digest of 2026-11-22, messages left: 1"]
    clock.move(days=1)
    assert run(made, clock) == []


def test_routes_send_to_their_channel_alone_and_the_rest_to_the_common_ones(
    tmp_path: Path, hook: Hook, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hooked() as service:
        monkeypatch.setenv("SERVICE_HOOK", service.address)
        routes = [{"metric": "refund_rate", "channel": "env:SERVICE_HOOK"},
                  {"platform": "tmall", "severity": "high", "channel": "env:SERVICE_HOOK"},
                  {"platform": "tmall", "person": "Li Wei"}]  # fmt: skip
        made = home(tmp_path, hook.address, routes=routes)

        def about(name: str, severity: str, metric: str, platform: str | None) -> Message:
            row = {"metric": metric, "platform": platform, "severity": severity}
            return message(name, severity=severity, facts={"event": "opened", "incidents": [row]})

        run(made, clock, about("a", "low", "refund_rate", None),
            about("b", "critical", "gmv", "tmall"), about("c", "medium", "gmv", "tmall"),
            about("d", "high", "gmv", "shopify"))  # fmt: skip
        assert service.titles == ["a fell", "b fell"]
        assert hook.titles == ["c fell", "d fell"]


def test_no_secret_is_in_a_log_a_report_or_the_state(
    tmp_path: Path, hook: Hook, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("apprise").setLevel(logging.DEBUG)
    hook.always = DOWN
    addresses = [
        hook.address.replace("json://", f"json://robot:pass{TOKEN}@"),
        f"dingtalk://{TOKEN}!!/not-a-phone",  # malformed: logged even as a warning
        f"slack://{TOKEN}/bad/token",
        f"no-scheme-{TOKEN}",
    ]
    made = home(tmp_path, *addresses)
    queue([message()], made.settings, made.state, policy(clock))
    report = deliver_due(made.settings, made.state, policy(clock))
    report += send_now(message("test"), addresses, policy(clock))
    got = [(one.channel[8], one.status) for one in report if "slack" not in one.channel]
    known = [("1", "failed"), ("2", "refused"), ("4", "refused")]
    assert sorted(got) == sorted(known * 2)
    assert {one.channel for one in report} == {
        "channel 1 (json)", "channel 2 (dingtalk)", "channel 3 (slack)", "channel 4 (invalid)",
    }  # fmt: skip
    with made.state.connect() as con:
        dump = "\n".join(con.iterdump())
    said = caplog.text + repr(report) + dump
    assert "message kpi-1 was not delivered (HTTP 500)" in said
    assert "apprise" in caplog.text or "http" in caplog.text  # foreign records were made
    assert TOKEN.lower() not in said.lower()
    assert "robot" not in said


def test_a_message_comes_back_from_the_queue_as_it_was(tmp_path: Path, clock: Clock) -> None:
    told = replace(message(), impact_amount=-12.5)
    assert Message.from_dict(told.as_dict()) == told

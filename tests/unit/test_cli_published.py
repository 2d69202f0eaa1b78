"""Commands on a small published generation whose figures are worked out by hand."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from typer.testing import CliRunner, Result

from orchestration.cli.console import console
from orchestration.cli.main import app
from orchestration.cli.show import show_headline
from orchestration.ledger.outgoing import Letter, Outgoing
from orchestration.ledger.state import State
from tests.support.contracts import comparisons, fakes, registry

DAY, WEEK_BEFORE = date(2026, 11, 20), date(2026, 11, 13)
FILE = "data/published/marts_r1.duckdb"
TOKEN = "T0kenThatMustNotLeak"
SHOP = """
shop: {name: Small shop, currency: CNY, timezone: Asia/Shanghai}
sources: {}
alerts: {channels: [%s]}
"""
# 1000 visitors at 4 % and 1.25 orders of 100 are 5,000; a week before 2 % of 1200 were 3,000.
NOW = {"visitors": 1000, "tracked_buyers": 40, "untracked_buyers": 0, "buyers": 40,
       "identified_orders": 50, "anonymous_orders": 0, "orders": 50, "gmv": 5000.0}  # fmt: skip
BEFORE = {"visitors": 1200, "tracked_buyers": 24, "untracked_buyers": 0, "buyers": 24,
          "identified_orders": 30, "anonymous_orders": 0, "orders": 30, "gmv": 3000.0}  # fmt: skip


def _change(dimension: str, segment: str, gmv: float, base: float, **effects: float) -> Any:
    names = ("visitors", "conversion", "untracked_buyers", "orders_per_buyer", "anonymous_orders",
             "aov", "mix")  # fmt: skip
    return {
        "business_date": DAY, "comparison": "last_week", "dimension": dimension,
        "segment": segment, "gmv": gmv, "base_gmv": base, "gmv_change": gmv - base,
        "method": "lmdi", **{f"{name}_effect": effects.get(name, 0.0) for name in names},
        **({**NOW, **{f"base_{name}": of for name, of in BEFORE.items()}}
           if dimension == "all" else {}),
    }  # fmt: skip


def _completeness(gap: bool) -> list[dict[str, Any]]:
    return [
        {
            "business_date": day, "source": source, "feed": "orders", "platform": source,
            "expected_rows": 50.0, "arrived_rows": 0 if bad else 50, "is_complete": not bad,
            "reason": "no_rows" if bad else "ok",
        }
        for day in (WEEK_BEFORE, DAY)
        for source in ("site", "market")
        for bad in [gap and day == DAY and source == "market"]
    ]  # fmt: skip


def _incident(name: str, closed: date | None) -> dict[str, Any]:
    return {
        "incident_id": name, "kind": "kpi", "severity": "high", "metric": "gmv",
        "dimension": "platform", "segment": "site", "platform": "site", "opened_date": DAY,
        "last_date": DAY, "closed_date": closed, "impact_amount": -10.0,
        "cause_metric": "visitors", "cause_dimension": "channel", "cause_segment": "email",
        "explanation_en": f"{name} happened.",
    }  # fmt: skip


def publish(home: Path, *, gap: bool = False, channels: str = "", as_of: date = DAY) -> Path:
    """A data folder with one generation."""
    (home / "data/published").mkdir(parents=True)
    (home / "shop.yml").write_text(SHOP % channels, encoding="utf-8")
    daily = [
        {"business_date": day, "dimension": "all", "segment": "all", **counts}
        for day, counts in ((DAY, NOW), (WEEK_BEFORE, BEFORE))
    ]
    changes = [
        _change("all", "all", 5000.0, 3000.0, visitors=-715.0, conversion=2715.0),
        _change("platform", "site", 4000.0, 2500.0),
        _change("platform", "market", 1000.0, 500.0),
        _change("channel", "email", 4100.0, 1500.0),
        _change("channel", "direct", 900.0, 1500.0),
    ]
    odd = pl.DataFrame(
        {"name": ["=1+1", "+49", "-x", "@sum", "\tt", "fine", None], "amount": [-1.5] * 7}
    )
    run = {"run_id": "r1", "built_at": datetime(2026, 11, 21), "data_through": DAY,
           "as_of": as_of, "currency": "CNY"}  # fmt: skip
    published = {
        "marts.fct_gmv_daily": daily,
        "marts.fct_gmv_change": changes,
        "quality.run": [run],
        "quality.source_completeness_daily": _completeness(gap),
        "quality.comparisons": comparisons(),
        "quality.metrics": registry(),
        "insights.incidents": [_incident("open", None), _incident("over", DAY)],
    }
    tables = fakes(published) | {
        "marts.odd": odd,
        "insights.empty": pl.DataFrame(schema={"name": pl.String, "count": pl.Int64}),
    }
    with duckdb.connect(str(home / FILE)) as con:
        for schema in ("marts", "quality", "insights", "private"):
            con.execute(f"create schema {schema}")
        _create(con, tables)
        con.execute("create table private.secret as select 1 as x")
    (home / "data/published/current.duckdb").symlink_to(Path(FILE).name)
    return home


def _create(con: duckdb.DuckDBPyConnection, tables: dict[str, pl.DataFrame]) -> None:
    for name, frame in tables.items():
        con.register("frame", frame.to_arrow())
        con.execute(f"create table {name} as from frame")


def kpi(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--home", str(home), *arguments])


def test_explain_says_value_change_and_effect_of_every_driver_in_chain_order(
    tmp_path: Path,
) -> None:
    home = publish(tmp_path)
    told = kpi(home, "explain").output
    assert "GMV was ¥5.00K on Fri 20 Nov, 66.7% above the same day last week" in told
    lines = [line.split() for line in told.splitlines()]
    assert ["Traffic", "1,000", "1,200", "−16.7%", "−¥715"] in lines
    assert ["Conversion", "4.00%", "2.00%", "+2.00", "pp", "+¥2.7K"] in lines
    assert told.index("Traffic") < told.index("Conversion  ")
    # E-mail gained 1,600 beyond its half; the platforms rose nearly alike.
    assert told.index("email +¥2.6K") < told.index("site +¥1.5K")
    assert "direct" not in told.split("Gained most")[1]  # it fell
    assert "Warning" not in told


def test_a_run_ends_with_the_headline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KPI_HOME", str(publish(tmp_path)))
    monkeypatch.setattr(console, "as_json", False)
    show_headline()
    told = capsys.readouterr().out
    assert "GMV was ¥5.00K on Fri 20 Nov, 66.7% above the same day last week" in told
    assert "Traffic −¥715" in told and "last incident (2026-11-20): open happened." in told


@pytest.mark.parametrize(
    ("known", "told"),
    [(False, "GMV of Fri 20 Nov is not known."), (True, "GMV was ¥5.00K on Fri 20 Nov")],
)
def test_a_day_that_cannot_be_compared_is_told_as_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    known: bool, told: str,
) -> None:  # fmt: skip
    """A day of lost orders, and one whose day of last week is one."""
    monkeypatch.setenv("KPI_HOME", str(publish(tmp_path)))
    monkeypatch.setattr(console, "as_json", False)
    with duckdb.connect(str(tmp_path / FILE)) as con:
        con.execute("delete from marts.fct_gmv_change")
        if not known:
            con.execute("update marts.fct_gmv_daily set gmv = null, orders = null")
    show_headline()
    said = capsys.readouterr().out
    assert told in said
    assert "not yet a week" not in said and "no orders" not in said


def test_a_generation_of_an_earlier_version_asks_for_a_run(tmp_path: Path) -> None:
    home = publish(tmp_path)
    with duckdb.connect(str(home / FILE)) as con:
        con.execute("drop table quality.comparisons")
    done = kpi(home, "explain")
    assert done.exit_code == 3
    assert "no quality.comparisons" in done.output and "kpi run" in done.output


def test_explain_in_json_and_by_dimension(tmp_path: Path) -> None:
    home = publish(tmp_path)
    for arguments in (("--json", "explain"), ("explain", "--json")):
        document = json.loads(kpi(home, *arguments).output)
        conversion = document["drivers"][1]
        assert conversion["value"] == pytest.approx(0.04)
        assert conversion["base_value"] == pytest.approx(0.02)
        assert conversion["effect"] == 2715.0
        assert document["warnings"] == []
    listed = json.loads(kpi(home, "explain", "--json", "--by", "channel").output)["segments"]
    assert [part["segment"] for part in listed] == ["direct", "email"]
    chinese = kpi(home, "explain", "--lang", "zh").output
    assert "驱动因素" in chinese and "支付金额" in chinese


def test_a_day_with_a_file_missing_carries_a_warning_and_names_no_shared_segment(
    tmp_path: Path,
) -> None:
    home = publish(tmp_path, gap=True)
    told = kpi(home, "explain").output
    assert "Warning: market orders have not arrived; GMV is not complete." in told
    assert "email" not in told and "site +¥1.5K" in told
    assert "Only platforms: market is missing" in told
    assert "market 订单尚未到达；支付金额不完整" in kpi(home, "explain", "--lang", "zh").output


def test_without_events_orders_have_no_place_but_their_platform(tmp_path: Path) -> None:
    home = publish(tmp_path, gap=True)
    with duckdb.connect(str(home / FILE)) as con:
        con.execute(
            "update quality.source_completeness_daily set feed = 'events', reason = 'few_rows'"
            " where not is_complete"
        )
    told = kpi(home, "explain").output
    assert "market visitor events are far fewer than usual; visitors and conversion" in told
    assert "email" not in told and "market +¥500" in told and "without the events of" in told


def test_days_after_the_data_are_told(tmp_path: Path) -> None:
    home = publish(tmp_path, as_of=DAY + timedelta(1))
    with duckdb.connect(str(home / FILE)) as con:
        con.execute(
            "insert into quality.source_completeness_daily by name select date '2026-11-21' as"
            " business_date, 'site' as source, 'orders' as feed, 'site' as platform, 50.0 as"
            " expected_rows, 0 as arrived_rows, false as is_complete, 'no_rows' as reason"
        )
    told = kpi(home, "explain").output
    assert "Nothing has arrived for 2026-11-21; the figures are those of 2026-11-20." in told


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["explain", "--vs", "lastweek"], "Did you mean last_week?"),
        (["explain", "--by", "chanel"], "Did you mean channel?"),
        (["explain", "--date", "yesterday"], "Write YYYY-MM-DD."),
        (["run", "--date", "2026-11-31"], "Write YYYY-MM-DD."),
        (["explain", "--vs", "promo_phase"], "That day has: last_week."),
        (["explain", "--vs", "target"], "there are no targets to compare with"),
        (["explain", "--date", "2020-01-01"], "The data reaches to 2026-11-20."),
        (["export", "cvs"], "Did you mean csv?"),
        (["export", "csv", "--table", "fct_gmv_dayly"], "Did you mean fct_gmv_daily?"),
        (["exprt"], "export"),
    ],
)
def test_a_wrong_name_says_what_is_known(tmp_path: Path, arguments: list[str], hint: str) -> None:
    done = kpi(publish(tmp_path), *arguments)
    assert done.exit_code == 2
    assert hint in done.stderr and "Traceback" not in done.stderr


def test_export_writes_what_is_published_and_nothing_else(tmp_path: Path) -> None:
    home = publish(tmp_path / "home")
    done = kpi(home, "--json", "export", "parquet", "--out", str(tmp_path / "out"))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [
        "insights.empty.parquet", "insights.incidents.parquet", "marts.fct_gmv_change.parquet",
        "marts.fct_gmv_daily.parquet", "marts.odd.parquet", "quality.comparisons.parquet",
        "quality.metrics.parquet", "quality.run.parquet",
        "quality.source_completeness_daily.parquet", "schema.json",
    ]  # fmt: skip
    rows = {entry["table"]: entry["rows"] for entry in json.loads(done.stdout)["tables"]}
    assert rows["marts.fct_gmv_daily"] == 2
    frame = pl.read_parquet(tmp_path / "out/marts.fct_gmv_daily.parquet")
    assert frame.sort("business_date")["gmv"].to_list() == [3000.0, 5000.0]
    assert pl.read_parquet(tmp_path / "out/insights.empty.parquet").columns == ["name", "count"]
    one = kpi(home, "export", "parquet", "--table", "odd")
    assert one.exit_code == 0
    written = {path.name for path in (home / "data/export").iterdir()}
    assert written == {"marts.odd.parquet", "schema.json"}


def test_no_text_of_a_csv_is_a_formula_and_numbers_stay_numbers(tmp_path: Path) -> None:
    home = publish(tmp_path / "home")
    for _ in range(2):  # the second replaces the first
        assert kpi(home, "export", "csv", "--out", str(tmp_path)).exit_code == 0
    raw = (tmp_path / "marts.odd.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    frame = pl.read_csv(tmp_path / "marts.odd.csv")
    assert frame["name"].to_list() == ["'=1+1", "'+49", "'-x", "'@sum", "'\tt", "fine", None]
    assert frame["amount"].to_list() == [-1.5] * 7
    assert (tmp_path / "insights.empty.csv").read_text("utf-8-sig").strip() == "name,count"


def test_a_folder_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    home = publish(tmp_path / "home")
    (tmp_path / "file").write_text("")
    done = kpi(home, "export", "csv", "--out", str(tmp_path / "file"))
    assert done.exit_code == 2 and "--out" in done.stderr


def test_alerts_are_listed_the_open_ones_on_request(tmp_path: Path) -> None:
    home = publish(tmp_path)
    told = kpi(home, "alerts", "list").output
    assert "open happened." in told and "over happened." in told
    assert "over happened." not in kpi(home, "alerts", "list", "--open").output
    document = json.loads(kpi(home, "alerts", "list", "--open", "--json").output)
    assert [row["incident_id"] for row in document["incidents"]] == ["open"]


def test_a_test_message_reaches_every_channel_and_says_that_it_is_one(
    tmp_path: Path, hook: tuple[str, list[dict[str, str]]]
) -> None:
    server, received = hook
    home = publish(tmp_path, channels=f'"{server}/{TOKEN}"')
    for _ in range(2):  # a test is never "sent already"
        done = kpi(home, "alerts", "test")
        assert done.exit_code == 0
        assert TOKEN not in done.output
    assert [message["title"] for message in received] == [
        "[Small shop] TEST: this is not an alert"
    ] * 2
    assert "测试" in received[0]["message"]
    assert len(list((home / "data/outbox").glob("test-*.txt"))) == 2


def test_a_channel_that_fails_is_an_error_without_its_secret(
    tmp_path: Path, hook: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    server, received = hook
    monkeypatch.setattr("orchestration.alerting.delivery.time.sleep", lambda _: None)
    home = publish(tmp_path, channels=f'"json://127.0.0.1:1/{TOKEN}", "{server}/{TOKEN}"')
    done = kpi(home, "alerts", "test", "--json")
    assert done.exit_code == 3
    assert "channel 1 (json)" in done.stderr and "channel 2" not in done.stderr
    assert TOKEN not in done.output + done.stderr
    assert json.loads(done.stdout)["exit_code"] == 3
    assert len(received) == 1  # the other one got it


def test_without_channels_the_test_goes_to_the_outbox(tmp_path: Path) -> None:
    done = kpi(publish(tmp_path), "alerts", "test")
    assert done.exit_code == 0 and "no channel is configured" in done.output


def unread(home: Path, stream: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command of which nobody reads one stream; the other one is kept."""
    program = [sys.executable, "-m", "orchestration.cli.main", "--home", str(home), *arguments]
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: writing}
    done = subprocess.run(program, check=False, **streams)  # type: ignore[call-overload]
    os.close(writing)
    return done


@pytest.mark.parametrize(
    "command",
    [
        ["explain"], ["--json", "explain"], ["alerts", "list"], ["version"],
        ["sql", "select range as a from range(900)"], ["--json", "sql", "an error, as a document"],
    ],
)  # fmt: skip
def test_a_reader_that_leaves_ends_a_command_quietly(tmp_path: Path, command: list[str]) -> None:
    home = publish(tmp_path)
    done = unread(home, "stdout", *command)
    assert done.returncode == 128 + signal.SIGPIPE
    assert done.stderr == b"" or b"an error" in done.stderr
    assert b"BrokenPipe" not in done.stderr
    assert not (home / "data/logs").exists()


def test_progress_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    done = unread(publish(tmp_path), "stderr", "export", "csv")
    assert done.returncode == 0
    assert b"9 tables written" in done.stdout


def test_the_first_line_is_had_through_a_pipe(tmp_path: Path) -> None:
    query = "select repeat('x', 5000) as a from range(1000)"  # more than a pipe holds
    program = f"{sys.executable} -m orchestration.cli.main --home {publish(tmp_path)} --json"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'{program} sql "{query}" | head -1'],
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # Python then takes a cut write for a whole one
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (128 + signal.SIGPIPE, "")
    assert done.stdout == "[\n"


def test_status_says_how_far_each_source_is_complete(tmp_path: Path) -> None:
    home = publish(tmp_path)
    absent = {"source_file": "site/b.csv", "status": "missing", "rows_read": 0,
              "rows_quarantined": 0, "message": "site/manifest.csv announces it; it has not come",
              "landed_at": datetime(2026, 11, 21)}  # fmt: skip
    check = {"layer": "x", "check_name": "x", "severity": "", "status": "passed", "observed": "",
             "message": ""}  # fmt: skip
    told_by = {"quality.checks": [check], "quality.ingest_files": [absent]}
    with duckdb.connect(str(home / FILE)) as con:
        _create(con, fakes(told_by))
    # A generation made before there were watermarks has none to show.
    before = kpi(home, "status")
    assert before.exit_code == 0 and "how far" not in before.output
    names = ("source", "feed", "complete_until_date", "lag_days", "reason", "last_file")
    rows = [
        ("site", "all", date(2026, 11, 17), 3, "file_missing", "site/a.csv"),
        ("site", "orders", date(2026, 11, 17), 3, "file_missing", "site/a.csv"),
        ("site", "events", DAY, 0, "ok", None),
        ("site", "refunds", None, None, "not_daily", None),
        ("market", "all", DAY, 0, "ok", "market/a.csv"),
    ]
    watermarks = [dict(zip(names, row, strict=True)) for row in rows]
    with duckdb.connect(str(home / FILE)) as con:
        _create(con, fakes({"quality.source_watermarks": watermarks}))
    told = kpi(home, "status").output
    lines = [line.split() for line in told.splitlines()]
    assert ["market", "all", "2026-11-20", "0", "ok", "market/a.csv"] in lines
    assert ["site", "orders", "2026-11-17", "3", "file_missing", "site/a.csv"] in lines
    assert not any(line[:2] in (["site", "events"], ["site", "refunds"]) for line in lines)
    assert "site/b.csv" in told and "announces it" in told
    state = State(home / "data/state")
    letter = Letter(
        "k", "c", "kpi-1", "high", "kpi-1 fell", "{}", datetime(2026, 11, 21, tzinfo=UTC)
    )
    outgoing = Outgoing(state)
    outgoing.put([letter], datetime(2026, 11, 21, tzinfo=UTC))
    assert "not delivered" not in kpi(home, "status").output  # it has not been tried
    outgoing.note("c", "channel 1 (json)", 1, None, "")
    outgoing.end(1, "dead", datetime(2026, 11, 22, tzinfo=UTC), "HTTP 500")
    told = kpi(home, "status").output
    assert "messages that were not delivered" in told
    assert "HTTP 500" in told and "kpi-1 fell" in told and "channel 1 (json)" in told
    [lost] = json.loads(kpi(home, "--json", "status").stdout)["undelivered"]
    assert (lost["status"], lost["reason"]) == ("dead", "HTTP 500")
    marks = json.loads(kpi(home, "--json", "status").stdout)["watermarks"]
    assert [(m["source"], m["feed"], m["lag_days"]) for m in marks] == [
        ("market", "all", 0), ("site", "all", 3), ("site", "orders", 3),
    ]  # fmt: skip

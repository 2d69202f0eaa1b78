"""`kpi alerts`: the incidents told, and a test of every way they are told on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestration.build import warehouse
from orchestration.cli.console import console
from orchestration.cli.published import rows_of
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError

if TYPE_CHECKING:
    import duckdb

_LIST = """
    select incident_id, kind, severity, metric, dimension, segment, platform, opened_date,
        last_date, closed_date, cast(impact_amount as double) as impact_amount, cause_metric,
        cause_dimension, cause_segment, explanation_en
    from insights.incidents
    where not ? or closed_date is null
    order by last_date desc, impact_amount nulls first, incident_id
"""
_JUDGED = """
    select business_date, metric, dimension, segment, platform, expected, lower, status
    from insights.anomalies
"""
_SHOWN = ("incident_id", "severity", "opened_date", "last_date", "closed_date", "said",
          "explanation_en")  # fmt: skip


def incidents(con: duckdb.DuckDBPyConnection, only_open: bool) -> list[dict[str, Any]]:
    """Incidents of the published generation, the newest first."""
    return rows_of(con.execute(_LIST, [only_open]))


def list_alerts(only_open: bool) -> None:
    """Print the incidents of the published generation, the newest first, and what is muted.

    Args:
        only_open: those that have not ended.
    """
    from orchestration.ledger.state import State
    from orchestration.ledger.stories import Stories

    paths = settings.load().paths
    stories = Stories(State(paths.state))
    with warehouse.connect_published(paths.current) as con:
        rows = incidents(con, only_open)
        last = con.execute("select coalesce(data_through, as_of) from quality.run").fetchone()
    told, owners, verdicts = stories.told(), stories.acknowledged(), stories.verdicts()
    for row in rows:
        name = row["incident_id"]
        row["told"] = told[name].status if name in told else None
        row["acknowledged_by"] = owners.get(name)
        row["feedback"] = verdicts[name]["verdict"] if name in verdicts else None
    mutes = stories.mutes(last[0]) if last else []
    console.document({"incidents": rows, "mutes": mutes})
    if not rows:
        console.out("no open incident" if only_open else "no incident so far")
    else:
        names = ["id", "severity", "opened", "last", "closed", "told, said", "what"]
        shown = [{**row, "said": _said(row)} for row in rows]
        console.table(names, [tuple(row[name] for name in _SHOWN) for row in shown])
    if mutes:
        console.heading("muted")
        names = ["id", "metric", "platform", "segment", "until", "reason"]
        console.table(names, [tuple(mute[name] for name in names) for mute in mutes])


def show_power(platform: str) -> None:
    """Print the smallest fall of each judged series that would be told.

    Args:
        platform: only of this one; all if empty.
    """
    import polars as pl

    from models.power import visible_falls

    with warehouse.connect_published(settings.load().paths.current) as con:
        falls = visible_falls(con.sql(_JUDGED).pl())
    rows = falls.filter(pl.col("platform") == platform if platform else pl.lit(True)).to_dicts()
    console.document({"falls": rows})
    if not rows:
        console.out("nothing was judged so far")
        return
    names = ["platform", "where", "metric", "days", "expected", "smallest fall told"]
    console.table(names, [_fall(row) for row in rows])


def _fall(row: dict[str, Any]) -> tuple[str, ...]:
    fall, is_whole = row["smallest_fall"], row["dimension"] in {"all", "platform"}
    return (
        row["platform"] or "all",
        "" if is_whole else f"{row['dimension']} {row['segment']}",
        row["metric"],
        str(row["days"]),
        f"{row['expected']:,.4g}",
        "none: too few" if fall is None else f"{fall:.0%}",
    )


def _said(row: dict[str, Any]) -> str:
    by = row["acknowledged_by"]
    parts = [row["told"] and f"told {row['told']}", by and f"acknowledged by {by}",
             row["feedback"]]  # fmt: skip
    return ", ".join(part for part in parts if part)


def test_channels() -> None:
    """Send a message marked as a test to the outbox and through every configured channel.

    Raises:
        KpiError: a channel did not take it, or its address is missing from the environment.
    """
    from orchestration.alerting.delivery import send_now
    from orchestration.alerting.outbox import file_of, write_outbox

    configured = settings.load()
    channels = configured.alert_channels()
    message = _test_message(configured.shop.name, configured.shop.languages)
    paths = configured.paths
    write_outbox([message], paths.outbox)
    results: list[dict[str, Any]] = [
        {"channel": sent.channel, "status": sent.status, "reason": sent.reason}
        for sent in send_now(message, channels)
    ]
    failed = [sent["channel"] for sent in results if sent["status"] != "sent"]
    if not failed:
        console.document({"results": results, "outbox": str(paths.outbox)})
    console.table(["channel", "status", "reason"], [tuple(row.values()) for row in results])
    if not channels:
        console.out("no channel is configured: messages go to the outbox only")
    console.out(f"outbox  {file_of(message, paths.outbox)}")
    if failed:
        raise KpiError(
            f"{len(failed)} of {len(channels)} channels did not take the test message:"
            f" {', '.join(failed)}",
            f"alerts.channels of {configured.config_file.name}",
            "The reason is above, without secrets. Check the address, its token and the network.",
            ExitCode.CONFIG,
        )


def _test_message(shop: str, languages: Sequence[str]) -> Any:
    from dashboards.wording.facts import facts
    from dashboards.wording.message import AlertInfo, Message, one_line

    now = datetime.now(UTC)
    subject = {"en": "TEST: this is not an alert", "zh": "测试：这不是告警"}
    said = {
        "en": "This is a test of the alert channels, sent by `kpi alerts test`. Nothing happened"
        " in the shop and nothing has to be done.",
        "zh": "这是由 `kpi alerts test` 发出的通道测试消息。店铺没有异常，无需处理。",
    }
    return Message(
        incident_id=f"test-{now:%Y%m%dT%H%M%S%f}",
        day=now.date(),
        kind="test",
        metric="test",
        segment="test",
        severity="low",
        subject=one_line(f"[{shop}] {subject[languages[0]]}"),
        text="\n\n".join(said[lang] for lang in languages),
        facts=facts([], AlertInfo(shop, ""), "test") | {"currency": None},
    )

"""What a run tells: news of the incidents it published, or that it failed.

What is news is in `teller.py` and `story.py`, the words are in `dashboards.wording`, sending is in
`delivery.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from dashboards.wording.facts import Evidence, facts
from dashboards.wording.lookups import lookups_message
from dashboards.wording.message import AlertInfo, Message, one_line
from dashboards.wording.metrics import by_name
from models.series import FEEDS_OF_METRIC
from orchestration.alerting.delivery import SendPolicy, deliver_due, queue, send_now
from orchestration.alerting.outbox import write_outbox
from orchestration.alerting.teller import Teller
from orchestration.errors import attempt, words_of, write_trace

if TYPE_CHECKING:
    from orchestration.config.settings import Settings
    from orchestration.ledger.state import State

_CREDENTIALS = re.compile(r"://[^\s/@]+@")
_LONGEST_ERROR = 2000
_OUTBOX_DAYS = 35
# The last day that was judged or, if nothing came for it, should have been.
_LAST_DAY = """
    select max(business_date) as day
    from (
        select business_date from insights.anomalies
        union all
        select business_date from quality.source_completeness_daily
    ) as days
"""
# Feeds of which too many rows found nothing to belong to.
_LOST = "from quality.lookups where is_material order by feed, looks_for, source"


def alertable(incidents: pl.DataFrame, as_of: date, within_days: int = 2) -> pl.DataFrame:
    """Open incidents of the last days, the costliest first: history is not news.

    Args:
        incidents: frame of `models.incidents.INCIDENT_SCHEMA`.
        as_of: last business date of the data.
        within_days: days back, `as_of` included.
    """
    since = as_of - timedelta(days=within_days - 1)
    return incidents.filter(
        pl.col("closed_date").is_null(), pl.col("last_date").is_between(since, as_of)
    ).sort(pl.col("kind") != "data", pl.col("impact_amount").fill_null(0), "incident_id")


def failure_message(  # noqa: PLR0913, PLR0917 - the parts of one message
    run_id: str,
    step: str,
    error: BaseException | str,
    log_path: Path | str,
    day: date | None = None,
    languages: Sequence[str] = ("en", "zh"),
) -> Message:
    """The message of a run that failed; readers keep the last good generation.

    Args:
        run_id: id of the run.
        step: the step it failed at.
        error: what was raised; credentials in addresses are removed.
        log_path: where to read more.
        day: business date of the run; today (UTC) if not given.
        languages: languages of the message in order; the error is told as it was raised.
    """
    told = words_of(error) if isinstance(error, BaseException) else error.strip()
    reason = _CREDENTIALS.sub("://***@", told)[:_LONGEST_ERROR]
    lines = [one_line(line) for line in reason.splitlines()] or ["no message"]
    told_first = {
        "en": [f"Run {run_id} failed at step {step}.", *lines, f"Log: {log_path}"],
        "zh": [f"运行 {run_id} 在步骤 {step} 失败。", *lines, f"日志：{log_path}"],
    }
    ends = {
        "en": "Published figures and pages are those of the last good run.",
        "zh": "已发布的数据和页面保持上一次成功运行的结果。",
    }
    blocks = ["\n".join(map(one_line, [*told_first[lang], ends[lang]])) for lang in languages]
    is_english = languages[0] == "en"
    subject = f"run failed at {step}" if is_english else f"运行在 {step} 步骤失败"
    return Message(
        incident_id=f"run-{re.sub(r'[^A-Za-z0-9_-]', '_', run_id)[:60]}",
        day=day or datetime.now(UTC).date(),
        kind="run",
        metric="run",
        segment=one_line(f"run:{run_id}"),
        severity="high",
        subject=one_line(f"kpi-warehouse: {subject}"),
        text="\n\n".join(blocks),
    )


def tell_failure(
    settings: Settings, state: State, run_id: str, step: str, error: BaseException
) -> None:
    """Tell a run that failed once, through the queue and the outbox, and write its trace.

    Each stands alone: what ended the run, such as a full disk, may also end one of them. Where the
    queue cannot be written the message is sent past it.
    """
    if attempt(lambda: state.get("failure_told")) == run_id:
        return
    trace = attempt(lambda: write_trace(error, settings.paths.data / "logs"))
    shop = settings.shop
    message = failure_message(
        run_id, step, error, trace or "could not be written", languages=shop.languages
    )
    info = AlertInfo(shop.name, shop.currency)
    message = replace(message, facts=facts([], info, "run_failed"))
    attempt(lambda: write_outbox([message], settings.paths.outbox))
    if attempt(lambda: queue([message], settings, state)) is None:
        attempt(lambda: send_now(message, settings.alert_channels()))
    else:
        attempt(lambda: deliver_due(settings, state))
    attempt(lambda: state.set("failure_told", run_id))


def send_alerts(
    settings: Settings,
    state: State,
    published: Callable[[str], pl.DataFrame],
    policy: SendPolicy | None = None,
) -> int:
    """Tell what is news of the incidents of the published generation, and deliver it.

    What is told is queued, so that it arrives also if its incident ends meanwhile. The outbox also
    explains what happened in the weeks before: it is read by people who were not told at the time.

    Args:
        settings: the shop, its channels and folders.
        state: remembers what was told.
        published: a query on the published generation.
        policy: how hard to try.

    Returns:
        Number of incidents that are open on the last days.
    """
    incidents = published("from insights.incidents")
    last = published(_LAST_DAY)["day"][0]
    if last is None:
        return 0
    shop = settings.shop
    site = settings.file.publish.site_url or ""
    info = AlertInfo(shop.name, shop.currency, site, tuple(shop.languages))
    is_recent = pl.col("last_date") > last - timedelta(days=_OUTBOX_DAYS)
    teller = Teller(settings, state, info, last)
    events = teller.events(incidents)
    shown = incidents.filter(is_recent | pl.col("incident_id").is_in(sorted(events)))
    now = []
    if not shown.is_empty():
        evidence = _evidence(published)
        history = incidents.filter(is_recent, pl.col("withdrawn_date").is_null()).to_dicts()
        write_outbox([teller.first(row, evidence) for row in history], settings.paths.outbox)
        now = teller.messages(events, incidents, evidence)
    if lost := lookups_message(published(_LOST).to_dicts(), last, info):
        now.append(lost)
    write_outbox(now, settings.paths.outbox)
    queue(now, settings, state, policy)
    teller.remember(events, incidents)
    deliver_due(settings, state, policy)
    return len(alertable(incidents, last))


def _evidence(published: Callable[[str], pl.DataFrame]) -> Evidence:
    return Evidence(
        completeness=published("from quality.source_completeness_daily"),
        metrics=by_name(published("from quality.metrics")),
        feeds_of=FEEDS_OF_METRIC,
        causes=published("from insights.root_causes"),
        effects=published("from insights.incident_effects"),
        sets=published("from insights.root_cause_sets"),
        promos=published("from marts.dim_promo"),
        watermarks=published("from quality.source_watermarks"),
        consoles=published("from quality.platform_reconciliation_daily"),
    )

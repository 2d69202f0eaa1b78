"""What is kept no longer: the limits of section `privacy` of `shop.yml`, after each good run.

Nothing is dropped unless the shop asked for it, and nothing in silence: a batch that is gone stays
in the ledger as `expired`. Without `landing_days` no figure ever changes: only batches that no
build counts are dropped. With it, batches whose last business day is older than the limit go too,
and the next run is a full rebuild without them.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from ingestion.feeds import FEEDS
from orchestration.config.settings import Settings
from orchestration.ledger.identity import identify, was_landed
from orchestration.ledger.state import State

log = logging.getLogger("kpi")

_NOT_COUNTED = ("rejected", "superseded")


def apply_retention(settings: Settings, state: State, as_of: date) -> dict[str, int]:
    """Drop what is older than the configured limits. Call it under the run lock, after a good run.

    Args:
        settings: section `privacy` says what is kept how long.
        state: the ledger; batches that are dropped become `expired`.
        as_of: the last day of the data, from which business days are counted back.

    Returns:
        How many were dropped now: batches_expired (they counted), batches_withdrawn (they did not
        count), quarantine_files, inbox_files.
    """
    limits, now = settings.file.privacy, datetime.now(UTC).replace(tzinfo=None)
    ledger = state.files()
    counted, idle = _old_batches(ledger, limits.landing_days, limits.withdrawn_days, as_of, now)
    if counted:
        # A partial run would look for the rows that are gone.
        settings.paths.good_build.unlink(missing_ok=True)
    for batch in (*counted, *idle):
        state.expire(batch)
    gone = [file for file in state.files() if file["status"] == "expired"]
    for file in gone:
        _drop_batch(settings.paths.landing, file["batch_id"])
    dropped = {
        "batches_expired": len(counted),
        "batches_withdrawn": len(idle),
        "quarantine_files": _drop_quarantine(settings, ledger, gone, limits.quarantine_days, now),
        "inbox_files": _drop_inbox(settings, state, now),
    }
    if any(dropped.values()):
        log.info("retention: %s", ", ".join(f"{n} {name}" for name, n in dropped.items() if n))
    if counted:
        log.warning(
            "%d batches are older than privacy.landing_days = %s: their days leave the marts with"
            " the next run",
            len(counted),
            limits.landing_days,
        )
    return dropped


def drop_old_files(settings: Settings) -> int:
    """Delete messages and traces older than section `history` says; returns how many files."""
    limits, now = settings.file.history, datetime.now(UTC).timestamp()
    dropped = 0
    for folder, days in (("outbox", limits.message_days), ("logs", limits.log_days)):
        for file in (settings.paths.data / folder).glob("*"):
            if file.is_file() and now - file.stat().st_mtime > days * 86_400:
                file.unlink()
                dropped += 1
    return dropped


def _old_batches(
    ledger: Sequence[Mapping[str, Any]],
    landing_days: int | None,
    withdrawn_days: int | None,
    as_of: date,
    now: datetime,
) -> tuple[list[str], list[str]]:
    """Batches to drop: those that count, and those that do not."""
    counted, idle = [], []
    for file in ledger:
        landed = datetime.fromisoformat(file["landed_at"])
        if file["status"] == "landed" and landing_days and _is_personal(file["feeds"]):
            last = file["last_at"]
            day = (datetime.fromisoformat(last) if last else landed).date()
            if day < as_of - timedelta(days=landing_days):
                counted.append(file["batch_id"])
        elif (
            file["status"] in _NOT_COUNTED
            and was_landed(file)
            and withdrawn_days
            and landed < now - timedelta(days=withdrawn_days)
        ):
            idle.append(file["batch_id"])
    return counted, idle


def _is_personal(feeds: Mapping[str, int]) -> bool:
    """Whether a batch tells of single customers: orders, visits and what belongs to an order."""
    return any(FEEDS[f].personal or "order_id" in FEEDS[f].columns for f in feeds if f in FEEDS)


def _drop_batch(landing: Path, batch: str) -> None:
    for folder in landing.glob(f"*/batch={batch}"):
        shutil.rmtree(folder)


def _drop_quarantine(
    settings: Settings,
    ledger: Sequence[Mapping[str, Any]],
    gone: Sequence[Mapping[str, Any]],
    days: int | None,
    now: datetime,
) -> int:
    """Delete what is told of the bad rows of old or expired batches; returns how many files."""
    landed = {file["batch_id"]: datetime.fromisoformat(file["landed_at"]) for file in ledger}
    expired = {file["batch_id"] for file in gone}
    dropped = 0
    for file in settings.paths.quarantine.glob("*.parquet"):
        since = landed.get(file.stem, datetime.fromtimestamp(file.stat().st_mtime, UTC))
        is_old = bool(days) and since.replace(tzinfo=None) < now - timedelta(days=days or 0)
        if is_old or file.stem in expired:
            file.unlink()
            dropped += 1
    return dropped


def _drop_inbox(settings: Settings, state: State, now: datetime) -> int:
    """Delete landed files of the inbox; one that changed since it was landed stays."""
    limits = settings.file.privacy
    if limits.inbox == "keep" and not limits.inbox_days:
        return 0
    dropped = 0
    for path, items in groupby(identify(settings, state), key=lambda item: item.path):
        records = [item.record for item in items]
        if not all(record is not None and was_landed(record) for record in records):
            continue
        landed_at = max(record["landed_at"] for record in records if record is not None)
        age = now - datetime.fromisoformat(landed_at)
        is_old = limits.inbox_days is not None and age > timedelta(days=limits.inbox_days)
        if is_old or limits.inbox == "delete_after_landing":
            path.unlink()
            dropped += 1
    return dropped

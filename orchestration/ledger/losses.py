"""The ledger against landing: batches that count and are not there any more as they were landed.

Belongs here: finding them, what is said of those that cannot be landed again, and the digests of
landed files. Does not belong here: landing them again (`inbox.py`).

Each run looks at what the files say of their rows; once a week, and for `kpi doctor`, their bytes
are held against the digests that were taken when they landed (a second a gigabyte).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orchestration.config.settings import Settings
from orchestration.errors import ExitCode, KpiError
from orchestration.ledger.identity import InboxFile, content_of
from orchestration.ledger.state import State

_SHOWN = 5
_VERIFIED = "landing_verified_at"
_EVERY = timedelta(days=7)

log = logging.getLogger("kpi")


def lost_batches(settings: Settings, state: State, found: Collection[InboxFile]) -> frozenset[str]:
    """Batches that count and whose landed files are gone, damaged or of another number of rows.

    Args:
        settings: where landing is.
        state: the ledger.
        found: the files of the inbox, from which such batches can be landed again.

    Returns:
        Their ids; each one's file lies in the inbox.

    Raises:
        KpiError: the file of one does not: without it figures would fall in silence.
    """
    from ingestion.landing.landed import losses

    counted = {file["batch_id"]: file for file in state.files() if file["status"] == "landed"}
    lost = losses(settings.paths.landing, {key: file["feeds"] for key, file in counted.items()})
    now, last = datetime.now(UTC), state.get(_VERIFIED)
    if last is None or now - datetime.fromisoformat(last) > _EVERY:
        lost = {**altered(settings, state), **lost}
        if not lost:
            state.set(_VERIFIED, now.isoformat())
    here = {item.content for item in found}
    told = [f"{batch} ({counted[batch]['source_file']}): {why}" for batch, why in lost.items()
            if content_of(counted[batch]) not in here]  # fmt: skip
    if told:
        more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        raise KpiError(
            f"{len(told)} landed batches are not there as they were landed, and their files are not"
            f" in the inbox: {'; '.join(told[:_SHOWN])}{more}",
            str(settings.paths.landing),
            "Restore them from a backup, or deliver the files again; `kpi reject BATCH` builds"
            " without one. Nothing was changed.",
            ExitCode.INPUT_REJECTED,
        )
    for batch, why in lost.items():
        log.warning("%s is landed again: %s", counted[batch]["source_file"], why)
    return frozenset(lost)


def altered(settings: Settings, state: State) -> dict[str, str]:
    """Batches that count and whose landed files are not what they were: id -> what is wrong."""
    from ingestion.reading.preflight import sha256_of

    digests = state.digests()
    return {
        batch: f"{feed} is not as it was landed"
        for batch, feed, path in _landed(settings, state.files())
        if (batch, feed) in digests and path.exists() and sha256_of(path) != digests[batch, feed]
    }


def take_digests(settings: Settings, state: State) -> None:
    """Remember the digests of landed files that have none: of new ones, and ones written anew."""
    from ingestion.reading.preflight import sha256_of

    known = state.digests()
    state.remember_digests({
        (batch, feed): sha256_of(path)
        for batch, feed, path in _landed(settings, state.files())
        if (batch, feed) not in known and path.exists()
    })  # fmt: skip


def _landed(
    settings: Settings, ledger: Collection[Mapping[str, Any]]
) -> Iterator[tuple[str, str, Path]]:
    for file in ledger:
        for feed in file["feeds"] if file["status"] == "landed" else ():
            folder = settings.paths.landing / feed / f"batch={file['batch_id']}"
            yield file["batch_id"], feed, folder / "data.parquet"

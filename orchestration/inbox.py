"""The inbox against the ledger: which files are new, and what became of them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestration.errors import config_error
from orchestration.settings import Settings
from orchestration.state import FileRecord, State

if TYPE_CHECKING:
    from ingestion.land import LandedFile, Match
    from ingestion.pseudonymise import Tombstones

FATES = ("rows_read", "rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")
# polars releases the interpreter lock, so two files at a time use both cores of a small machine.
_WORKERS = 2

log = logging.getLogger("kpi")


def land_new_files(settings: Settings, state: State) -> dict[str, int]:
    """Land every file of the inbox the ledger has not seen.

    A file that is refused is recorded with its reason and does not hold back the others.

    Returns:
        Counts: files_seen, files_landed, files_refused (now or before), and rows of the files
        landed now by fate (`FATES`).

    Raises:
        KpiError: the pseudonym key is not the one earlier batches were made with.
    """
    from ingestion.land import match_files
    from ingestion.pseudonymise import Tombstones

    key = checked_key(settings, state)
    matches = match_files(settings.paths.inbox, settings.sources)
    known = state.statuses()
    new = {
        file.batch_id: (match, file)
        for match, file in _identified(settings, matches)
        if file.batch_id not in known
    }
    erased = Tombstones.of(key, state.tombstones())
    counts = dict.fromkeys(("files_seen", "files_landed", "files_refused", *FATES), 0)
    counts["files_seen"] = len(matches)
    counts["files_refused"] = sum(status == "refused" for status in known.values())
    with ThreadPoolExecutor(_WORKERS) as pool:
        landings = pool.map(lambda item: _land(settings, key, erased, *item), new.values())
        for done, (file, landed) in enumerate(landings, start=1):
            state.record(file)
            counts["files_landed"] += landed is not None
            counts["files_refused"] += landed is None
            for fate in FATES:
                counts[fate] += getattr(file, fate)
            if file.message:
                log.warning("%s", file.message)
            if done % 100 == 0:
                log.info("landed %d of %d files", done, len(new))
    return counts


def _identified(settings: Settings, matches: list[Match]) -> Iterator[tuple[Match, FileRecord]]:
    from ingestion.land import batch_of

    for match in matches:
        batch = batch_of(match.path, settings.sources[match.source], match.files)
        yield (
            match,
            FileRecord(
                batch_id=batch.batch_id,
                source=match.source,
                source_file=match.path.relative_to(settings.paths.inbox).as_posix(),
                content=batch.content,
                mapping=batch.fingerprint,
                format=match.files.format_name,
            ),
        )


def _land(
    settings: Settings, key: bytes, erased: Tombstones, match: Match, file: FileRecord
) -> tuple[FileRecord, LandedFile | None]:
    """Land one file; its ledger record, and None for the account if it was refused."""
    from ingestion.land import FileRejected, land_file

    try:
        landed = land_file(
            match.path,
            inbox=settings.paths.inbox,
            landing=settings.paths.landing,
            quarantine=settings.paths.quarantine,
            source=settings.sources[match.source],
            files=match.files,
            key=key,
            reporting_currency=settings.shop.currency,
            tombstones=erased,
        )
    except FileRejected as error:
        return replace(file, status="refused", message=str(error)), None
    record = replace(
        file,
        feeds=dict(landed.feeds),
        unknown_columns=tuple(landed.unknown_columns),
        message="; ".join(landed.issues),
        first_at=landed.first_at,
        last_at=landed.last_at,
        **{fate: getattr(landed, fate) for fate in FATES},
    )
    return record, landed


def checked_key(settings: Settings, state: State) -> bytes:
    """The pseudonym key, if it is the one the landed batches were made with.

    Raises:
        KpiError: it is lost, or another one: every customer would be counted twice.
    """
    known = state.get("key_fingerprint")
    key = settings.pseudonym_key(is_new=not known)
    fingerprint = hashlib.sha256(b"fingerprint" + key).hexdigest()[:16]
    if known and known != fingerprint:
        raise config_error(
            "this is not the pseudonym key the landed batches were made with; every customer"
            " would be counted twice",
            "privacy.key",
            "Restore the old key.",
        )
    if not known:
        state.set("key_fingerprint", fingerprint)
    return key

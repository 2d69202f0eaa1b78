"""The inbox against the ledger: which files are new, and what became of them."""

from __future__ import annotations

import errno
import hashlib
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from orchestration.errors import config_error, disk_full
from orchestration.manifests import announcements, known_files, read_manifests
from orchestration.settings import Settings
from orchestration.state import FileRecord, State

if TYPE_CHECKING:
    from ingestion.land import LandedFile, Match
    from ingestion.manifest import Entry

FATES = ("rows_read", "rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")
_COUNTS = ("files_seen", "files_landed", "files_refused", "files_waiting", *FATES)
# A file without its last line break that was written to just now is still being uploaded.
_UPLOAD_SECONDS = 60
# polars releases the interpreter lock, so two files at a time use both cores of a small machine.
_WORKERS = 2

log = logging.getLogger("kpi")


def land_new_files(settings: Settings, state: State) -> dict[str, int]:
    """Land every file of the inbox the ledger has not seen as it stands.

    A file that is refused is recorded with its reason and does not hold back the others. A file of
    which a manifest now says something else is read again, and its older batch counts no more.

    Returns:
        Counts: files_seen, files_landed, files_refused (now or before), files_waiting (still being
        written: looked at again in the next run), and rows of the files landed now by fate
        (`FATES`).

    Raises:
        KpiError: the pseudonym key is not the one earlier batches were made with, or the disk is
            full. What was landed before stays, what was not is landed by the next run.
    """
    from ingestion.land import match_files

    key = checked_key(settings, state)
    read_manifests(settings, state)
    matches = match_files(settings.paths.inbox, settings.sources)
    found = _identified(settings, state, matches)
    known = state.statuses()
    new = _unknown(found, known)
    counts = dict.fromkeys(_COUNTS, 0)
    counts["files_seen"] = len(matches)
    counts["files_refused"] = sum(status == "refused" for status in known.values())
    with ThreadPoolExecutor(_WORKERS) as pool:
        landings = pool.map(lambda item: _land(settings, key, item), new)
        for done, (file, landed) in enumerate(landings, start=1):
            if file.status == "waiting":
                counts["files_waiting"] += 1
                log.warning("%s", file.message)
                continue
            _record(state, file, settings.paths.landing)
            counts["files_landed"] += landed is not None
            counts["files_refused"] += landed is None
            for fate in FATES:
                counts[fate] += getattr(file, fate)
            if file.message:
                log.warning("%s", file.message)
            if done % 100 == 0:
                log.info("landed %d of %d files", done, len(new))
    state.supersede(_outdated(state, found))
    return counts


class _Item(NamedTuple):
    """A file of the inbox, how it is read, what it is known by, what a manifest says of it."""

    match: Match
    file: FileRecord
    entry: Entry | None


def _identified(settings: Settings, state: State, matches: list[Match]) -> list[_Item]:
    from ingestion.land import batch_of, sha256_of
    from ingestion.manifest import Known, Register

    hashed = []
    for match in matches:
        name = match.path.relative_to(settings.paths.inbox).as_posix()
        try:
            hashed.append((match, name, sha256_of(match.path)))
        except OSError as error:
            # Taken away or not ours to read: the others must not wait for it.
            log.warning("%s cannot be opened: %s", match.path.name, error.strerror)
    here = [Known(match.source, name, sha256) for match, name, sha256 in hashed]
    entries = announcements(state)
    register = Register(entries, [*known_files(state.files()), *here] if entries else [])
    found = []
    for match, name, sha256 in hashed:
        entry = register.entry(match.source, name, sha256)
        batch = batch_of(
            match.path, settings.sources[match.source], match.files, entry, sha256=sha256
        )
        file = FileRecord(
            batch_id=batch.batch_id,
            source=match.source,
            source_file=name,
            content=batch.content,
            mapping=batch.fingerprint,
            format=match.files.format_name,
        )
        found.append(_Item(match, file, entry))
    return found


def _unknown(found: Sequence[_Item], known: Mapping[str, str]) -> list[_Item]:
    """Files to land, each content once: new ones, and ones whose older reading counts again.

    A superseded batch counts again where a mapping or manifest was changed back. Not so where two
    files of the inbox are one content read in two ways: they would take turns for ever.
    """
    items = {item.file.batch_id: item for item in found}
    readings = Counter((item.file.source, item.file.content) for item in items.values())
    return [
        item
        for batch_id, item in items.items()
        if batch_id not in known
        or (known[batch_id] == "superseded" and readings[item.file.source, item.file.content] == 1)
    ]


def _outdated(state: State, found: Sequence[_Item]) -> list[str]:
    """Batches of files that lie in the inbox and are known as other batches there by now."""
    current = {item.file.batch_id for item in found}
    contents = {
        (item.file.source, item.file.source_file, item.file.content.partition("@")[0])
        for item in found
    }
    return [
        file["batch_id"]
        for file in state.files()
        if file["batch_id"] not in current
        and file["status"] in ("landed", "refused")
        and (file["source"], file["source_file"], file["content"].partition("@")[0]) in contents
    ]


def _land(settings: Settings, key: bytes, item: _Item) -> tuple[FileRecord, LandedFile | None]:
    """Land one file; its ledger record, and None for the account if it was refused."""
    from ingestion.errors import FileChanging
    from ingestion.land import FileRejected, land_file

    match, file, entry = item
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
            entry=entry,
        )
    except FileChanging as error:
        return replace(file, status="waiting", message=str(error)), None
    except FileRejected as error:
        return replace(file, status="refused", message=str(error)), None
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise disk_full(settings.paths.landing) from error
    if _is_uploading(match.path, landed):
        told = f"{match.path.name} is still being written: its last row is cut"
        return replace(file, status="waiting", message=told), None
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


def _record(state: State, file: FileRecord, landing: Path) -> None:
    try:
        state.record(file)
    except sqlite3.OperationalError as error:
        if "full" not in str(error):
            raise
        raise disk_full(landing) from error


def _is_uploading(path: Path, landed: LandedFile) -> bool:
    is_cut = any(issue.reason == "cut_row" for issue in landed.troubles)
    return is_cut and time.time() - path.stat().st_mtime < _UPLOAD_SECONDS


def checked_key(settings: Settings, state: State) -> bytes:
    """The pseudonym key, if it is the one the landed batches were made with.

    Raises:
        KpiError: it is another one; every customer would be counted twice.
    """
    key = settings.pseudonym_key()
    fingerprint = hashlib.sha256(b"fingerprint" + key).hexdigest()[:16]
    known = state.get("key_fingerprint")
    if known and known != fingerprint:
        raise config_error(
            "this is not the pseudonym key the landed batches were made with; every customer"
            " would be counted twice",
            "privacy.key",
            "Restore the old key.",
        )
    state.set("key_fingerprint", fingerprint)
    return key

"""The inbox against the ledger: which files are new, and what became of them."""

from __future__ import annotations

import errno
import hashlib
import logging
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from orchestration.config.settings import Settings
from orchestration.errors import config_error, disk_full
from orchestration.ledger.manifests import announcements, known_files, read_manifests
from orchestration.ledger.state import FileRecord, State

if TYPE_CHECKING:
    from ingestion.errors import Need
    from ingestion.landing.deliveries import Match
    from ingestion.landing.land import LandedFile
    from ingestion.landing.manifest import Entry
    from ingestion.rows.pseudonymise import Tombstones
    from ingestion.rows.rates import Rates

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
        KpiError: the pseudonym key or the reporting currency is not that of earlier batches, or
            the disk is full. What was landed before stays, what was not is landed by the next run.
    """
    from ingestion.landing.deliveries import match_files

    key = checked_key(settings, state)
    _check_currency(settings, state)
    read_manifests(settings, state)
    matches = match_files(settings.paths.inbox, settings.sources)
    counts = dict.fromkeys(_COUNTS, 0)
    counts["files_seen"] = len(matches)
    counts["files_refused"] = sum(s == "refused" for s in state.statuses().values())
    found = _identified(settings, state, matches)
    # Rates first: the amounts of the other files are landed converted.
    first = [item for item in found if "fx_rates" in item.match.files.format.feeds]
    for part in (first, [item for item in found if item not in first]):
        _land_all(settings, state, key, part, counts)
    state.supersede(_outdated(state, found))
    return counts


class _Item(NamedTuple):
    """A file of the inbox, how it is read, what it is known by, what a manifest says of it."""

    match: Match
    file: FileRecord
    entry: Entry | None


def _land_all(
    settings: Settings, state: State, key: bytes, items: Sequence[_Item], counts: dict[str, int]
) -> None:
    """Land what is new among some files of the inbox, and add it to the counts."""
    from ingestion.rows.pseudonymise import Tombstones

    erased = Tombstones.of(key, state.tombstones())
    rates = _rates(settings, state)
    new = _new(state, items, rates)
    with ThreadPoolExecutor(_WORKERS) as pool:
        landings = pool.map(lambda item: _land(settings, key, erased, rates, item), new)
        for done, (delivery, file, needs) in enumerate(landings, start=1):
            if file.status == "waiting":
                counts["files_waiting"] += 1
                log.warning("%s", file.message)
                continue
            _record(state, file, delivery, needs, settings.paths.landing)
            counts[f"files_{file.status}"] += 1
            for fate in FATES:
                counts[fate] += getattr(file, fate)
            if file.message:
                log.warning("%s", file.message)
            if done % 100 == 0:
                log.info("landed %d of %d files", done, len(new))


def _rates(settings: Settings, state: State) -> Rates:
    from ingestion.landing.landed import landed_rates

    active = [
        file["batch_id"]
        for file in state.files()
        if file["status"] == "landed" and "fx_rates" in file["feeds"]
    ]
    shop = settings.shop
    return landed_rates(settings.paths.landing, active, shop.currency, shop.timezone)


def _new(state: State, items: Sequence[_Item], rates: Rates) -> list[_Item]:
    """Files to land, each content once: unseen ones, and ones that are read otherwise by now.

    That is: under other rates than there are now, or as they were known before a mapping or
    manifest was changed and changed back (`superseded`). Where two files of the inbox are one
    content read in two ways they would take turns for ever; the later one stays.
    """
    from ingestion.rows.rates import from_json

    known, converted = state.statuses(), state.converted()
    each = {item.file.batch_id: item for item in items}
    readings = Counter((item.file.source, item.file.content) for item in each.values())
    new = []
    for delivery, item in each.items():
        last, needs = converted.get(delivery, (delivery, ""))
        status = known.get(last)
        is_new = status is None or (
            status == "superseded" and readings[item.file.source, item.file.content] == 1
        )
        if needs and status in ("landed", "refused"):
            is_new = _under(item.file, from_json(needs), rates).batch_id != last
        if is_new:
            new.append(item)
    return new


def _outdated(state: State, found: Sequence[_Item]) -> list[str]:
    """Batches of files that lie in the inbox and are known as other batches there by now."""
    converted = state.converted()
    current = {converted.get(item.file.batch_id, (item.file.batch_id,))[0] for item in found}
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


def _identified(settings: Settings, state: State, matches: list[Match]) -> list[_Item]:
    from ingestion.landing.deliveries import batch_of
    from ingestion.landing.manifest import Known, Register
    from ingestion.reading.preflight import sha256_of

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


def _land(
    settings: Settings, key: bytes, erased: Tombstones, rates: Rates, item: _Item
) -> tuple[str, FileRecord, tuple[Need, ...]]:
    """Land one file; the delivery it is, its ledger record, and the rates it depends on."""
    from ingestion.errors import FileChanging, FileRejected
    from ingestion.landing.land import land_file

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
            reporting_currency=rates.currency,
            rates=rates,
            tombstones=erased,
            entry=entry,
        )
    except FileChanging as error:
        return file.batch_id, replace(file, status="waiting", message=str(error)), ()
    except FileRejected as error:
        refused = replace(file, status="refused", message=str(error))
        return file.batch_id, _under(refused, error.needs, rates), error.needs
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise disk_full(settings.paths.landing) from error
    if _is_uploading(match.path, landed):
        told = f"{match.path.name} is still being written: its last row is cut"
        return file.batch_id, replace(file, status="waiting", message=told), ()
    record = replace(
        file,
        feeds=dict(landed.feeds),
        unknown_columns=tuple(landed.unknown_columns),
        message="; ".join(landed.issues),
        first_at=landed.first_at,
        last_at=landed.last_at,
        **{fate: getattr(landed, fate) for fate in FATES},
    )
    return file.batch_id, replace(record, batch_id=landed.batch_id), landed.needs


def _under(file: FileRecord, needs: tuple[Need, ...], rates: Rates) -> FileRecord:
    """The record of a file whose amounts depend on rates: with others it is another batch."""
    from ingestion.landing.deliveries import batch_id_of, rated_mark

    mark = rated_mark(file.mapping, needs, rates)
    return replace(file, batch_id=batch_id_of(file.source, file.content, mark))


def _record(
    state: State, file: FileRecord, delivery: str, needs: tuple[Need, ...], landing: Path
) -> None:
    from ingestion.rows.rates import to_json

    try:
        state.record(file)
        if needs:
            state.remember_rates(delivery, file.batch_id, to_json(needs))
    except sqlite3.OperationalError as error:
        if "full" not in str(error):
            raise
        raise disk_full(landing) from error


def _is_uploading(path: Path, landed: LandedFile) -> bool:
    is_cut = any(issue.reason == "cut_row" for issue in landed.troubles)
    return is_cut and time.time() - path.stat().st_mtime < _UPLOAD_SECONDS


def _check_currency(settings: Settings, state: State) -> None:
    currency = settings.shop.currency
    known = state.get("reporting_currency")
    if known and known != currency:
        raise config_error(
            f"amounts were landed in {known} so far; with {currency} they would be added up with"
            " others",
            "shop.currency",
            f"Set it to {known} again, or begin a new data folder and deliver all files there.",
        )
    state.set("reporting_currency", currency)


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

"""The inbox against the ledger: which files are new, and what became of them."""

from __future__ import annotations

import errno
import hashlib
import logging
import sqlite3
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.config.settings import Settings
from orchestration.errors import config_error, disk_full
from orchestration.ledger.identity import InboxFile, content_of, identify, matched
from orchestration.ledger.lookups import LOOKUP, Tables, load_tables, record_lookups
from orchestration.ledger.losses import lost_batches, take_digests
from orchestration.ledger.manifests import MANIFEST, read_manifests
from orchestration.ledger.misnamed import refuse_misnamed
from orchestration.ledger.rename import refuse_renamed
from orchestration.ledger.state import FileRecord, State

if TYPE_CHECKING:
    from ingestion.landing.account import LandedFile
    from ingestion.landing.lookups import Table
    from ingestion.rows.pseudonymise import Tombstones
    from ingestion.rows.rates import Rates

FATES = ("rows_read", "rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")
_COUNTS = ("files_seen", "files_landed", "files_refused", "files_waiting", *FATES)
# A file without its last line break that was written to just now is still being uploaded.
_UPLOAD_SECONDS = 60
# polars releases the interpreter lock, so two files at a time use both cores of a small machine.
_WORKERS = 2

log = logging.getLogger("kpi")


def state_of(inbox: Path) -> str:
    """Digest of what the file system says of the files of the inbox, which nobody need open.

    The instant of change is among it: unlike that of writing no copy keeps it.
    """
    listing = []
    for path in inbox.rglob("*"):
        if path.is_file():
            told = path.stat()
            change = f"{told.st_size} {told.st_mtime_ns} {told.st_ctime_ns} {told.st_ino}"
            listing.append(f"{path.relative_to(inbox)} {change}")
    text = "\n".join(sorted(listing))
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def land_new_files(
    settings: Settings, state: State, until: datetime | None = None
) -> dict[str, int]:
    """Land every file of the inbox the ledger has not seen as it stands.

    A file that is refused is recorded with its reason and does not hold back the others; once it is
    gone from the inbox it is refused no more. A file of which a manifest now says something else is
    read again, and its older batch counts no more.

    Rows of instants after `until` (UTC), if it is given, are set aside.

    Returns:
        Counts: files_seen, files_landed, files_refused (now or before, and still in the inbox),
        files_waiting (still being written: looked at again in the next run), and rows of the files
        landed now by fate (`FATES`).

    Raises:
        KpiError: the pseudonym key or the reporting currency is not that of earlier batches, a
            landed batch is lost and its file not here, or the disk is full. What was landed
            before stays, what was not is landed by the next run.
    """
    key = checked_key(settings, state)
    _check_currency(settings, state)
    read_manifests(settings, state)
    matches = matched(settings)
    counts = dict.fromkeys(_COUNTS, 0)
    counts["files_seen"] = len(matches)
    found = identify(settings, state, matches)
    refuse_renamed(settings, state, found)
    lost = lost_batches(settings, state, found)
    misnamed = refuse_misnamed(settings, state)
    tables = load_tables(settings, state)
    # Rates first: the amounts of the other files are landed converted.
    first = [item for item in found if "fx_rates" in item.match.files.format.feeds]
    for part in (first, [item for item in found if item not in first]):
        _land_all(settings, state, key, part, counts, lost, until, tables, found)
    record_lookups(settings, state, tables)
    take_digests(settings, state)
    if lost:  # none may be left, whatever is in the inbox
        lost_batches(settings, state, ())
    unopened = {match.path for match in matches} - {item.path for item in found}
    state.supersede(_outdated(settings, state, found, unopened) - misnamed)
    counts["files_refused"] = sum(status == "refused" for status in state.statuses().values())
    return counts


def _land_all(  # noqa: PLR0913, PLR0917 - what is landed, and all it is landed with
    settings: Settings,
    state: State,
    key: bytes,
    items: Sequence[InboxFile],
    counts: dict[str, int],
    lost: Collection[str],
    until: datetime | None,
    tables: Tables,
    found: Sequence[InboxFile],
) -> None:
    """Land what is new among some files of the inbox, and add it to the counts."""
    from ingestion.reading.apart import apart
    from ingestion.rows.pseudonymise import Tombstones

    erased = Tombstones.of(key, state.tombstones())
    rates = _rates(settings, state)
    new = _new(state, items, rates, lost, key, tables)
    mib = settings.file.build.file_mib()
    shared = _shared({item.path for item in new}, found, tables, key, mib)
    work = partial(_land, settings, key, erased, rates, until, tables)
    with ThreadPoolExecutor(_WORKERS) as pool, apart(work, mib) as land:
        landings = pool.map(partial(_land_apart, land), new)
        for done, (delivery, file, depends) in enumerate(landings, start=1):
            if file.status == "waiting":
                counts["files_waiting"] += 1
                log.warning("%s", file.message)
                continue
            told = filter(None, [file.message, shared[settings.paths.inbox / file.source_file]])
            record = replace(file, message="; ".join(told))
            _record(state, record, delivery, depends, settings.paths.landing)
            counts["files_landed"] += file.status == "landed"
            for fate in FATES:
                counts[fate] += getattr(file, fate)
            if record.message:
                log.warning("%s", record.message)
            if done % 100 == 0:
                log.info("landed %d of %d files", done, len(new))


def _shared(
    paths: Collection[Path], found: Sequence[InboxFile], tables: Tables, key: bytes, mib: int
) -> dict[Path, str]:
    """What to tell of files that several entries read, each a part of the rows."""
    from ingestion.errors import FileRejected
    from ingestion.landing.shared import Reading, told_of_shared
    from ingestion.reading.apart import apart

    readings: dict[Path, list[Reading]] = {}
    for item in found:
        asked = tables.of(item.match.files.format)
        readings.setdefault(item.path, []).append(Reading(item.source, item.match.files, asked))
    told = dict.fromkeys(paths, "")
    with apart(partial(told_of_shared, key), mib) as tell:
        for path in paths:
            if len(readings[path]) > 1:
                with suppress(FileRejected):  # landing it says so
                    told[path] = tell((path, readings[path]), path)
    return told


def _rates(settings: Settings, state: State) -> Rates:
    from ingestion.landing.landed import landed_rates

    active = [
        file["batch_id"]
        for file in state.files()
        if file["status"] == "landed" and "fx_rates" in file["feeds"]
    ]
    shop = settings.shop
    return landed_rates(settings.paths.landing, active, shop.currency, shop.timezone)


def _new(  # noqa: PLR0913, PLR0917 - the files, and all that they depend on
    state: State,
    items: Sequence[InboxFile],
    rates: Rates,
    lost: Collection[str],
    key: bytes,
    tables: Tables,
) -> list[InboxFile]:
    """Files to land, each content once: unseen and lost ones, and ones read otherwise by now.

    That is: under other rates or answers of lookups than there are now, or as they were known
    before a mapping or manifest was changed and changed back (`superseded`).
    """
    known, converted = state.statuses(), state.converted()
    each = {item.delivery.batch_id: item for item in items}
    new = []
    for item in each.values():
        status = known.get(item.batch_id)
        is_new = status in (None, "superseded") and not _stays_withdrawn(item, known, converted)
        if item.needs and status in ("landed", "refused"):
            asked = tables.of(item.match.files.format)
            now = _under(_record_of(item), item, item.needs, rates, key, asked).batch_id
            may_lose = status == "landed" and not all(table.is_whole for table in asked)
            is_new = now != item.batch_id and not may_lose
        if is_new or item.batch_id in lost:
            new.append(item)
    return new


def _stays_withdrawn(
    item: InboxFile, known: Mapping[str, str], converted: Mapping[str, tuple[str, str]]
) -> bool:
    """Whether a person withdrew a file, and only what mappings mean has changed since."""
    from ingestion.landing.deliveries import batch_of

    if item.batch_id in known:
        return False
    sha256 = item.delivery.sha256
    before = batch_of(item.path, item.source, item.match.files, item.entry, sha256, 1).batch_id
    return known.get(converted.get(before, (before,))[0]) == "rejected"


def _outdated(
    settings: Settings, state: State, found: Sequence[InboxFile], unopened: Collection[Path]
) -> set[str]:
    """Batches that count no more: known as others by now, or refused and not in the inbox now."""
    converted = state.converted()
    current = {
        converted.get(item.delivery.batch_id, (item.delivery.batch_id,))[0] for item in found
    }
    # A file may be read by another source now, or have come again under another name.
    here = {(item.name, item.delivery.sha256) for item in found}
    here |= {(item.match.source, item.delivery.content) for item in found}
    outdated = set()
    for file in state.files():
        if file["batch_id"] in current or file["format"] in (MANIFEST, LOOKUP):
            continue
        if file["status"] == "refused":
            is_outdated = settings.paths.inbox / file["source_file"] not in unopened
        else:
            names = {(file["source_file"], content_of(file)[1]), (file["source"], file["content"])}
            is_outdated = bool(names & here)
        if is_outdated and file["status"] in ("landed", "refused"):
            outdated.add(file["batch_id"])
    return outdated


def _record_of(item: InboxFile) -> FileRecord:
    """A file as it enters the ledger, before anything is known of its rows."""
    return FileRecord(
        batch_id=item.delivery.batch_id,
        source=item.match.source,
        source_file=item.name,
        content=item.delivery.content,
        mapping=item.delivery.fingerprint,
        format=item.match.files.format_name,
    )


_Landing = tuple[str, FileRecord, str]


def _land_apart(land: Callable[[InboxFile, Path], _Landing], item: InboxFile) -> _Landing:
    """Land one file in another process, which it may end; see `_land`."""
    from ingestion.errors import FileRejected

    try:
        return land(item, item.path)
    except FileRejected as error:
        file = _record_of(item)
        return file.batch_id, replace(file, status="refused", message=str(error)), ""


def _land(  # noqa: PLR0913, PLR0917 - a file, and all it is judged with
    settings: Settings,
    key: bytes,
    erased: Tombstones,
    rates: Rates,
    until: datetime | None,
    tables: Tables,
    item: InboxFile,
) -> _Landing:
    """Land one file; the delivery it is, its ledger record, and what it depends on."""
    from ingestion.errors import FileChanging, FileRejected
    from ingestion.landing.land import land_file
    from ingestion.landing.lookups import remembered
    from ingestion.rows.rates import to_json

    match, file = item.match, _record_of(item)
    asked = tables.of(match.files.format)
    try:
        landed = land_file(
            match.path,
            inbox=settings.paths.inbox,
            landing=settings.paths.landing,
            quarantine=settings.paths.quarantine,
            source=item.source,
            files=match.files,
            key=key,
            reporting_currency=rates.currency,
            rates=rates,
            tombstones=erased,
            entry=item.entry,
            until=until,
            known=item.seen,
            tables=asked,
        )
    except FileChanging as error:
        return file.batch_id, replace(file, status="waiting", message=str(error)), ""
    except FileRejected as error:
        refused = replace(file, status="refused", message=str(error))
        depends = error.remembered or (to_json(error.needs) if error.needs else "")
        return file.batch_id, _under(refused, item, depends, rates, key, asked), depends
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise disk_full(settings.paths.landing) from error
    if _is_uploading(match.path, landed):
        told = f"{match.path.name} is still being written: its last row is cut"
        return file.batch_id, replace(file, status="waiting", message=told), ""
    record = replace(
        file,
        feeds=dict(landed.feeds),
        unknown_columns=tuple(landed.unknown_columns),
        message="; ".join(filter(None, [*landed.issues, landed.cleaned, landed.looked_up])),
        first_at=landed.first_at,
        last_at=landed.last_at,
        **{fate: getattr(landed, fate) for fate in FATES},
    )
    is_known = landed.needs or landed.job.asked.keys
    depends = remembered(landed.needs, landed.job.asked) if is_known else ""
    return file.batch_id, replace(record, batch_id=landed.batch_id), depends


def _under(  # noqa: PLR0913, PLR0917 - a file, and all it depends on
    file: FileRecord,
    item: InboxFile,
    depends: str,
    rates: Rates,
    key: bytes,
    tables: Sequence[Table],
) -> FileRecord:
    """The record of a file that depends on rates and lookups: with others it is another batch."""
    from ingestion.landing.deliveries import batch_id_of, rated_mark
    from ingestion.landing.lookups import answered_mark, recalled

    needs, answers = recalled(depends, tables, key) if depends else ((), "")
    mark = rated_mark(answered_mark(file.mapping, answers), needs, rates)
    return replace(file, batch_id=batch_id_of(item.source.identity, file.content, mark))


def _record(state: State, file: FileRecord, delivery: str, depends: str, landing: Path) -> None:
    try:
        state.record(file)
        if depends:
            state.remember_rates(delivery, file.batch_id, depends)
    except sqlite3.OperationalError as error:
        if "full" not in str(error):
            raise
        raise disk_full(landing) from error


def _is_uploading(path: Path, landed: LandedFile) -> bool:
    is_cut = any(issue.reason == "cut_row" for issue in landed.troubles)
    # Of a time to come the clock has gone back since.
    return is_cut and 0 <= time.time() - path.stat().st_mtime < _UPLOAD_SECONDS


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

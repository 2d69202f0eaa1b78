"""The inbox against the ledger: which files are new, and what became of them."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.errors import config_error
from orchestration.settings import Settings
from orchestration.state import FileRecord, State

if TYPE_CHECKING:
    from ingestion.land import LandedFile, Match
    from ingestion.manifest import Announced, Entry, Known

FATES = ("rows_read", "rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")
# polars releases the interpreter lock, so two files at a time use both cores of a small machine.
_WORKERS = 2
_MANIFEST = "manifest"  # format, in the ledger, of a manifest that is refused

log = logging.getLogger("kpi")


def land_new_files(settings: Settings, state: State) -> dict[str, int]:
    """Land every file of the inbox the ledger has not seen as it stands.

    A file that is refused is recorded with its reason and does not hold back the others. A file of
    which a manifest now says something else is read again, and its older batch counts no more.

    Returns:
        Counts: files_seen, files_landed, files_refused (now or before), and rows of the files
        landed now by fate (`FATES`).

    Raises:
        KpiError: the pseudonym key is not the one earlier batches were made with.
    """
    from ingestion.land import match_files

    key = checked_key(settings, state)
    _read_manifests(settings, state)
    found = _identified(settings, state, match_files(settings.paths.inbox, settings.sources))
    known = state.statuses()
    new = _unknown(found, known)
    counts = dict.fromkeys(("files_seen", "files_landed", "files_refused", *FATES), 0)
    counts["files_seen"] = len(found)
    counts["files_refused"] = sum(status == "refused" for status in known.values())
    with ThreadPoolExecutor(_WORKERS) as pool:
        landings = pool.map(lambda item: _land(settings, key, item), new)
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
    state.supersede(_outdated(state, found))
    return counts


class _Item(NamedTuple):
    """A file of the inbox, how it is read, what it is known by, what a manifest says of it."""

    match: Match
    file: FileRecord
    entry: Entry | None


def _read_manifests(settings: Settings, state: State) -> None:
    """Remember what the manifests of the inbox say; one that is refused stands in the ledger."""
    from ingestion.land import FileRejected
    from ingestion.manifest import is_manifest, read_manifest

    inbox, told = settings.paths.inbox, state.announcements()
    refusals = {file["source_file"]: file for file in state.files() if file["format"] == _MANIFEST
                and file["status"] == "refused"}  # fmt: skip
    new, mended = {}, []
    for path in sorted(p for p in inbox.rglob("*") if is_manifest(p.name) and p.is_file()):
        name = path.relative_to(inbox).as_posix()
        before = refusals.get(name)
        try:
            entries = [entry.model_dump(mode="json") for entry in read_manifest(path, inbox)]
        except FileRejected as error:
            if before is None or before["message"] != str(error):
                batch = hashlib.sha256(f"{_MANIFEST}|{name}".encode()).hexdigest()[:16]
                state.record(FileRecord(batch, "", name, batch, "", _MANIFEST, status="refused",
                                        message=str(error)))  # fmt: skip
                log.warning("%s", error)
            continue
        if before is not None:
            mended.append(before["batch_id"])
        if entries != told.get(name):
            new[name] = entries
    state.announce(new)
    state.supersede(mended)


def missing_files(
    settings: Settings, state: State, ledger: Sequence[Mapping[str, Any]]
) -> list[Announced]:
    """Files that a manifest announces and that have not landed.

    Args:
        settings: supplies the sources.
        state: holds what the manifests say.
        ledger: `State.files()`, pinned for the run.
    """
    from ingestion.manifest import missing

    entries = _announcements(state)
    return missing(entries, settings.sources, _known(ledger)) if entries else []


def _announcements(state: State) -> list[Entry]:
    from ingestion.manifest import Entry

    told = state.announcements().values()
    return [Entry.model_validate(entry) for entries in told for entry in entries]


def _known(ledger: Sequence[Mapping[str, Any]]) -> list[Known]:
    from ingestion.manifest import Known

    return [
        Known(
            file["source"],
            file["source_file"],
            file["content"].partition("@")[0],
            is_settled=file["status"] in ("landed", "rejected"),
        )
        for file in ledger
    ]


def _identified(settings: Settings, state: State, matches: list[Match]) -> list[_Item]:
    from ingestion.land import batch_of, sha256_of
    from ingestion.manifest import Known, Register

    inbox = settings.paths.inbox
    hashed = [
        (match, match.path.relative_to(inbox).as_posix(), sha256_of(match.path))
        for match in matches
    ]
    here = [Known(match.source, name, sha256) for match, name, sha256 in hashed]
    entries = _announcements(state)
    register = Register(entries, [*_known(state.files()), *here] if entries else [])
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

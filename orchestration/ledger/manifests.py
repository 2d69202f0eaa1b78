"""Manifests of the inbox: remembered in the state, and held against the ledger.

What a manifest is and says is in `ingestion.landing.manifest`.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration.config.settings import Settings
from orchestration.ledger.state import FileRecord, State

if TYPE_CHECKING:
    from ingestion.landing.manifest import Announced, Entry, Known

MANIFEST = "manifest"  # format, in the ledger, of a manifest that is refused

log = logging.getLogger("kpi")


def read_manifests(settings: Settings, state: State) -> None:
    """Remember what the manifests of the inbox say; one that is refused stands in the ledger."""
    from ingestion.errors import FileRejected
    from ingestion.landing.deliveries import is_text
    from ingestion.landing.manifest import is_manifest, read_manifest

    inbox, told = settings.paths.inbox, state.announcements()
    before = {file["source_file"]: file for file in state.files() if file["format"] == MANIFEST
              and file["status"] == "refused"}  # fmt: skip
    new, refused = {}, set()
    named = (p for p in inbox.rglob("*") if is_manifest(p.name) and is_text(p))
    for path in sorted(p for p in named if p.is_file()):
        name = path.relative_to(inbox).as_posix()
        try:
            entries = [entry.model_dump(mode="json") for entry in read_manifest(path, inbox)]
        except FileRejected as error:
            refused.add(name)
            if name not in before or before[name]["message"] != str(error):
                batch = hashlib.sha256(f"{MANIFEST}|{name}".encode()).hexdigest()[:16]
                state.record(FileRecord(batch, "", name, batch, "", MANIFEST, status="refused",
                                        message=str(error)))  # fmt: skip
                log.warning("%s", error)
            continue
        if entries != told.get(name):
            new[name] = entries
    state.announce(new)
    # Corrected, or not there any more.
    state.supersede([before[name]["batch_id"] for name in before.keys() - refused])


def missing_files(
    settings: Settings, state: State, ledger: Sequence[Mapping[str, Any]]
) -> list[Announced]:
    """Files that a manifest announces and that have not landed.

    Args:
        settings: supplies the sources.
        state: holds what the manifests say.
        ledger: `State.files()`, pinned for the run.
    """
    from ingestion.landing.manifest import missing

    entries = announcements(state)
    if not entries:
        return []
    known = known_files(ledger)
    copies = _landed_as_copies(settings.paths.inbox, entries, known)
    return missing(entries, settings.sources, [*known, *copies])


def _landed_as_copies(
    inbox: Path, entries: Sequence[Entry], known: Sequence[Known]
) -> Iterator[Known]:
    """Announced files of the inbox whose content has landed under another name."""
    from ingestion.landing.manifest import Known
    from ingestion.reading.preflight import sha256_of

    names = {one.file for one in known if one.is_settled}
    contents = {one.sha256 for one in known if one.is_settled}
    for file in {entry.file for entry in entries if not entry.sha256} - names:
        path = inbox / file
        if path.is_file() and (sha256 := sha256_of(path)) in contents:
            yield Known("", file, sha256, is_settled=True)


def announcements(state: State) -> list[Entry]:
    """What all manifests say."""
    from ingestion.landing.manifest import Entry

    told = state.announcements().values()
    return [Entry.model_validate(entry) for entries in told for entry in entries]


def known_files(ledger: Sequence[Mapping[str, Any]]) -> list[Known]:
    """The files of the ledger as manifests are held against them."""
    from ingestion.landing.manifest import Known

    return [
        Known(
            file["source"],
            file["source_file"],
            file["content"].partition("@")[0],
            is_settled=file["status"] in ("landed", "rejected"),
        )
        for file in ledger
    ]

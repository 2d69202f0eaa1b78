"""The files of the inbox, and what the ledger knows of each.

Belongs here: `identify`, by which landing, retention, erasure and `kpi doctor` mean the same by a
file. Does not belong here: landing it (`inbox.py`), or what follows from its being known.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestration.config.settings import Settings
from orchestration.errors import config_error
from orchestration.ledger.manifests import announcements, known_files
from orchestration.ledger.state import State

if TYPE_CHECKING:
    from ingestion.landing.deliveries import Batch, Match
    from ingestion.landing.manifest import Entry
    from ingestion.mapping.sources import Source
    from ingestion.reading.preflight import Hashed

log = logging.getLogger("kpi")


class InboxFile(NamedTuple):
    """A file of the inbox.

    Attributes:
        match: whose it is and how it is read; a file that is read in several ways is here as often.
        source: its source, under the identity it was first landed with.
        name: path below the inbox.
        entry: what a manifest says of it.
        delivery: what it is known by, whatever the rates.
        seen: its sha256, and how it stood when that was taken.
        batch_id: the batch it was landed as last: of foreign amounts also by the rates it took.
        needs: rates that batch depends on, as `ingestion.rows.rates` writes them; empty for none.
        record: the row of `State.files()` of that batch; None for a file not seen as it stands.
    """

    match: Match
    source: Source
    name: str
    entry: Entry | None
    delivery: Batch
    seen: Hashed
    batch_id: str
    needs: str
    record: Mapping[str, Any] | None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.match.path

    @property
    def is_new(self) -> bool:
        """Whether it was not seen as it stands, or is here again after it was withdrawn."""
        return self.record is None or self.record["status"] == "superseded"

    @property
    def content(self) -> tuple[str, str]:
        """Source and sha256 of its bytes, however they are read; see `content_of`."""
        return self.match.source, self.delivery.sha256


def content_of(record: Mapping[str, Any]) -> tuple[str, str]:
    """Return source and sha256 of the file that a row of the ledger tells of."""
    return record["source"], record["content"].partition("@")[0]


def was_landed(record: Mapping[str, Any]) -> bool:
    """Whether a row of the ledger tells of a file that landed, not of one that was refused."""
    return bool(record["feeds"])


def identify(
    settings: Settings, state: State | None, matches: Collection[Match] | None = None
) -> list[InboxFile]:
    """Tell what each file of the inbox is known by, and what the ledger says of it.

    Args:
        settings: supplies inbox and sources.
        state: the ledger and what the manifests say; None where there is none yet.
        matches: files to look at, by default all that a source reads.

    Returns:
        The files by path; one that cannot be opened is left out and logged.
    """
    from ingestion.landing.deliveries import batch_of
    from ingestion.landing.manifest import Known, Register

    if matches is None:
        matches = matched(settings)
    sources = known_sources(settings, state)
    with ThreadPoolExecutor(2) as pool:
        hashed = [
            (match, match.path.relative_to(settings.paths.inbox).as_posix(), seen)
            for match, seen in zip(matches, pool.map(_hashed, matches), strict=True)
            if seen
        ]
    ledger = state.files() if state else []
    entries = announcements(state) if state else []
    here = [Known(match.source, name, seen.sha256) for match, name, seen in hashed]
    register = Register(entries, [*known_files(ledger), *here] if entries else [])
    records = {file["batch_id"]: file for file in ledger}
    converted = state.converted() if state else {}
    found = []
    for match, name, seen in hashed:
        entry = register.entry(match.source, name, seen.sha256)
        source = sources[match.source]
        delivery = batch_of(match.path, source, match.files, entry, seen.sha256)
        last, needs = converted.get(delivery.batch_id, (delivery.batch_id, ""))
        found.append(
            InboxFile(match, source, name, entry, delivery, seen, last, needs, records.get(last))
        )
    return found


def matched(settings: Settings) -> list[Match]:
    """The files of the inbox that a source reads.

    Raises:
        KpiError: two entries of shop.yml would count the same rows of a file twice.
    """
    from ingestion.errors import MappingError
    from ingestion.landing.deliveries import match_files

    try:
        return match_files(settings.paths.inbox, settings.sources)
    except MappingError as error:
        raise config_error(str(error), settings.config_file.name, "Then `kpi doctor`.") from error


def known_sources(settings: Settings, state: State | None) -> dict[str, Source]:
    """The configured sources, each under the identity it was first landed with.

    Raises:
        KpiError: a new source is called as a renamed one once was: they would be taken for one.
    """
    identities = state.identities() if state else {}
    for name in settings.sources.keys() - identities.keys():
        if later := next((new for new, old in identities.items() if old == name), None):
            raise config_error(
                f"source {later} was called {name} when it first landed",
                f"{settings.config_file.name} sources.{name}",
                f"Give the new source another name: its rows would be taken for those of {later}.",
            )
    return {name: source.known_as(identities.get(name, name))
            for name, source in settings.sources.items()}  # fmt: skip


def refuse_nothing(settings: Settings, state: State) -> None:
    """Say at once that there is nothing to build of; a build of nothing takes minutes.

    Raises:
        KpiError: no source reads a file of the inbox, and none ever did.
    """
    from ingestion.landing.deliveries import unmatched_files

    inbox, sources = settings.paths.inbox, settings.sources
    if matched(settings) or state.files():
        return
    if others := len(unmatched_files(inbox, sources)):
        raise config_error(
            f"no source reads any of the {others} files there", str(inbox),
            "See which patterns of `path` miss them with `kpi doctor`.",
        )  # fmt: skip
    raise config_error(
        "the inbox is empty", str(inbox),
        "Put exports there, in the folders that `path` of shop.yml names.",
    )  # fmt: skip


def _hashed(match: Match) -> Hashed | None:
    """The sha256 of a file; None if it was taken away or is not ours to read."""
    from ingestion.reading.preflight import hashed

    try:
        return hashed(match.path)
    except OSError as error:
        # The others must not wait for it.
        log.warning("%s cannot be opened: %s", match.path.name, error.strerror)
        return None

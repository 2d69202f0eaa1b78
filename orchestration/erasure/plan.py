"""The plan of an erasure: whose pseudonyms, where they stand, which files of the inbox hold them.

Nothing is changed here, and here alone the identifier is known.
"""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from orchestration.config.settings import Settings
from orchestration.erasure.erase import Journal, Request, hits, several, unknown
from orchestration.errors import ExitCode, KpiError, allowed
from orchestration.ledger.identity import content_of, identify, known_sources, was_landed
from orchestration.ledger.state import State

# A shorter identifier stands in too many files by chance to be looked for as text.
_SHORTEST = 6
_ENCODINGS = ("utf-8", "gb18030", "utf-16-le")
_LARGEST = 4 * 1024**3  # bytes of one file, decompressed
_DAMAGED = (pl.exceptions.PolarsError, zipfile.BadZipFile, zlib.error, EOFError, OSError)


def plan(settings: Settings, state: State, request: Request) -> Journal | None:
    """Find a person in every store.

    Returns:
        What is to be done; None if the person was erased before and nothing is held since.

    Raises:
        KpiError: nothing is held (and `anyway` is not set), or a name of the request is wrong.
    """
    from ingestion.landing.erase import (
        Replacements,
        belonging_to,
        buyers,
        landed_pairs,
        sharing,
    )
    from ingestion.rows.pseudonymise import Tombstones, random_pseudonym
    from orchestration.erasure.published import generation_files, key_frames, session_ids
    from orchestration.ledger.inbox import checked_key

    key = checked_key(settings, state)
    seeds = _pseudonyms(settings, state, request, key)
    landing, generations = settings.paths.landing, generation_files(settings.paths)
    published = (frame for file in generations for frame in key_frames(file, _columns()))
    tables = [*landed_pairs(landing), *buyers(landing), *published]
    found = belonging_to(seeds, tables, with_shared=request.with_shared)
    # A mail is one person's, however many accounts they have; a phone may be a household's.
    named = [key for key, column in sharing(seeds, tables).items() if column == "phone_key"]
    if len(named) > 1 and not request.with_shared:
        raise several(len(named))
    shared = sharing(found, tables)
    graves = Tombstones.of(key, state.tombstones())
    known = graves.replacements
    new = {old: known.get(graves.mark(old)) or random_pseudonym() for old in {*seeds, *found}}
    sessions: dict[str, str] = {}
    for file in generations:
        sessions.update(session_ids(file, {old: new[old] for old in found}))
    texts = dict(Replacements.of(new, sessions).texts)
    before = hits(settings, texts)
    if not any(before.values()):
        if all(graves.mark(seed) in known for seed in seeds):
            return None
        if not request.anyway:
            raise unknown(request)
    return Journal(
        erasure=f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}",
        texts=texts,
        marks={graves.mark(old): replacement for old, replacement in new.items()},
        keys=dict(Counter(found.values())),
        before=before,
        inbox=_inbox(settings, state, request, texts),
        delete_inbox=request.delete_inbox,
        shared={key: column for key, column in sorted(shared.items()) if key not in found},
    )


def _columns() -> set[str]:
    """Names of all pseudonym columns."""
    from ingestion.feeds import FEEDS

    return {pseudonym for feed in FEEDS.values() for pseudonym in feed.personal.values()}


def _pseudonyms(settings: Settings, state: State, request: Request, key: bytes) -> set[str]:
    """Every pseudonym the identifier may have got: in each namespace, as each kind of column.

    Raises:
        KpiError: an unknown source or column, or no identifier.
    """
    from ingestion.feeds import FEEDS
    from ingestion.rows.build import namespace_of
    from ingestion.rows.pseudonymise import pseudonyms

    columns = sorted({personal for feed in FEEDS.values() for personal in feed.personal})
    # A source that is no longer configured may still have landed rows.
    identities = {file["source"]: file["source"] for file in state.files()} | state.identities()
    customers = dict(identities)
    for name, source in known_sources(settings, state).items():
        identities[name], customers[name] = source.identity, source.namespace
    if request.source:
        allowed("--source", request.source, sorted(customers))
    if request.column:
        allowed("--column", request.column, columns)
    if not request.identifier.strip():
        raise KpiError("no identifier is given", "forget", "Give one.", ExitCode.USAGE)
    spaces = {
        namespace_of(column, identities[name], namespace)
        for name, namespace in customers.items()
        for column in columns
        if request.source in ("", name) and request.column in ("", column)
    }
    value = pl.Series([request.identifier])
    found = {pseudonyms(value, key, space).item() for space in spaces}
    if None in found:
        raise KpiError("this names nobody: what systems write for it is landed empty", "forget",
                       "Give the identifier of one person.", ExitCode.USAGE)  # fmt: skip
    return found


# The inbox ------------------------------------------------------------------------------------


def _inbox(
    settings: Settings, state: State, request: Request, texts: dict[str, str]
) -> list[dict[str, str]]:
    """Files of the inbox that hold the person: by their landed rows, or by the text itself."""
    # By content: a mapping may have changed since a file was landed.
    rows = _batches_with(settings.paths.landing, texts)
    ledger = [record for record in state.files() if was_landed(record)]
    landed = {content_of(record) for record in ledger}
    held = {content_of(record) for record in ledger if record["batch_id"] in rows}
    contents: dict[Path, set[tuple[str, str]]] = defaultdict(set)
    for item in identify(settings, state):
        contents[item.path].add(item.content)
    entries = []
    for file in sorted(path for path in settings.paths.inbox.rglob("*") if path.is_file()):
        known = contents.get(file, set())
        has_landed = bool(known) and known <= landed
        if known & held:
            why = "its landed rows are the person's"
        elif not (why := _told_by_text(file, request.identifier)):
            continue
        name = file.relative_to(settings.paths.inbox).as_posix()
        entries.append(
            {
                "file": name,
                "shown": _masked(name, request.identifier),
                "why": why if has_landed else f"{why}, and it is not landed",
                "action": "delete" if has_landed and request.delete_inbox else "listed",
            }
        )
    return entries


def _batches_with(landing: Path, texts: dict[str, str]) -> set[str]:
    from ingestion.landing.erase import Replacements, hits_in_parquet

    wanted = Replacements(texts)
    return {
        file.parent.name.removeprefix("batch=")
        for file in landing.glob("*/batch=*/*.parquet")
        if hits_in_parquet(file, wanted)
    }


def _told_by_text(file: Path, identifier: str) -> str:
    """Why a file is to be told of, by the text in it; empty if it is not."""
    try:
        return "the identifier stands in it" if _stands_in(file, identifier) else ""
    except _DAMAGED:
        return "it is damaged and cannot be searched"


def _stands_in(file: Path, identifier: str) -> bool:
    """Whether the identifier stands in a file as a word of its own, in the usual encodings."""
    word = identifier.strip().lower()
    if len(word) < _SHORTEST:
        return False
    pattern = re.compile(rf"(?<!\w){re.escape(word)}(?!\w)")
    for content in _contents(file):
        lowered = content.lower()
        for encoding in _ENCODINGS:
            if word.encode(encoding, errors="replace") in lowered and pattern.search(
                content.decode(encoding, errors="replace").lower()
            ):
                return True
    return False


def _contents(file: Path) -> Iterator[bytes]:
    """The bytes of a file, decompressed; Parquet as JSON lines, so that nested cells show."""
    from ingestion.reading.kinds import kind_of

    kind = kind_of(file)
    if kind == "parquet":
        yield pl.read_parquet(file).write_ndjson().encode()
    elif kind == "gzip":
        with gzip.open(file) as stream:
            yield stream.read(_LARGEST)
    elif kind in ("zip", "xlsx"):
        with zipfile.ZipFile(file) as archive:
            for member in archive.namelist():
                with archive.open(member) as stream:
                    yield stream.read(_LARGEST)
    else:
        yield file.read_bytes()


def _masked(name: str, identifier: str) -> str:
    return re.sub(re.escape(identifier.strip()), "***", name, flags=re.IGNORECASE)

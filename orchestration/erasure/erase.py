"""What an erasure is: whom it concerns, its journal, and the search for what is left.

Belongs here: the shapes `plan.py` and `forget.py` share, where they are kept, and counting
hits in every store of a data folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from orchestration.config.settings import Settings
from orchestration.erasure.files import hits_in_file, other_files, page_files
from orchestration.errors import ExitCode, KpiError


@dataclass(frozen=True)
class Request:
    """Whom to forget.

    Attributes:
        identifier: as the exports write it: customer number, mail, phone, visitor id ...
        source: only of this source; empty: of all.
        column: only as this delivered column, such as customer_id; empty: as all.
        anyway: set tombstones also if nothing of the person is held.
        delete_inbox: delete landed files of the inbox that hold the person.
        with_shared: forget along who shares a mail or phone with the person.
    """

    identifier: str = field(repr=False)
    source: str = ""
    column: str = ""
    anyway: bool = False
    delete_inbox: bool = False
    with_shared: bool = False


@dataclass
class Journal:
    """An erasure under way; see the module.

    Attributes:
        erasure: its id, made of the time it began.
        texts: old text -> new, all that is replaced.
        marks: tombstones: mark of a pseudonym -> its replacement.
        keys: column -> how many pseudonyms of the person were found in it.
        before: store -> how many cells or places held one when it began.
        rewritten: store -> files written anew so far.
        inbox: file, its name as it may be shown, why it is there, what becomes of it.
        delete_inbox: whether they are deleted.
        shared: customers who share a mail or phone with the person and stay -> what they share.
    """

    erasure: str
    texts: dict[str, str]
    marks: dict[str, str]
    keys: dict[str, int]
    before: dict[str, int] = field(default_factory=dict)
    rewritten: dict[str, int] = field(default_factory=dict)
    inbox: list[dict[str, str]] = field(default_factory=list)
    delete_inbox: bool = False
    shared: dict[str, str] = field(default_factory=dict)


def folder(settings: Settings) -> Path:
    """Where the proofs are."""
    return settings.paths.state / "erasures"


def journal_file(settings: Settings) -> Path:
    """The journal of the erasure under way."""
    return folder(settings) / ".under_way.json"


def save(settings: Settings, journal: Journal) -> None:
    """Write the journal, so that a killed erasure goes on from here."""
    write_private(journal_file(settings), asdict(journal))


def write_private(file: Path, content: dict[str, Any]) -> None:
    """Write JSON that only the owner reads, complete or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    with draft.open("w", encoding="utf-8") as stream:
        json.dump(content, stream, ensure_ascii=False, indent=2)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def files_of(settings: Settings, store: str) -> Iterator[Path]:
    """The files of a store: landing, quarantine, pages, or other files."""
    paths = settings.paths
    if store in ("landing", "quarantine"):
        yield from sorted((paths.data / store).rglob("*.parquet"))
    elif store == "pages":
        yield from page_files(paths)
    else:
        journal = journal_file(settings)
        yield from (file for file in other_files(paths) if not file.name.startswith(journal.name))


def hits(settings: Settings, texts: dict[str, str]) -> dict[str, int]:
    """How often each store holds one of the texts: cells of tables, places in plain files.

    Args:
        settings: of the data folder.
        texts: the texts, as the keys.
    """
    from ingestion.landing.erase import Replacements
    from orchestration.erasure.published import generation_files, hits_in_database

    wanted = Replacements(texts)
    found = {
        store: sum(hits_in_file(file, wanted) for file in files_of(settings, store))
        for store in ("landing", "quarantine", "pages", "other files")
    }
    found["published"] = sum(
        cells
        for file in generation_files(settings.paths)
        for columns in hits_in_database(file, wanted).values()
        for cells in columns.values()
    )
    # Compressed parts show only above; this finds what no table of a database holds any more.
    found["bytes of databases"] = sum(
        wanted.in_file(file)
        for folder_ in ("build", "published")
        for file in (settings.paths.data / folder_).glob("*.duckdb*")
        if file.is_file() and not file.is_symlink()
    )
    return found


def unknown(request: Request) -> KpiError:
    """The error for a person of whom nothing is held; does not name them."""
    where = f" of source {request.source}" if request.source else ""
    what = f" as {request.column}" if request.column else ""
    return KpiError(
        f"nothing{where} is held under this identifier{what}; nothing was changed",
        "forget",
        "Write it as the export does. --anyway sets a tombstone for what may come.",
        ExitCode.USAGE,
    )


def several(count: int) -> KpiError:
    """The error for a phone of more than one customer; names none of them."""
    return KpiError(
        f"{count} customers have this phone; nothing was changed",
        "forget",
        "Name the one who is meant by mail or customer number, or forget them all: --with-shared.",
        ExitCode.USAGE,
    )

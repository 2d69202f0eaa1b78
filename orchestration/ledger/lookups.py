"""Second files of the inbox that lookups name: read for a run, and told of in the ledger.

What a lookup is and does is in `ingestion.landing.lookups`.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestration.config.settings import Settings
from orchestration.ledger.state import FileRecord, State

if TYPE_CHECKING:
    from ingestion.landing.lookups import Consulted, Table
    from ingestion.mapping.rules import Lookup
    from ingestion.mapping.spec import Format

LOOKUP = "lookup"  # format, in the ledger, of a file that only lookups read

log = logging.getLogger("kpi")


class Tables:
    """The tables of all lookups of a configuration.

    Attributes:
        all: of each lookup, in the order of shop.yml.
    """

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._tables = tables
        self.all = list(tables.values())

    def of(self, form: Format) -> list[Table]:
        """Those that a format asks, in its order."""
        return [self._tables[lookup.model_dump_json()] for lookup in form.lookup]


def load_tables(settings: Settings, state: State | None) -> Tables:
    """Read the files of all lookups; nothing is written.

    A table is not whole while a file that was consulted once is not in the inbox, unless a person
    withdrew it (`kpi reject`).
    """
    from ingestion.landing.lookups import load_table

    inbox = settings.paths.inbox
    ledger = [file for file in (state.files() if state else []) if file["format"] == LOOKUP]
    tables: dict[str, Table] = {}
    for lookup in _lookups(settings):
        mine = [file for file in ledger if file["mapping"] == _mapping(lookup)]
        landed = [file["source_file"] for file in mine if file["status"] == "landed"]
        rejected = {inbox / file["source_file"] for file in mine if file["status"] == "rejected"}
        gone = [name for name in landed if not (inbox / name).exists()]
        table = load_table(lookup, inbox, settings.file.build.file_mib(), rejected)
        for name in gone:
            log.warning(
                "%s, which lookups have read, is gone from the inbox: what landed with it stays as"
                " it is until it is back; `kpi reject` its batch if it is to be forgotten", name,
            )  # fmt: skip
        tables[lookup.model_dump_json()] = replace(table, is_whole=table.is_whole and not gone)
    return Tables(tables)


def record_lookups(settings: Settings, state: State, tables: Tables) -> None:
    """Write the second files into the ledger as they are now: an account each, the newest."""
    known = {file["batch_id"]: file for file in state.files() if file["format"] == LOOKUP}
    for table in tables.all:
        for file in table.files:
            record = _record(settings, table.lookup, file)
            before = known.pop(record.batch_id, None)
            if before and before["status"] == record.status:
                continue
            place = (record.source_file, record.mapping)
            older = [
                batch
                for batch, one in known.items()
                if (one["source_file"], one["mapping"]) == place
            ]
            state.supersede(older)
            state.record(record)
            if record.message:
                log.warning("%s", record.message)
        if len(table.several):
            log.warning(
                "%d keys of %s have several values of %s: none is taken",
                len(table.several), table.lookup.path, ", ".join(table.lookup.brought),
            )  # fmt: skip


def _lookups(settings: Settings) -> list[Lookup]:
    each = {
        lookup.model_dump_json(): lookup
        for source in settings.sources.values()
        for files in source.files
        for lookup in files.format.lookup
    }
    return list(each.values())


def _mapping(lookup: Lookup) -> str:
    return hashlib.sha256(lookup.model_dump_json().encode()).hexdigest()


def _record(settings: Settings, lookup: Lookup, file: Consulted) -> FileRecord:
    from ingestion.reading.preflight import sha256_of

    name = file.path.relative_to(settings.paths.inbox).as_posix()
    content, mapping = sha256_of(file.path), _mapping(lookup)
    batch = hashlib.sha256(f"{LOOKUP}|{name}|{content}|{mapping}".encode()).hexdigest()[:16]
    told = {key: getattr(file, key) for key in _FATES}
    status = "refused" if file.message else "landed"
    return FileRecord(batch, "", name, content, mapping, LOOKUP, status=status,
                      message=file.message, **told)  # fmt: skip


_FATES = ("rows_read", "rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")

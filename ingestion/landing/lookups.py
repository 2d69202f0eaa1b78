"""Second files that know more of what the rows of a file name, and what a file asked of them.

Belongs here: making one table of the files of a lookup, putting its columns beside rows, what a
file's batch is known by because of it. Does not belong here: the ledger, which remembers.

What a file is given decides what lands, so it is part of the identity of its batch, as rates are:
when a second file comes later or changes, the files that named one of its keys are landed again,
and no others. For that each file is remembered by the keys that it asked for, hashed with the
installation's key: the second files are read at every run, the first ones only if they must be.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected, Need
from ingestion.mapping.rules import Lookup
from ingestion.mapping.sources import FileSpec, Source
from ingestion.reading.apart import apart
from ingestion.reading.columns import Raw
from ingestion.reading.delimited import csv_blocks
from ingestion.reading.kinds import kind_of
from ingestion.reading.preflight import below
from ingestion.reading.rows import read_rows
from ingestion.rows.rates import from_json, to_json

# More would not fit beside the rest of a run on a small machine (some 100 bytes a key).
MAX_KEYS = 10_000_000
_KEY = "_looked_up"


@dataclass(frozen=True)
class Consulted:
    """The account of one second file: rows_read is the sum of the others.

    Attributes:
        path: the file.
        rows_read: data rows in it.
        rows_landed: rows that say something of a key.
        rows_quarantined: rows that could not be read.
        rows_duplicate: rows that repeat another one.
        rows_excluded: rows that `filter` leaves out, or without a key.
        message: why it was refused; empty if it was read.
    """

    path: Path
    rows_read: int = 0
    rows_landed: int = 0
    rows_quarantined: int = 0
    rows_duplicate: int = 0
    rows_excluded: int = 0
    message: str = ""


@dataclass(frozen=True)
class Table:
    """What the files of a lookup say together.

    Attributes:
        lookup: what was asked for.
        rows: `_looked_up`, the key, each once, and the columns brought; a column is empty of which
            the files tell several values.
        several: keys with such a column.
        files: the account of each file.
        is_whole: all files that were ever consulted could be read. If not, nothing that has landed
            is landed again: it would lose what they said.
    """

    lookup: Lookup
    rows: pl.DataFrame
    several: pl.Series
    files: tuple[Consulted, ...] = ()
    is_whole: bool = True

    def of(self, keys: pl.Series) -> Table:
        """Return what it says of some keys."""
        rows = self.rows.filter(pl.col(_KEY).is_in(keys.implode()))
        return replace(
            self, rows=rows, several=self.several.filter(self.several.is_in(keys.implode()))
        )


def load_table(lookup: Lookup, inbox: Path, memory_mib: int, skip: Collection[Path] = ()) -> Table:
    """Read the files of a lookup; one that cannot be read is told of in its account.

    Args:
        lookup: which files, read how.
        inbox: where they lie.
        memory_mib: MiB that reading one of them may take; see `reading.apart`.
        skip: files that a person withdrew.
    """
    names = [_KEY, *lookup.brought]
    parts, told = [pl.DataFrame(schema=dict.fromkeys(names, pl.String))], []
    found = sorted(p for p in inbox.glob(lookup.path) if p.is_file() and p not in skip)
    with apart(partial(consulted, lookup), memory_mib) as consult:
        for path in found:
            if path.name.startswith((".", "~")):
                continue
            try:
                below(path, inbox)
                rows, account = consult(path, path)
            except FileRejected as error:
                told.append(Consulted(path, message=str(error)))
                continue
            parts.append(rows)
            told.append(account)
    rows, several = _one_a_key(pl.concat(parts))
    return Table(lookup, rows, several, tuple(told), all(not one.message for one in told))


def consulted(lookup: Lookup, path: Path) -> tuple[pl.DataFrame, Consulted]:
    """Return the different rows of one file, and its account."""
    parts, read, broken, left_out = [], 0, 0, 0
    for raw in _blocks(path, lookup):
        said = raw.frame
        if lookup.filter is not None:
            said = said.filter(pl.sql_expr(lookup.filter))
        named = said.select(
            pl.col(lookup.key_there).alias(_KEY),
            *(pl.col(there).alias(here) for here, there in lookup.brought.items()),
        ).drop_nulls(_KEY)
        parts.append(named.unique())
        read += raw.rows
        broken += raw.broken.height
        left_out += raw.frame.height - named.height
    rows = pl.concat(parts).unique()
    if rows.height > MAX_KEYS:
        raise FileRejected(
            f"holds more than {MAX_KEYS:,} keys to look up", path.name,
            do_this="Leave out rows with `filter` of the lookup, or join them before the export.",
        )  # fmt: skip
    alike = read - broken - left_out - rows.height
    return rows, Consulted(path, read, rows.height, broken, alike, left_out)


def _blocks(path: Path, lookup: Lookup) -> Iterator[Raw]:
    read = lookup.read
    kind = kind_of(path)
    if kind == "parquet":
        read = read.model_copy(update={"kind": "parquet"})
    if read.kind == "csv" and kind in ("plain", "gzip", "zip") and not read.fill_down:
        return csv_blocks(path, read, lookup.wanted)
    return iter([read_rows(path, read, lookup.wanted)])


def _one_a_key(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Return one row a key, and the keys of which the rows tell several values of a column."""
    names = rows.columns[1:]
    ends = rows.group_by(_KEY).agg(
        *(pl.col(name).min().alias(name) for name in names),
        *(pl.col(name).max().alias(f"\x00{name}") for name in names),
    )
    differs = {name: pl.col(name) != pl.col(f"\x00{name}") for name in names}
    several = ends.filter(pl.any_horizontal(*(d.fill_null(value=False) for d in differs.values())))
    kept = ends.select(_KEY, *(pl.when(~d).then(name).alias(name) for name, d in differs.items()))
    return kept.sort(_KEY), several[_KEY].sort()


@dataclass(frozen=True)
class Asked:
    """What a file asked of its lookups, and was told.

    Attributes:
        keys: hashes of the keys it asked each lookup for, sorted.
        tables: what each says of them.
    """

    keys: tuple[pl.Series, ...] = ()
    tables: tuple[Table, ...] = ()

    @property
    def mark(self) -> str:
        """Digest of the answers; empty for a file that asks nothing."""
        return _mark(self.tables)


def _mark(tables: Sequence[Table]) -> str:
    if not tables:
        return ""
    told = "\n".join(table.rows.sort(_KEY).write_csv() for table in tables)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def ask(path: Path, source: Source, files: FileSpec, tables: Sequence[Table], key: bytes) -> Asked:
    """Read the keys that a file asks for, and look them up.

    Args:
        path: the file.
        source: whose it is.
        files: how it is read.
        tables: of its lookups, in their order.
        key: secret key of the pseudonyms.

    Raises:
        FileRejected: it cannot be read.
    """
    brought = {name for table in tables for name in table.lookup.brought}
    named = {table.lookup.key_here for table in tables} - brought
    found: list[list[pl.Series]] = [[] for _ in tables]
    for raw in _key_blocks(path, source, files, sorted(named)):
        frame = raw.frame
        for table, keys in zip(tables, found, strict=True):
            keys.append(frame[table.lookup.key_here].drop_nulls().unique())
            frame = _beside(frame, table)
    each = [pl.concat(keys).unique() for keys in found]
    hashes = tuple(_hashed(keys, key).unique().sort() for keys in each)
    return Asked(hashes, tuple(table.of(keys) for table, keys in zip(tables, each, strict=True)))


def _key_blocks(path: Path, source: Source, files: FileSpec, named: list[str]) -> Iterator[Raw]:
    read = files.format.read
    if read.kind == "csv" and kind_of(path) in ("plain", "gzip", "zip"):
        return csv_blocks(path, read, named)
    # Of several sheets the right one is told by all columns.
    return iter([read_rows(path, read, list(dict.fromkeys([*files.format.reads, *named])))])


def looked_up(raw: Raw, asked: Asked, name: str) -> Raw:
    """Put the columns of lookups beside the rows of a file.

    Raises:
        FileRejected: the file has a column of that name itself.
    """
    frame = raw.frame
    for table in asked.tables:
        if twice := sorted(table.lookup.brought.keys() & {*frame.columns, *raw.unknown}):
            raise FileRejected(
                f"has a column `{twice[0]}` itself, which a lookup brings as well", name,
                do_this=f"Give it another name: columns: {{another_name: {twice[0]}}}.",
            )  # fmt: skip
        frame = _beside(frame, table)
    return replace(raw, frame=frame)


def _beside(frame: pl.DataFrame, table: Table) -> pl.DataFrame:
    here = table.lookup.key_here
    return frame.join(table.rows, left_on=here, right_on=_KEY, how="left", maintain_order="left")


def unanswered(rows: pl.DataFrame, asked: Asked) -> list[tuple[int, int]]:
    """Return of each lookup in how many rows its key is not known, and has several values."""
    found = []
    for table in asked.tables:
        key = pl.col(table.lookup.key_here)
        lost = key.is_not_null() & ~key.is_in(table.rows[_KEY].implode())
        several = key.is_in(table.several.implode()).fill_null(value=False)
        counts = rows.select(lost=lost.sum(), several=several.sum())
        found.append((int(counts["lost"].item()), int(counts["several"].item())))
    return found


def told_of(asked: Asked, counts: Sequence[tuple[int, int]], rows: int) -> str:
    """Return what a person must know of keys that were not found or name several values."""
    said = []
    for table, (lost, several) in zip(asked.tables, counts, strict=True):
        here, path = table.lookup.key_here, table.lookup.path
        names = ", ".join(table.lookup.brought)
        if lost:
            said.append(f"`{here}` of {lost:,} of {rows:,} rows is not in {path}: {names} stays"
                        " empty there")  # fmt: skip
        if several:
            said.append(
                f"`{here}` of {several:,} of {rows:,} rows stands in {path} with several values of"
                f" {names}: none is taken; say with `filter` of the lookup which rows of it count"
            )
    return "; ".join(said)


# What the ledger remembers of it --------------------------------------------------------------


def _hashed(keys: pl.Series, key: bytes) -> pl.Series:
    """Hash keys under a secret: nobody without it can tell which key a file asked for."""
    secret = hashlib.sha256(b"lookup" + key).digest()
    return (pl.Series([secret.hex()]) + keys).hash(int.from_bytes(secret[:8]))


def remembered(needs: Collection[Need], asked: Asked) -> str:
    """Return as text what a batch depends on: rates, and keys that were looked up."""
    if not asked.keys:
        return to_json(needs)
    keys = [base64.b64encode(one.to_numpy().astype("<u8").tobytes()).decode() for one in asked.keys]
    return json.dumps({"rates": to_json(needs), "asked": keys})


def recalled(text: str, tables: Sequence[Table], key: bytes) -> tuple[tuple[Need, ...], str]:
    """Return the rates that a batch depends on, and the mark of what its keys are told now."""
    told = json.loads(text)
    if not isinstance(told, Mapping):
        return from_json(text), ""
    answers = []
    for table, packed in zip(tables, told["asked"], strict=True):
        hashes = pl.Series(memoryview(base64.b64decode(packed)).cast("Q").tolist(), dtype=pl.UInt64)
        known = _hashed(table.rows[_KEY], key)
        answers.append(replace(table, rows=table.rows.filter(known.is_in(hashes.implode()))))
    return from_json(told["rates"]), _mark(answers)


def answered_mark(mark: str, answers: str) -> str:
    """Return the mark of a mapping whose rows were looked up: with other answers it is another."""
    return f"{mark}|{answers}" if answers else mark

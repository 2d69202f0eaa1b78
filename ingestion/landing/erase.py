"""Erased pseudonyms replaced in frames, Parquet files and plain bytes, and nothing else changed.

Belongs here: whose pseudonyms belong to one person, finding and replacing them. Does not belong
here: which files there are, keys, the ledger (orchestration).

Rows, order and all other cells stay as they are, so every total stands. An old and a new
pseudonym are equally long, so that plain files keep their length and their offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from ingestion.feeds import FEEDS, TEXT
from ingestion.landing.store import draft_of, sink, write

# Followed from row to row: they name a person. A device, an address or a visitor may be shared:
# what stands beside a person's key is replaced along, but leads to nobody else.
PEOPLE = frozenset({"customer_key", "email_key", "phone_key"})
# Made-up event ids begin with so much of the visitor's pseudonym, see `build.keyed`.
_IN_IDS = 12
_BLOCK = 16 * 1024**2


def pseudonym_columns(feed: str) -> tuple[str, ...]:
    """Return the columns of a feed that hold pseudonyms."""
    return tuple(FEEDS[feed].personal.values())


@dataclass(frozen=True)
class Replacements:
    """Texts to replace wherever they stand, alone or inside a longer one.

    Attributes:
        texts: old -> new, each pair equally long.
    """

    texts: Mapping[str, str]

    @classmethod
    def of(cls, pseudonyms: Mapping[str, str], others: Mapping[str, str]) -> Replacements:
        """Return the replacements of pseudonyms, their part in made-up ids included.

        Args:
            pseudonyms: old -> new.
            others: further texts, old -> new, such as ids worked out of a pseudonym.
        """
        parts = {f"{old[:_IN_IDS]}.": f"{new[:_IN_IDS]}." for old, new in pseudonyms.items()}
        return cls({**pseudonyms, **others, **parts})

    @cached_property
    def _old(self) -> list[str]:
        return list(self.texts)

    def columns(self, frame: pl.DataFrame) -> dict[str, int]:
        """Return the text columns in which something is to be replaced -> number of cells."""
        names = [name for name, dtype in frame.schema.items() if dtype == TEXT]
        if not names or not self.texts:
            return {}
        found = frame.select(pl.col(names).str.contains_any(self._old).sum()).row(0, named=True)
        return {name: int(cells) for name, cells in found.items() if cells}

    def applied(self, frame: pl.DataFrame, columns: Iterable[str]) -> pl.DataFrame:
        """Return the frame with the texts of some columns replaced."""
        return frame.with_columns(
            pl.col(name).str.replace_many(self._old, list(self.texts.values())) for name in columns
        )

    def in_file(self, file: Path) -> int:
        """Return how often the texts stand in the bytes of a file, compressed parts apart."""
        longest = max(map(len, self._old), default=1)
        found, before = 0, b""
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                found += self._in_text((before + block).decode("latin-1"))
                before = (before + block)[1 - longest :] if longest > 1 else b""
        return found

    def _in_text(self, text: str) -> int:
        content = pl.Series([text])
        if not self.texts or not content.str.contains_any(self._old).item():
            return 0
        return int(content.str.extract_many(self._old).list.len().item())

    def replaced_in(self, content: bytes) -> bytes:
        """Return the bytes with every text replaced; their length does not change."""
        # In Latin-1 each byte is a character and comes back as it was.
        text = pl.Series([content.decode("latin-1")])
        replaced: str = text.str.replace_many(self._old, list(self.texts.values())).item()
        return replaced.encode("latin-1")


def hits_in_parquet(file: Path, wanted: Replacements) -> int:
    """Return the number of cells of a Parquet file that hold a text to replace."""
    names = [name for name, dtype in pl.read_parquet_schema(file).items() if dtype == TEXT]
    return sum(wanted.columns(pl.read_parquet(file, columns=names)).values()) if names else 0


def rewrite_parquet(file: Path, wanted: Replacements) -> int:
    """Replace the texts in a Parquet file; it is either the old or the new one, never a part.

    Returns:
        The number of cells that were replaced; 0 leaves the file untouched.
    """
    if not hits_in_parquet(file, wanted):
        return 0
    frame = pl.read_parquet(file)
    found = wanted.columns(frame)
    write(wanted.applied(frame, found), file)
    return sum(found.values())


def relabel(file: Path, source: str) -> bool:
    """Let all rows of a landed file be of a source of this name; at once, or not at all.

    Returns:
        Whether the file was written: not where its rows are of that source already.
    """
    rows = pl.scan_parquet(file, glob=False, hive_partitioning=False)
    if rows.filter(pl.col("source") != source).head(1).collect().is_empty():
        return False
    with draft_of(file) as draft:
        sink(rows.with_columns(source=pl.lit(source)), draft)
    return True


def landed_files(landing: Path, feed: str) -> list[Path]:
    """Return the landed files of a feed, by path."""
    return sorted((landing / feed).glob("batch=*/*.parquet"))


def landed_pairs(landing: Path) -> list[pl.LazyFrame]:
    """Return, a feed with personal columns, its pseudonym columns over all landed files."""
    frames = []
    for feed in FEEDS:
        columns, files = pseudonym_columns(feed), landed_files(landing, feed)
        if columns and files:
            frames.append(
                pl.scan_parquet(
                    files,
                    schema=dict.fromkeys(columns, TEXT),
                    missing_columns="insert",
                    extra_columns="ignore",
                    hive_partitioning=False,
                )
            )
    return frames


def buyers(landing: Path) -> list[pl.LazyFrame]:
    """Return who bought as which visitor: customers of orders, visitors of events that name them.

    Returns:
        One frame with the pseudonym columns of both, or none where a feed is missing.
    """
    sides = []
    for feed, key in (("orders", "customer_key"), ("events", "visitor_key")):
        files = landed_files(landing, feed)
        if not files:
            return []
        columns = ["source", "order_id", key]
        rows = pl.scan_parquet(
            files,
            schema=dict.fromkeys(columns, TEXT),
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
        )
        sides.append(rows.drop_nulls().unique())
    orders, events = sides
    pairs = orders.join(events, on=["source", "order_id"]).drop("source", "order_id")
    return [pairs.unique().collect().lazy()]


def belonging_to(seeds: Iterable[str], tables: Sequence[pl.LazyFrame]) -> dict[str, str]:
    """Find the pseudonyms of one person.

    A key of a person (`PEOPLE`) leads to all keys that stand in one row with it; of those again
    only the keys of a person lead on. So a customer is found with their mail, phone, visits and
    devices, but not the other people who used the same device.

    Args:
        seeds: pseudonyms the person may have, whether they occur or not.
        tables: frames whose columns are named as the feeds name their pseudonyms.

    Returns:
        Pseudonyms that occur -> the column they were first met in.
    """
    sought, led = set(seeds), set[str]()
    found: dict[str, str] = {}
    while sought:
        met: dict[str, str] = {}
        for table in tables:
            met.update(_met(table, sought))
        found = {**met, **found}
        led |= sought
        sought = {key for key, column in met.items() if column in PEOPLE} - led
    return found


def _met(table: pl.LazyFrame, sought: set[str]) -> dict[str, str]:
    names = table.collect_schema().names()
    wanted = pl.Series(sorted(sought), dtype=TEXT).implode()
    held = {name: pl.col(name).is_in(wanted).fill_null(value=False) for name in names}
    person = pl.any_horizontal(
        *(held[name] for name in names if name in PEOPLE), pl.lit(value=False)
    )
    rows = (
        table.filter(person | pl.any_horizontal(*held.values()))
        .select(pl.when(person | held[name]).then(pl.col(name)).alias(name) for name in names)
        .unique()
        .collect()
    )
    return {key: name for name in names for key in rows[name].drop_nulls().unique().to_list()}

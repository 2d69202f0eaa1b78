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

# They name a person: who is sought by one is found with all that stands beside it. From there only
# a customer leads on. A mail or phone may be a household's, as a device, an address or a visitor
# may be shared: they are replaced along, but lead to nobody else.
CUSTOMERS = frozenset({"customer_key", "linked_key", "other_key"})
PEOPLE = CUSTOMERS | {"email_key", "phone_key"}
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
    """Return who bought as which visitor, and as which user: orders and the purchases of them.

    Returns:
        Customers of orders with the visitors of their purchases, and users of events with the one
        customer (`linked_key`) that most of their orders are of; nothing where a feed is missing.
    """
    sides = []
    shop = ["platform", "shop_id"]
    for feed, further in (("orders", ["aliases"]), ("events", ["visitor_key"])):
        files = landed_files(landing, feed)
        if not files:
            return []
        columns = [*shop, "order_id", "customer_key", *further]
        rows = pl.scan_parquet(
            files,
            schema=dict.fromkeys(columns, TEXT),
            missing_columns="insert",
            extra_columns="ignore",
            hive_partitioning=False,
        )
        sides.append(rows.drop_nulls("order_id").unique().collect())
    orders, events = sides
    orders = orders.drop_nulls("customer_key").select(
        *shop,
        linked_key="customer_key",
        own="order_id",
        order_id=pl.concat_list(
            "order_id", pl.col("aliases").fill_null(pl.col("order_id")).str.split("|")
        ),
    )
    names = orders.explode("order_id").unique()
    bought = events.join(names, on=[*shop, "order_id"])
    visits = bought.select("visitor_key", customer_key="linked_key").drop_nulls().unique()
    users = (
        bought.drop_nulls("customer_key")
        .group_by("platform", "customer_key", "linked_key")
        .agg(pl.col("own").n_unique().alias("orders"))
    )
    most = users.filter(pl.col("orders") == pl.col("orders").max().over("platform", "customer_key"))
    links = most.filter(pl.len().over("platform", "customer_key") == 1)
    links = links.join(orders.select(customer_key="linked_key"), on="customer_key", how="anti")
    return [visits.lazy(), links.select("customer_key", "linked_key").lazy()]


def belonging_to(
    seeds: Iterable[str], tables: Sequence[pl.LazyFrame], *, with_shared: bool = False
) -> dict[str, str]:
    """Find the pseudonyms of one person.

    Args:
        seeds: pseudonyms the person may have, whether they occur or not.
        tables: frames whose columns are named as the feeds name their pseudonyms.
        with_shared: also of those who share a mail or phone with the person, and so on.

    Returns:
        Pseudonyms that occur -> the column they were first met in.
    """
    sought, led = set(seeds), set[str]()
    found: dict[str, str] = {}
    leading = PEOPLE if with_shared else CUSTOMERS
    while sought:
        met: dict[str, str] = {}
        for table in tables:
            met.update(_met(table, sought))
        found = {**met, **found}
        led |= sought
        sought = {key for key, column in met.items() if column in leading} - led
    return {k: "customer_key" if column in CUSTOMERS else column for k, column in found.items()}


def sharing(keys: Iterable[str], tables: Sequence[pl.LazyFrame]) -> dict[str, str]:
    """Find the customers who have a mail or phone of these keys -> the column they share."""
    wanted = pl.Series(sorted(keys), dtype=TEXT).implode()
    found: dict[str, str] = {}
    for table in tables:
        names = table.collect_schema().names()
        if "customer_key" not in names:
            continue
        for column in sorted({"email_key", "phone_key"} & set(names)):
            rows = table.filter(pl.col(column).is_in(wanted)).select("customer_key").unique()
            held = rows.collect()["customer_key"].drop_nulls()
            found.update(dict.fromkeys(held.to_list(), column))
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

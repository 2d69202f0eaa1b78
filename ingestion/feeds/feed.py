"""What a canonical feed is made of: columns with type, meaning and domain, and a key.

Belongs here: the shapes and the types every feed is told in. The feeds themselves are in `*.yml`
beside this file, by what they are about; how values are checked is in `schemas.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import polars as pl

Dtype = pl.DataType | type[pl.DataType]

MONEY = pl.Decimal(18, 2)
PRICE = pl.Decimal(18, 4)
RATE = pl.Decimal(18, 8)
TEXT = pl.String
COUNT = pl.Int64
NUMBER = pl.Float64
INSTANT = pl.Datetime("us")  # UTC, without zone
DAY = pl.Date
FLAG = pl.Boolean
# As the YAML of the feeds names them.
TYPES: dict[str, Dtype] = {
    **{"text": TEXT, "count": COUNT, "number": NUMBER, "money": MONEY, "price": PRICE},
    **{"rate": RATE, "instant": INSTANT, "day": DAY, "flag": FLAG},
}

LANDING: dict[str, Dtype] = {
    "source": TEXT,
    "_batch_id": TEXT,  # also the landing folder: batch=<_batch_id>
    "_source_file": TEXT,  # path below the inbox
    "_row_number": COUNT,  # 1 = first data row of the file
    "_row_key": TEXT,  # the row's native key within its source; null: what `key_column` holds
    # What a newer version replaces as a whole: row, order, or snapshot period; null: the row's key.
    "_unit_key": TEXT,
    "_version_at": INSTANT,  # updated_at, else export instant, else last business instant
    "_covers_from": TEXT,  # first day of the snapshot its file is, as 2026-05-01; else null
    "_covers_to": TEXT,  # last day: days between without a row have none any more
}


@dataclass(frozen=True)
class Column:
    """One canonical column.

    Attributes:
        name: as landed.
        dtype: as landed.
        description: what it means, for whoever maps a file to it: one or two sentences.
        is_required: never null.
        allowed: the only values there are; empty for any.
        minimum: the least number allowed; None for numbers of either sign.
        pseudonym_of: the delivered personal column this one is the keyed pseudonym of.
        is_made: worked out while landing; no mapping fills it.
    """

    name: str
    dtype: Dtype
    description: str
    is_required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: int | None = 0
    pseudonym_of: str | None = None
    is_made: bool = False


@dataclass(frozen=True)
class Feed:
    """One canonical table of ingestion.

    Attributes:
        name: name of the feed, its landing folder, and its table in schema `raw`.
        grain: what one row is.
        given: its columns, as they are read about.
        key: columns that identify a row within its source.
        instant: column that says when the row happened in the business, if any.
        numbered_by: column of the key that is a name -> the column that identifies in its place
            where it is filled.
        is_final: whether a row is told once and stays as it is, so that nothing but its key matters
            where it comes again.
        snapshot_within: columns whose values a snapshot of a period speaks of alone: it replaces
            no row of another account.
    """

    name: str
    grain: str
    given: tuple[Column, ...]
    key: tuple[str, ...]
    instant: str | None = None
    numbered_by: Mapping[str, str] = field(default_factory=dict)
    snapshot_within: tuple[str, ...] = ()
    is_final: bool = False

    @cached_property
    def required(self) -> dict[str, Dtype]:
        """Columns that are never null, with their types."""
        return {column.name: column.dtype for column in self.given if column.is_required}

    @cached_property
    def optional(self) -> dict[str, Dtype]:
        """Columns that may be null or not delivered at all, with their types."""
        return {column.name: column.dtype for column in self.given if not column.is_required}

    @cached_property
    def columns(self) -> dict[str, Dtype]:
        """All canonical columns in landing order."""
        return {**self.required, **self.optional}

    @cached_property
    def key_column(self) -> str | None:
        """The column that is the key as it stands, if one of text is."""
        name = self.key[0]
        is_alone = len(self.key) == 1 and self.columns[name] == TEXT
        return name if is_alone and name not in self.numbered_by else None

    @cached_property
    def landed(self) -> dict[str, Dtype]:
        """All columns of a landed Parquet file of this feed, in order."""
        return {**self.columns, **LANDING}

    @cached_property
    def personal(self) -> dict[str, str]:
        """Delivered personal column -> landed pseudonym. The delivered one is never landed."""
        return {c.pseudonym_of: c.name for c in self.given if c.pseudonym_of is not None}

    @cached_property
    def delivered(self) -> tuple[str, ...]:
        """Columns a mapping may fill: the canonical ones, personal ones by what is delivered."""
        return tuple(
            column.pseudonym_of or column.name for column in self.given if not column.is_made
        )

    @cached_property
    def mapped_only(self) -> tuple[str, ...]:
        """Columns a mapping may fill that are not landed: how the amounts are converted.

        `currency` where rows land none, and `rate_date`, the day or instant whose rate applies.
        """
        if not any(dtype in (MONEY, PRICE) for dtype in self.columns.values()):
            return ()
        return ("rate_date",) if "currency" in self.columns else ("currency", "rate_date")

    @cached_property
    def has_amounts(self) -> bool:
        """Whether its rows are money in a currency that each row names."""
        return "currency" in self.required and any(
            dtype in (MONEY, PRICE) for dtype in self.columns.values()
        )

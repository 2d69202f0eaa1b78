"""The single rules that a format is put together from, each checked by itself.

Belongs here: pydantic models of rules that need no feed to be understood. Does not belong here:
the format as a whole (`spec.py`), nor carrying a rule out (`reading/`, `rows/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ingestion.mapping.vocabulary import (
    Encoding,
    Regex,
    Sql,
    Strict,
    Zone,
    check_pattern,
    sql_columns,
)


class Numbers(Strict):
    """How numbers are written; `thousands` groups of three digits are taken out."""

    thousands: str = ","
    decimal: Literal[".", ","] = "."


class Read(Strict):
    """How the bytes of a file become rows of text.

    Attributes:
        kind: csv, jsonl, parquet or xlsx. A file that is gzip or a zip archive of one file is
            unpacked first; a csv format reads a spreadsheet of the same columns (.xlsx, .xls) as
            well; both are told by the first bytes. `xlsx` takes nothing but spreadsheets.
        sheet: name of the sheet to read; default: the only visible one with the columns.
        encoding: decoded strictly; a UTF-8 byte order mark is always taken off.
        delimiter: one character.
        title_lines: at most so many lines may stand before the header.
        skip_after_header: so many lines below the header are no data either (a second header).
        header: columns the export is known to have; others are reported as unknown.
        exact_header: refuse a file whose columns are not exactly `header`.
        optional: columns that are used but may be missing (older exports).
        footer: rows at the end of the file that match are totals, not data.
        quotes: whether cells may be quoted; if not, a quote is a character like any other.
        final_newline: `required`: a last row without line break is a cut row.
        nulls: cells that mean empty.
        clean: `excel_text` takes off `="..."`, `leading_quote` takes off `'` before an id.
        fill_down: columns whose blank cells repeat the cell above.
        max_bytes: largest size after decompression.
        max_ratio: largest decompressed / compressed size.
    """

    kind: Literal["csv", "jsonl", "parquet", "xlsx"] = "csv"
    sheet: str | None = None
    encoding: Encoding = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    title_lines: Annotated[int, Field(ge=0, le=20)] = 0
    skip_after_header: Annotated[int, Field(ge=0, le=20)] = 0
    header: tuple[str, ...] = ()
    exact_header: bool = False
    optional: tuple[str, ...] = ()
    footer: Regex | None = None
    quotes: bool = True
    final_newline: Literal["required", "optional"] = "required"
    nulls: tuple[str, ...] = ("",)
    clean: tuple[Literal["excel_text", "leading_quote"], ...] = ()
    fill_down: tuple[str, ...] = ()
    max_bytes: Annotated[int, Field(gt=0)] = 4 * 1024**3
    max_ratio: Annotated[int, Field(gt=1)] = 200


class Lookup(Strict):
    """A second file that knows more of what a row names: its columns are put beside the row's own.

    They are cells of text like those of the file, before anything is derived. A key that the second
    file does not hold, or holds with several values, gives empty cells, and is told of.

    Attributes:
        path: glob below the inbox; several files are one table.
        key: column of both files; or one pair, this file's column: the other's.
        columns: of the other file; or pairs, name here: name there.
        filter: SQL condition on the other file's rows; those that fail it say nothing.
        read: how the other file is read.
    """

    path: str
    key: str | dict[str, str]
    columns: Annotated[tuple[str, ...] | dict[str, str], Field(min_length=1)]
    filter: Sql | None = None
    read: Read = Read()

    @model_validator(mode="after")
    def _sound(self) -> Lookup:
        check_pattern(self.path)
        if isinstance(self.key, dict) and len(self.key) != 1:
            raise ValueError("`key` is one column, or one pair `this file's: the other file's`")
        if self.key_here in self.brought:
            raise ValueError(f"column `{self.key_here}` is its key: it is there already")
        return self

    @property
    def key_here(self) -> str:
        """Column of the file that names what is looked up."""
        return self.key if isinstance(self.key, str) else next(iter(self.key))

    @property
    def key_there(self) -> str:
        """Column of the other file that holds the same."""
        return self.key if isinstance(self.key, str) else next(iter(self.key.values()))

    @property
    def brought(self) -> dict[str, str]:
        """Name here -> column of the other file."""
        if isinstance(self.columns, dict):
            return self.columns
        return {name: name for name in self.columns}

    @property
    def wanted(self) -> list[str]:
        """Columns of the other file that are read, each once."""
        asked = (self.key_there, *self.brought.values(), *sql_columns(self.filter or "true"))
        return list(dict.fromkeys(asked))


class Derive(Strict):
    """One derived column: one producer, then regex, map and datetime in this order.

    Attributes:
        source: `from:` a column of the file or derived before.
        expression: SQL expression on text columns, as polars reads it.
        number: SQL arithmetic on columns that are read as exact decimals first.
        concat: columns joined with `separator`, empty ones left out.
        first_of: the first of these columns that is not empty.
        other_site: two columns with addresses: the first one, empty where it is on the site of the
            second: their hosts are the same or one is within the other, `www.` apart.
        regex: keep capture group `group`; no match gives an empty cell.
        map: value -> value; a value that is not listed takes `default`, without one it is bad.
        datetime: formats to read an instant with; `zone` is source, UTC or a zone name.
    """

    source: str | None = Field(default=None, alias="from")
    expression: Sql | None = None
    number: Sql | None = None
    concat: tuple[str, ...] | None = None
    first_of: tuple[str, ...] | None = None
    other_site: tuple[str, str] | None = None
    separator: str = ""
    regex: Regex | None = None
    group: int = 1
    map: dict[str, str | None] | None = None
    default: str | None = None
    datetime: tuple[str, ...] | None = None
    zone: Zone = "source"

    @model_validator(mode="after")
    def _one_producer(self) -> Derive:
        given = [
            name
            for name in ("source", "expression", "number", "concat", "first_of", "other_site")
            if getattr(self, name) is not None
        ]
        if len(given) != 1:
            raise ValueError(
                "give exactly one of from, expression, number, concat, first_of, other_site"
            )
        return self

    @property
    def has_default(self) -> bool:
        """Whether unlisted values of `map` are allowed."""
        return "default" in self.model_fields_set

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns the producer reads."""
        if self.source is not None:
            return (self.source,)
        if columns := self.concat or self.first_of or self.other_site:
            return columns
        return sql_columns(self.expression or self.number or "")


class ExportedAt(Strict):
    """The export instant in the file's name or title: group 1 of a pattern, read with `datetime`.

    Attributes:
        file_name: regular expression on the name; by default the run of 14 digits in it, or one of
            12 that is a day and a time.
        title: instead, a regular expression on the lines that `read.title_lines` allows before the
            header.
        datetime: how the instant is written, the first that fits holds; `number`: it is none, but a
            number that grows from export to export and orders them.
        file_time: instead, when the file was last written to; whoever copies it must keep that.
        required: refuse a file that carries none; else its last business instant counts.
    """

    file_name: str = (
        r"(?:^|\D)(\d{14}|(?!.*(?<!\d)\d{14}(?!\d))20\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
        r"(?:[01]\d|2[0-3])[0-5]\d)(?:\D|$)"
    )
    title: str | None = None
    datetime: str | tuple[str, ...] = ("%Y%m%d%H%M%S", "%Y%m%d%H%M")
    file_time: bool = False
    required: bool = True

    @model_validator(mode="after")
    def _one_group(self) -> ExportedAt:
        for pattern in (self.file_name, self.title or self.file_name):
            try:
                groups = re.compile(pattern).groups
            except re.error as error:
                raise ValueError(f"`{pattern}` is not a regular expression: {error}") from None
            if groups != 1:
                raise ValueError(f"`{pattern}` needs exactly one group (...) around the instant")
        return self

    @property
    def is_count(self) -> bool:
        """Whether exports are numbered, so that their order is known but no instant."""
        return self.datetime == "number"

    @property
    def formats(self) -> tuple[str, ...]:
        """How the instant may be written, the first that fits holds."""
        return (self.datetime,) if isinstance(self.datetime, str) else self.datetime


class Explode(Strict):
    """Rows that hold several lines of an order, their cells joined; each becomes so many rows.

    All rows made of one keep its place in the file: it is still one row read, and has one fate.

    Attributes:
        by: column whose cell tells how many lines a row holds; its values never hold the separator.
        separator: between the values of a cell.
        columns: columns with one value a line; empty means empty on each line.
        shared: money with one value a line, or one of the whole row, which is then shared out.
        weight: column of `columns` that shares are in proportion to, to the cent.
    """

    by: str
    separator: Annotated[str, Field(min_length=1)] = ";"
    columns: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    weight: str | None = None

    @model_validator(mode="after")
    def _weighed(self) -> Explode:
        if self.weight is not None and self.weight not in self.columns:
            raise ValueError(f"`weight: {self.weight}` is not among the exploded `columns`")
        if self.shared and self.weight is None:
            raise ValueError(
                "`shared` needs a `weight`: the column that shares are in proportion to"
            )
        return self

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the file it reads, each once."""
        return tuple(dict.fromkeys((self.by, *self.columns, *self.shared)))


class Unpivot(Strict):
    """Several columns of one row as so many rows of a feed; empty cells and zeros make none.

    Attributes:
        label: canonical column that names what a value is.
        value: canonical column that takes it.
        columns: column of the file or derived -> its label.
    """

    label: str
    value: str
    columns: Annotated[dict[str, str], Field(min_length=1)]


class FeedMap(Strict):
    """How one feed is filled: canonical column -> column of the file, constant, or derived.

    With `unpivot` a row of the file makes several rows of the feed.
    """

    columns: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, str | int | bool] = Field(default_factory=dict)
    derive: dict[str, Derive] = Field(default_factory=dict)
    unpivot: Unpivot | None = None

    def references(self, place: str, helpers: set[str]) -> Iterator[tuple[str, str]]:
        """Yield (place in the format, column it reads) but for `helpers` and what it derives."""
        local = set(helpers)
        for name, rule in self.derive.items():
            yield from ((f"{place}.derive.{name}", x) for x in rule.inputs if x not in local)
            local.add(name)
        for name, column in self.columns.items():
            if column not in local:
                yield f"{place}.columns.{name}", column
        for column in self.unpivot.columns if self.unpivot else ():
            if column not in local:
                yield f"{place}.unpivot", column


class Notes(Strict):
    """What a reader of an order format must know; in the words of a shop's owner.

    Attributes:
        payment: which column is the instant of payment, or what stands in for it.
        presale: how a pre-sale and its deposit show.
        discounts: who bears which discount.
        orders: what is a main order and what a sub-order.
        refunds: where refunds are told of.
        certainty: how sure the layout is: documented, seen in the wild, or general knowledge.
    """

    payment: str = ""
    presale: str = ""
    discounts: str = ""
    orders: str = ""
    refunds: str = ""
    certainty: str = ""


class Gift(Strict):
    """Which lines are gifts."""

    products: tuple[Regex, ...] = ()
    zero_price: bool = False

"""Each row of a file meets exactly one fate: landed, quarantined, duplicate or excluded.

Belongs here: which rows are bad and whom they take along, what is said about them, the balance.
Does not belong here: finding bad cells (`validate.py`), writing files (`landing/`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from ingestion.errors import FileRejected
from ingestion.feeds import FEEDS
from ingestion.mapping.sources import FileSpec
from ingestion.reading.columns import LINE, ROW, Raw
from ingestion.rows.build import Built, are_distinct
from ingestion.rows.derive import ISSUE, Context, issues, no_issues
from ingestion.rows.reshape import DIFFERING, UPDATED

# Reasons that say nothing about how well the file fits its format.
_INNOCENT = ("cut_row", "order_incomplete", "no_rate")


@dataclass(frozen=True)
class Issue:
    """One kind of trouble in a file.

    Attributes:
        reason: machine name, such as not_readable.
        column: where, empty for a whole row.
        rows: rows it concerns.
        example: the first of them in words.
    """

    reason: str
    column: str
    rows: int
    example: str


def broken_issues(raw: Raw) -> pl.DataFrame:
    """Return the issues of rows that are no rows."""
    return raw.broken.select(
        ROW,
        feed=pl.lit(""),
        column=pl.lit(""),
        reason=pl.col("reason"),
        message=pl.col("message"),
        value=pl.lit(None, pl.String),
    ).cast(pl.Schema(ISSUE))


def owners(built: Mapping[str, Built]) -> pl.DataFrame:
    """Return `_row` and the order it belongs to, a child order's being its main order.

    Args:
        built: the feeds of one file, orders or lines or both among them.
    """
    main = pl.DataFrame(schema={ROW: pl.Int64, "order_id": pl.String, "main": pl.String})
    if "orders" in built:
        main = built["orders"].rows.select(
            ROW, "order_id", main=pl.coalesce("parent_order_id", "order_id")
        )
    lines = built["order_items"].rows if "order_items" in built else built["orders"].rows
    told = main.select("order_id", "main").unique("order_id", keep="first")
    return (
        lines.select(ROW, "order_id")
        .join(told, on="order_id", how="left", maintain_order="left")
        .with_columns(main=pl.coalesce("main", "order_id"))
    )


def whole_orders(found: pl.DataFrame, raw: Raw, owners: pl.DataFrame) -> pl.DataFrame:
    """Add an issue for each good row of an order that has a bad one: no order lands in part.

    Args:
        found: the issues so far.
        raw: the file; its broken rows name their order where it can be told.
        owners: `_row`, `order_id` and `main` (the order it is part of) of each row.
    """
    bad = owners.join(found.select(ROW).unique(), on=ROW, how="semi")["main"]
    keys = raw.broken["key"].drop_nulls()
    named = owners.filter(pl.col("order_id").is_in(keys.implode()))["main"]
    # A row cut before its order id ends may belong to the order of the row before it.
    before = raw.broken.filter(pl.col("key").is_null())[ROW] - 1
    near = owners.filter(pl.col(ROW).is_in(before.implode()))["main"]
    orders = pl.concat([bad, named, near]).drop_nulls().unique()
    along = owners.filter(pl.col("main").is_in(orders.implode())).join(
        found.select(ROW), on=ROW, how="anti"
    )
    return pl.concat(
        [
            found,
            along.select(
                ROW,
                feed=pl.lit("order_items"),
                column=pl.lit("order_id"),
                reason=pl.lit("order_incomplete"),
                message=pl.lit("belongs to an order with a bad row"),
                value=pl.lit(None, pl.String),
            ).cast(pl.Schema(ISSUE)),
        ]
    )


def are_keys_distinct(rows: pl.DataFrame, feed: str) -> bool:
    """Whether no key comes twice; campaign spend comes in parts, which are summed."""
    return feed == "campaign_spend" or are_distinct(rows.select(FEEDS[feed].key).hash_rows(0))


def same_key(rows: pl.DataFrame, feed: str, context: Context) -> pl.DataFrame:
    """Return an issue for each row of a key that the file tells of in two ways.

    A later version takes the place of an earlier one, and a row that comes twice is the same row;
    but of two contents in one version none is the right one.

    Args:
        rows: typed rows with `_row` and `_updated`.
        feed: name of the feed.
        context: tells which columns are never shown.
    """
    key = list(FEEDS[feed].key)
    alike = rows.filter(rows.select(key).is_duplicated())
    # What names no version of its own is of the file's, the latest.
    latest = (pl.col(UPDATED).max() == pl.col(UPDATED)) & (pl.col(UPDATED).null_count() == 0)
    alike = alike.filter((pl.col(UPDATED).is_null() | latest).over(key))
    contents = alike.unique([*FEEDS[feed].columns]).group_by(key).len().filter(pl.col("len") > 1)
    differing = alike.join(contents, on=key, how="semi", nulls_equal=True)
    shown = [name for name in key if name not in context.hidden]
    name = shown[0] if shown else ""
    message = "comes again with another content under the same version: two under one key"
    value = pl.col(name) if name else None
    return issues(differing, pl.lit(value=True), name, DIFFERING, message, value=value, feed=feed)


def summarise(found: pl.DataFrame, name: str) -> tuple[Issue, ...]:
    """Return one Issue per reason and column, most rows first."""
    groups = (
        found.sort(ROW)
        .group_by("reason", "column", maintain_order=True)
        .agg(
            pl.col(ROW).n_unique().alias("rows"),
            pl.all().exclude(ROW, "reason", "column").first(),
            pl.col(ROW).first().alias("first"),
        )
        .sort("rows", descending=True, maintain_order=True)
    )
    return tuple(
        Issue(group["reason"], group["column"], group["rows"], _sentence(group, name))
        for group in groups.iter_rows(named=True)
    )


def _sentence(group: dict[str, object], name: str) -> str:
    value = f' "{group["value"]}"' if group["value"] is not None else ""
    subject = f"{group['column']}{value}" if group["column"] else "the row"
    rows = group["rows"]
    count = "1 row like this." if rows == 1 else f"{rows} rows like this."
    return f"{name} row {group['first']}: {subject} {group['message']}. {count}"


def refuse_if_too_bad(found: pl.DataFrame, rows: int, spec: FileSpec, path: Path) -> None:
    """Refuse a file whose bad rows say that it is not what its format describes.

    Raises:
        FileRejected: more than `max_bad_share` of the rows are bad, or any where `on_bad_rows` is
            `reject_file`. For the share neither a cut last row nor lines taken along nor rates
            that have not come count.
    """
    own = found.filter(~pl.col("reason").is_in(_INNOCENT))
    bad = own[ROW].n_unique()
    refuse = bad > spec.max_bad_share * rows
    if spec.on_bad_rows == "reject_file":
        refuse, own = found.height > 0, found
    if not refuse:
        return
    first = summarise(own, path.name)[0].example.removeprefix(f"{path.name} ")
    raise FileRejected(
        first,
        path.name,
        f"{own[ROW].n_unique()} of {rows} rows are bad; nothing was landed.",
        "Check that the file fits its format; correct it and deliver it again.",
    )


def places_of(found: pl.DataFrame, raw: Raw) -> pl.DataFrame:
    """Return `_row` and `_line` of each bad row."""
    places = pl.concat([raw.frame.select(ROW, LINE), raw.broken.select(ROW, LINE)])
    return places.join(bad_rows(found), on=ROW, how="semi", maintain_order="left")


def quarantine_frame(
    found: pl.DataFrame, places: pl.DataFrame, offsets: pl.DataFrame
) -> pl.DataFrame:
    """Return what is kept of bad rows: place, reason, and values that are not personal."""
    return (
        found.join(places, on=ROW, how="left")
        .join(offsets, on=LINE, how="left")
        .sort(ROW, "column", "reason", "feed", "message")
        .select(
            "feed",
            row_number=ROW,
            line_number=LINE,
            byte_offset="byte_offset",
            column="column",
            reason="reason",
            message="message",
            value="value",
        )
    )


def bad_rows(found: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct `_row` of issues."""
    return (found if found.height else no_issues()).select(ROW).unique()

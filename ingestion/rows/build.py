"""From rows of text to the rows of one feed, keys and versions included.

Belongs here: assembling canonical columns, building orders from lines, gifts and goods, made-up
keys, the landing columns. Does not belong here: deciding on bad rows (`fates.py`) or writing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from ingestion.feeds import DAY, FEEDS, INSTANT, LANDING, MONEY, TEXT, Dtype, Feed
from ingestion.mapping.sources import FileSpec, Source
from ingestion.mapping.spec import Format
from ingestion.reading.columns import ROW
from ingestion.rows.derive import Context, derive
from ingestion.rows.order_ids import plain_order_ids
from ingestion.rows.parse import EXACT, exact, rounded, to_utc
from ingestion.rows.pseudonymise import Pseudonymiser
from ingestion.rows.reshape import UPDATED, orders_from_lines, two_in_one, unpivot
from ingestion.rows.validate import cast, long_ids

UNROUNDED = "_unrounded_"
_SUMMED = (pl.Int64, pl.Float64, MONEY)


@dataclass(frozen=True)
class Built:
    """Rows of one feed before bad ones are taken out: typed, with `_row` and `_updated`.

    `taken` is what was taken off order ids; see `order_ids.py`. Of orders and lines two things
    bear on other rows of the file: `long_ids` (see `validate.py`), and `is_torn`, that money of a
    line could not be read, so that lines were not added up.
    """

    feed: str
    rows: pl.DataFrame
    issues: pl.DataFrame
    taken: dict[str, int] = field(default_factory=dict)
    long_ids: dict[str, pl.Series] = field(default_factory=dict)
    is_torn: bool = False


def build(frame: pl.DataFrame, feed: str, form: Format, source: Source, context: Context) -> Built:
    """Build the typed rows of a feed.

    Args:
        frame: rows of text with `_row`, `_updated` and derived columns.
        feed: name of the feed.
        form: the format, which must map the feed.
        source: supplies platform, shop and currency where the file has none.
        context: how values are written.

    Returns:
        One row a source row; for orders built from lines, one row an order (its first `_row`).
    """
    mapped = form.feeds[feed]
    frame, found = derive(frame, mapped.derive, context, feed)
    if mapped.unpivot is not None:
        frame = unpivot(frame, mapped.unpivot, context)
    text, taken = plain_order_ids(_assemble(frame, feed, form, source))
    is_torn = False
    if feed == "orders" and form.order_value is not None:
        found = pl.concat([found, two_in_one(text, form.order_value, context)])
        text = orders_from_lines(text, form.order_value, context)
        is_torn = form.order_value == "each_line" and any(
            text.schema.get(name) == TEXT
            for name, dtype in FEEDS[feed].columns.items()
            if dtype == MONEY
        )
    ids = long_ids(text, feed) if feed in ("orders", "order_items") else {}
    typed, bad = cast(text, feed, context, mapped.columns)
    if "updated_at" in typed.columns:
        typed = typed.with_columns(pl.coalesce("updated_at", UPDATED).alias("updated_at"))
    if feed == "order_items":
        typed = _lines(typed, form)
    if feed == "campaign_spend":
        typed = typed.with_columns(_unrounded(text, context))
    # A value that no map knows is already told of; that its column is then empty is no news.
    bad = bad.filter(~(pl.col("reason") == "missing") | ~pl.col(ROW).is_in(found[ROW].implode()))
    return Built(feed, typed, pl.concat([found, bad]), taken, ids, is_torn)


def _unrounded(text: pl.DataFrame, context: Context) -> list[pl.Series]:
    """Money as written, to be summed before it is rounded: spend comes in parts of a cent."""
    return [
        text.select(
            exact(pl.col(name), context.numbers)
            if text.schema[name] == TEXT
            else pl.col(name).cast(EXACT)
        )
        .to_series()
        .alias(UNROUNDED + name)
        for name, dtype in FEEDS["campaign_spend"].columns.items()
        if dtype == MONEY and name in text.columns
    ]


def _assemble(frame: pl.DataFrame, feed: str, form: Format, source: Source) -> pl.DataFrame:
    mapped, canonical = form.feeds[feed], FEEDS[feed]
    given = {
        "platform": source.platform,
        "shop_id": source.shop_id,
        "currency": source.currency,
        **mapped.constants,
    }
    made = (mapped.unpivot.label, mapped.unpivot.value) if mapped.unpivot else ()
    cells: dict[str, pl.Expr] = {}
    for name in (*canonical.columns, *canonical.personal, *canonical.mapped_only):
        if name in mapped.columns:
            cells[name] = pl.col(mapped.columns[name])
        elif name in mapped.derive or name in made:
            cells[name] = pl.col(name)
        elif name in mapped.constants or (name in given and _is_the_sources(name, feed)):
            cells[name] = pl.lit(str(given[name]))
    kept = [name for name in source.keep if name in frame.columns and name not in cells]
    return frame.select(ROW, UPDATED, *kept, **cells)


def _is_the_sources(name: str, feed: str) -> bool:
    """Whether what the file leaves out is the source's; what belongs to an order asks it first."""
    canonical = FEEDS[feed]
    return name in (canonical.required if name == "currency" else canonical.columns)


def _lines(typed: pl.DataFrame, form: Format) -> pl.DataFrame:
    """Number the lines of each order and say which are gifts and which are goods."""
    product = pl.col("product_id").fill_null("")
    gift = pl.col("is_gift").fill_null(value=False)
    if form.gift.zero_price:
        gift = gift | (pl.col("unit_price") == 0).fill_null(value=False)
    for pattern in form.gift.products:
        gift = gift | product.str.contains(pattern)
    goods = pl.col("is_goods").fill_null(value=True)
    for pattern in form.non_goods:
        goods = goods & ~product.str.contains(pattern)
    ordinal = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("order_id")
    return typed.with_columns(
        is_gift=gift, is_goods=goods, line_number=pl.col("line_number").fill_null(ordinal)
    )


def namespace_of(personal: str, source: str, customers: str) -> str:
    """Return the namespace of the pseudonyms of a personal column.

    Args:
        personal: the delivered column, such as customer_id.
        source: identity of the source.
        customers: namespace of its customers, which sources may share and any name of them has.
    """
    return customers if personal in ("customer_id", "other_id") else f"{personal}\x1f{source}"


def keyed(
    rows: pl.DataFrame,
    feed: str,
    source: Source,
    masks: Pseudonymiser,
) -> pl.DataFrame:
    """Replace personal columns by pseudonyms and make keys that the export does not give."""
    for personal, pseudonym in FEEDS[feed].personal.items():
        if personal not in rows.columns:
            continue
        name = namespace_of(personal, source.identity, source.namespace)
        hashed = masks.of(rows[personal], name).alias(pseudonym)
        rows = rows.with_columns(hashed).drop(personal)
    if feed == "events" and rows["event_id"].null_count():
        rows = _event_ids(rows)
    if feed == "refunds" and rows["refund_id"].null_count():
        instant = pl.col("refunded_at").dt.to_string("%Y%m%dT%H%M%S")
        made = pl.format("{}@{}", "order_id", instant)
        ordinal = pl.int_range(1, pl.len() + 1).over("order_id", "refunded_at", order_by="amount")
        rows = rows.with_columns(pl.coalesce("refund_id", pl.format("{}#{}", made, ordinal)))
    return rows


def _event_ids(rows: pl.DataFrame) -> pl.DataFrame:
    """Make ids of visitor, instant, type and content; alike events are told apart by an ordinal."""
    parts = (
        pl.col("visitor_key").str.slice(0, 12).fill_null(""),
        pl.col("occurred_at").dt.timestamp("us").cast(pl.String).fill_null(""),
        pl.col("event_type").fill_null(""),
        pl.col("product_id").fill_null(""),
        pl.col("order_id").fill_null(""),
    )
    rows = rows.with_columns(_made=pl.concat_str(parts, separator="."))
    alike = rows.filter(pl.col("_made").is_duplicated())
    if alike.height:
        # Ordinals follow the content, so that another row order gives the same ids.
        content = [c for c in FEEDS["events"].columns if c != "event_id"]
        alike = alike.sort([*content, ROW]).select(
            ROW, _n=pl.int_range(pl.len()).over("_made").cast(pl.String)
        )
        rows = rows.join(alike, on=ROW, how="left", maintain_order="left").with_columns(
            _made=pl.when(pl.col("_n") > "0")
            .then(pl.format("{}.{}", "_made", "_n"))
            .otherwise(pl.col("_made"))
        )
    made = pl.coalesce("event_id", "_made").alias("event_id")
    return rows.with_columns(made).drop("_made", "_n", strict=False)


def instant_of(feed: str, zone: str) -> pl.Expr | None:
    """Return the business instant of a feed's rows in UTC; a date is its local midnight."""
    canonical = FEEDS[feed]
    if canonical.instant is None:
        return None
    column = pl.col(canonical.instant)
    if canonical.columns[canonical.instant] == DAY:
        return to_utc(column.cast(pl.Datetime("us")), zone)
    return column


def landing_columns(  # noqa: PLR0913 - what a landed row must say of itself
    rows: pl.DataFrame,
    feed: str,
    source: Source,
    spec: FileSpec,
    *,
    batch_id: str,
    source_file: str,
    version_at: datetime | None,
) -> pl.DataFrame:
    """Add the landing columns and order all columns as the feed says; kept columns come last.

    The version is the row's own; what several rows share is put in by `as_units`.
    """
    canonical = FEEDS[feed]
    row_key = _row_key(rows, canonical)
    unit = pl.col("order_id") if feed == "order_items" else row_key
    version = pl.coalesce(UPDATED, pl.lit(version_at, pl.Datetime("us")))
    rows = rows.with_columns(
        source=pl.lit(source.name),
        _batch_id=pl.lit(batch_id),
        _source_file=pl.lit(source_file),
        _row_number=pl.col(ROW),
        _row_key=row_key,
        _unit_key=unit,
        _version_at=version,
        _covers_from=pl.lit(None, TEXT),
        _covers_to=pl.lit(None, TEXT),
    )
    kept = [name for name in source.keep if name in rows.columns]
    parts = [name for name in rows.columns if name.startswith(UNROUNDED)]
    return rows.select(*canonical.columns, *LANDING, *kept, *parts)


def as_units(
    landed: Mapping[str, pl.DataFrame], source: Source, spec: FileSpec, exported: datetime | None
) -> dict[str, pl.DataFrame]:
    """Let rows that a newer delivery replaces together have one unit and one version.

    All lines of an order are a unit. In a snapshot the period is, of an instant its day in the
    source's zone, and of a feed that has no such column the period of its order in the file: all
    rows are of the file's version, whatever their own, and it covers each day from its first to
    its last. Where a snapshot speaks of some values alone, such as an account, they stand before
    the period, and what it covers is told for each of them.

    Args:
        landed: feed -> rows with landing columns, one a key.
        source: whose file it is.
        spec: says how it is delivered.
        exported: when the file was exported, UTC, if that is known.
    """
    if spec.snapshot_column is None:
        last = pl.col("_version_at").max().over("order_id")
        return {feed: rows.with_columns(_version_at=last) if feed == "order_items" else rows
                for feed, rows in landed.items()}  # fmt: skip
    column, orders = spec.snapshot_column, landed.get("orders", pl.DataFrame())
    days = {
        feed: _period(rows, FEEDS[feed].columns[column], column, source.timezone)
        for feed, rows in landed.items()
        if column in rows.columns
    }
    units = {}
    for feed, rows in landed.items():
        if feed in days:
            units[feed] = rows.with_columns(_unit_key=days[feed])
        else:
            whose = orders.select("order_id", _unit_key=days["orders"])
            joined = rows.drop("_unit_key").join(whose, on="order_id", how="left")
            units[feed] = joined.select(rows.columns)
    all_days = pl.concat(list(days.values()))
    is_day = any(FEEDS[feed].columns[column] in (INSTANT, DAY) for feed in days)
    known = all_days.filter(all_days != "") if is_day else all_days.clear()
    versions = pl.concat([rows["_version_at"] for rows in units.values()])
    covered = {
        feed: rows.with_columns(
            _version_at=pl.lit(exported or versions.max(), INSTANT),
            _covers_from=pl.lit(known.min(), TEXT),
            _covers_to=pl.lit(known.max(), TEXT),
        )
        for feed, rows in units.items()
    }
    return {feed: _within(rows, FEEDS[feed]) for feed, rows in covered.items()}


def _within(rows: pl.DataFrame, canonical: Feed) -> pl.DataFrame:
    """Put what a snapshot speaks of alone before its periods, each with the days of its own."""
    if not canonical.snapshot_within:
        return rows
    place, day = _joined(canonical, canonical.snapshot_within), pl.col("_unit_key")
    covers = {"_covers_from": day.min(), "_covers_to": day.max()}
    return (
        rows.with_columns(_place=place)
        .with_columns(
            pl.when(pl.col(name).is_not_null())
            .then(pl.concat_str("_place", end.over("_place"), separator="|"))
            .alias(name)
            for name, end in covers.items()
        )
        .with_columns(pl.concat_str("_place", day, separator="|").alias("_unit_key"))
        .drop("_place")
    )


def _period(rows: pl.DataFrame, dtype: Dtype, column: str, zone: str) -> pl.Series:
    period = pl.col(column)
    if dtype == INSTANT:
        period = period.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.date()
    return rows.select(_unit_key=period.cast(TEXT).fill_null("")).to_series()


def without_told_keys(rows: pl.DataFrame, feed: str) -> pl.DataFrame:
    """Leave empty the keys that another column of the row tells too, as they are written.

    Of a large feed they would be most of what is written, and read again in each build.
    """
    key = pl.col(FEEDS[feed].key_column or "_row_key")
    told = pl.col("_row_key") == key if FEEDS[feed].key_column else pl.lit(value=False)
    return rows.with_columns(
        _row_key=pl.when(~told).then("_row_key"),
        _unit_key=pl.when(pl.col("_unit_key") != pl.col("_row_key")).then("_unit_key"),
    )


def with_told_keys(rows: pl.LazyFrame, feed: str) -> pl.LazyFrame:
    """Fill in what `without_told_keys` left empty; files written before it have all keys."""
    row_key = pl.coalesce("_row_key", FEEDS[feed].key_column or "_row_key")
    return rows.with_columns(_row_key=row_key, _unit_key=pl.coalesce("_unit_key", row_key))


def _row_key(rows: pl.DataFrame, canonical: Feed) -> pl.Expr:
    name = canonical.key_column
    if name is not None and not (
        rows[name].has_nulls() or rows[name].str.contains("|", literal=True).any()
    ):
        return pl.col(name)  # as it stands, which costs nothing
    return _joined(canonical, canonical.key)


def _joined(canonical: Feed, names: Sequence[str]) -> pl.Expr:
    return pl.concat_str([_key_text(name, canonical) for name in names], separator="|")


def _key_text(name: str, canonical: Feed) -> pl.Expr:
    number = canonical.numbered_by.get(name)
    text = (pl.col(name) if number is None else pl.coalesce(number, name)).cast(pl.String)
    text = text.fill_null("")
    # A `|` inside a name must not look like the border between two columns.
    is_text = canonical.columns[name] == TEXT
    return text.str.replace_all("|", r"\|", literal=True) if is_text else text


def are_distinct(hashes: pl.Series) -> bool:
    """Whether no two hashes are equal: what they were taken of then differs too."""
    # numpy sorts whole numbers in a quarter of the time in which they are counted.
    ordered = hashes.to_numpy().copy()
    ordered.sort()
    return not (ordered[1:] == ordered[:-1]).any()


def one_per_key(rows: pl.DataFrame, feed: str) -> tuple[pl.DataFrame, pl.Series]:
    """Keep one row a `_row_key`: the latest version, then the last in the file.

    Campaign spend is summed instead, because exports split a campaign over several rows.

    Returns:
        The rows in the order of the file, and `_row_number` of those left out as duplicates.
    """
    twice = rows["_row_key"].is_duplicated()
    if feed == "campaign_spend":
        whole = _summed(rows) if twice.any() else rows
        return whole.select(pl.exclude(f"^{UNROUNDED}.*$")), pl.Series([], dtype=pl.Int64)
    if not twice.any():
        return rows, pl.Series([], dtype=pl.Int64)
    best = rows.sort("_version_at", "_row_number").unique("_row_key", keep="last")
    left_out = rows.join(best, on="_row_number", how="anti")["_row_number"]
    return best.sort("_row_number"), left_out


def _summed(rows: pl.DataFrame) -> pl.DataFrame:
    counted = [name for name, dtype in FEEDS["campaign_spend"].columns.items() if dtype in _SUMMED]
    others = [name for name in rows.columns if name not in (*counted, "_row_key", "_version_at")]
    return (
        rows.group_by("_row_key", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in others),
            pl.col("_version_at").max(),
            *(_sum(name, rows.columns) for name in counted),
        )
        .select(rows.columns)
        .sort("_row_number")
    )


def _sum(name: str, there: list[str]) -> pl.Expr:
    total = pl.col(name).sum()
    if UNROUNDED + name in there:
        total = rounded(pl.col(UNROUNDED + name).sum(), MONEY)
    return pl.when(pl.col(name).count() > 0).then(total).alias(name)

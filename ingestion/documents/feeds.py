"""The page `docs/feeds.md`, made from the feeds so that it cannot differ from what is checked.

`python -m ingestion.documents.feeds` prints it; `make docs` writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from ingestion.feeds import COUNT, DAY, FEEDS, FLAG, INSTANT, MONEY, NUMBER, PRICE, TEXT
from ingestion.feeds.feed import Column, Dtype, Feed
from ingestion.feeds.schemas import schema_of
from ingestion.rows.pseudonymise import NOBODY

_TYPES: dict[Dtype, str] = {
    TEXT: "text",
    COUNT: "whole number",
    NUMBER: "number",
    MONEY: "money, 2 decimals",
    PRICE: "price, 4 decimals",
    INSTANT: "instant",
    DAY: "date",
    FLAG: "true or false",
}
_HEAD = """# Feeds

<!-- Made by `make docs` from ingestion/feeds/; change it there. -->

What can come in. A *feed* is a canonical table; a file of any layout is mapped to one or more of
them in `shop.yml` or by a format of `ingestion/formats/`. Only `orders` is needed; what depends on
a feed that is not there says so instead of guessing.

Instants are landed in UTC; the files' own zone is that of their source. A *personal* column is
delivered under the name given here and landed only as a keyed pseudonym. Each feed also has a plain
format `plain_<feed>`: a CSV file whose header is the names below, but for those that are made while
landing.

**What is the same.** A file is known by its content, its source and how it is read: one file may
feed several feeds, and several sources, as long as no row goes into one feed twice. A row is known
by its key within its source. Of two versions the later counts: by the row's own change, else the
export (manifest, name, title), else the last instant in the file. Where two files tell differently
of a row under one instant, one is taken, always the same, and `quality.version_conflicts`, a check
and `kpi status` say so. A key that comes in one file with two contents under one version is not
landed: both rows are set aside, as are the lines of an order that differ in when it was placed (by
more than 15 minutes), by whom, or in an amount that is said to be repeated.

**Deleted rows.** `delivery: delta`, the default, withdraws nothing. In `snapshot:<column>` a file
holds every row of its periods: the values of the column, or, of an instant, its days in the zone of
the source. All days from the first to the last one in the file are covered, so a day between them
without a row has none any more; days outside are left as they are. A file of one shop, account,
warehouse or grain of totals says nothing of the others, where its feed says so below. A snapshot of
orders covers what comes in the same file with them, such as their lines; a source delivers what
belongs to orders in one way only.

**Nobody.** {nobody} and what is made of zeros and signs alone are
no customers, visitors or addresses: landed empty, whatever their case.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    head = _HEAD.replace("{nobody}", ", ".join(f"`{word}`" for word in NOBODY))
    return "\n".join([head, *(line for feed in FEEDS.values() for line in _feed(feed))]) + "\n"


def _feed(feed: Feed) -> Iterator[str]:
    descriptions = {name: told.description for name, told in schema_of(feed.name).columns.items()}
    yield f"## {feed.name}\n"
    yield f"{feed.grain}\n"
    instant = f" Instant: `{feed.instant}`." if feed.instant else ""
    final = " A row is told once and stays as it is." if feed.is_final else ""
    numbers = feed.numbered_by
    key = (f"`{numbers[name]}`, else `{name}`" if name in numbers else f"`{name}`"
           for name in feed.key)  # fmt: skip
    within = ", ".join(f"`{name}`" for name in feed.snapshot_within)
    alone = f" A snapshot speaks of each {within} it holds alone." if within else ""
    yield f"Key within its source: {', '.join(key)}.{instant}{alone}{final}\n"
    yield "| column | type | needed | meaning |"
    yield "|---|---|---|---|"
    for column in feed.given:
        yield _row(column, str(descriptions[column.name]))
    yield ""


def _row(column: Column, description: str) -> str:
    name, told = f"`{column.name}`", [description]
    if column.pseudonym_of is not None:
        name = f"`{column.pseudonym_of}` (personal), landed as {name}"
    if column.allowed:
        told.append(f"One of {', '.join(f'`{value}`' for value in column.allowed)}.")
    needed = "made" if column.is_made else "yes" if column.is_required else ""
    return f"| {name} | {_TYPES.get(column.dtype, 'number')} | {needed} | {' '.join(told)} |"


if __name__ == "__main__":
    sys.stdout.write(page())

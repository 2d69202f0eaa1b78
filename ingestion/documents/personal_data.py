"""The page `docs/personal-data.md`: which personal data come in and what becomes of each column.

Made from the feeds, the formats and the descriptions of the marts, so that it cannot differ from
what is done. `python -m ingestion.documents.personal_data` prints it; `make docs` writes it. The
marts are read as text: this page has to say where pseudonyms end up, nothing else in this room
knows of them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from ingestion.feeds import FEEDS
from ingestion.mapping.formats import load_formats
from ingestion.mapping.personal import Use
from ingestion.mapping.spec import Format

_ROOT = Path(__file__).resolve().parents[2]
MARTS = _ROOT / "dbt_project" / "models" / "marts"
WRITTEN = _ROOT / "orchestration" / "build" / "tables.yml"
# Worked out of a pseudonym, so gone with it.
_DERIVED = {"session_id": "visitor_key"}
_HEAD = """# Personal data

<!-- Made by `make docs` from ingestion/ and dbt_project/models/marts/; change it there. -->

What comes in of people, what is kept of it, where, and for how long. A personal column of an export
is never landed as it is: it becomes a keyed pseudonym (HMAC-SHA256 of the normalised value, 32 hex
digits), a part of it is kept such as the province of an address, or it is dropped. A format that
would land a personal column as it is, is refused.

The key is made on first use (`data/state/pseudonym.key`, readable by its owner only) or comes from
the environment; see `privacy.key` in `shop.yml`. Whoever has the key and an identifier can find the
pseudonym: keep it apart from copies of the marts.
"""
_PLACES = (
    (
        "data/inbox/",
        "the exports as delivered, in clear",
        "until deleted: `privacy.inbox: delete_after_landing`, or `privacy.inbox_days`",
    ),
    (
        "data/landing/",
        "pseudonyms and the rows they stand on",
        "for good; `privacy.withdrawn_days` drops batches that no build counts,"
        " `privacy.landing_days` old ones that do count: their days leave the marts, and the"
        " ledger says `expired`",
    ),
    (
        "data/quarantine/",
        "place and reason of bad rows; values of personal columns never, others only where they"
        " do not look personal",
        "for good, or `privacy.quarantine_days`",
    ),
    ("data/build/", "pseudonyms, private to the runs", "until the next run replaces it"),
    (
        "data/published/",
        "pseudonyms in the tables above; none on the pages",
        "`publish.keep` generations",
    ),
    (
        "data/export/",
        "copies of the tables above, made by `kpi export`; by `kpi export audience` SHA-256 of mail"
        " and phone of members of an audience who consent, from a list that is read and not kept",
        "until deleted",
    ),
    (
        "data/state/",
        "the ledger of files, the key, figures of closed months, tombstones: keyed marks of erased"
        " pseudonyms",
        "for good",
    ),
)
_ERASURE = """## Erasure

`kpi forget ID` replaces a person's pseudonyms by random ones in every place above but the inbox,
so that every total stands, and prints a proof of what was searched. Of the inbox it lists the
files that hold the person, or deletes them (`--delete-inbox`). What a user of the shop did is
erased with the customer whose orders that user paid for most. A mail or phone that others have too
is replaced, but they stay: the proof lists them, and `--with-shared` takes them along. A tombstone
sees to it that the same person delivered again gets the same random pseudonym. What was copied out
of `data/`, backups among it, is out of reach: repeat the command there, or let the copies run out.
"""


def page() -> str:
    """Return the whole page as Markdown."""
    published = _published(_mart_columns(MARTS) | _written_columns(WRITTEN))
    return "\n".join(
        [_HEAD, *_feeds(), *_formats(load_formats()), *published, *_places(), _ERASURE]
    )


def _feeds() -> Iterator[str]:
    yield "## Feeds\n"
    yield "| feed | delivered column | landed as |"
    yield "|---|---|---|"
    for feed in FEEDS.values():
        for personal, pseudonym in feed.personal.items():
            yield f"| {feed.name} | `{personal}` | `{pseudonym}` |"
    pseudonyms = FEEDS["customers"].personal.values()
    kept = [f"`{name}`" for name in FEEDS["customers"].columns if name not in pseudonyms]
    yield f"\nOf a customer is kept as delivered, if mapped: {', '.join(kept)}.\n"


def _formats(formats: Mapping[str, Format]) -> Iterator[str]:
    yield "## Formats\n"
    yield "Columns that no format names are not read at all.\n"
    yield "| format | personal column | what becomes of it |"
    yield "|---|---|---|"
    for name, form in formats.items():
        fates = {column: _fates(form, column) for column in form.personal}
        for column, told in fates.items():
            if told:
                yield f"| {name} | {column} | {'; '.join(told)} |"
        if dropped := [column for column, told in fates.items() if not told]:
            yield f"| {name} | {', '.join(dropped)} | dropped |"
    without = [name for name, form in formats.items() if not form.personal]
    yield f"\nNo personal column: {', '.join(without)}.\n"


def _fates(form: Format, column: str) -> list[str]:
    """What is kept of a personal column, one phrase a place; none if it is dropped."""
    told = [_told(use) for use in form.uses(column)]
    rules = form.rules_on(column)
    return [*told, f"read by the rules {', '.join(rules)}"] if rules else told


def _told(use: Use) -> str:
    target = f"`{use.feed}.{use.pseudonym or use.column}`"
    told = use.told.replace("|", "\\|")
    if use.pseudonym is not None:
        return f"keyed pseudonym {target}" + (f" of `{told}`" if told else "")
    if use.how == "worked_out":
        return f"{target} is worked out of it: `{told}`"
    return f"a part only, {target}: {told if told in ('value map', 'instant') else f'`{told}`'}"


def _mart_columns(folder: Path) -> dict[str, list[str]]:
    """Published table -> its columns, as the descriptions of the marts name them."""
    found = {}
    for file in sorted(folder.rglob("*.yml")):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", ()):
            name = f"marts.{model['name']}"
            found[name] = [column["name"] for column in model.get("columns", ())]
    return dict(sorted(found.items()))


def _written_columns(file: Path) -> dict[str, list[str]]:
    """The same of the tables that no SQL makes."""
    told = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {name: [*table["columns"]] for name, table in sorted(told.items())}


def _published(tables: Mapping[str, list[str]]) -> Iterator[str]:
    keys = {pseudonym for feed in FEEDS.values() for pseudonym in feed.personal.values()}
    yield "## Published tables that tell single people apart\n"
    yield "`marts.fct_order_items` tells of single orders by their number; all others of groups.\n"
    yield "| table | columns |"
    yield "|---|---|"
    for table, columns in tables.items():
        if told := [name for name in columns if name in keys or name in _DERIVED]:
            yield f"| `{table}` | {', '.join(f'`{name}`' for name in told)} |"
    yield ""


def _places() -> Iterator[str]:
    yield "## Where it is kept, and how long\n"
    yield "| place | what of a person | how long |"
    yield "|---|---|---|"
    for place, what, how_long in _PLACES:
        yield f"| `{place}` | {what} | {how_long} |"
    yield ""


if __name__ == "__main__":
    sys.stdout.write(page())

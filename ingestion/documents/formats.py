"""The page `docs/formats.md`, made from the shipped formats so that it cannot differ from them.

Belongs here: telling people what each format reads and what its figures rest on.
Does not belong here: the feeds, whose page is made in `feeds.py`.

`python -m ingestion.documents.formats` prints it; `make docs` writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from ingestion.mapping.formats import load_formats
from ingestion.mapping.rules import Read
from ingestion.mapping.spec import Format

_HEAD = """# Formats

<!-- Made by `make docs` from ingestion/formats/; change it there. -->

The layouts that are read as they come. A format is a file of `ingestion/formats/`; `shop.yml` names
it, and `overrides` there changes single keys of it. What no format fits is described in `shop.yml`
itself, or converted to a plain format (`plain_<feed>`, see [feeds](feeds.md)).

*How sure* says where the layout is known from. Where your file differs, `kpi check` names the row.
"""
_LABELS = {
    "payment": "Instant of payment",
    "presale": "Pre-sale",
    "discounts": "Who bears discounts",
    "orders": "Orders and lines",
    "refunds": "Refunds",
    "certainty": "How sure",
}


def page() -> str:
    """Return the whole page as Markdown: formats of orders first, then by name."""
    formats = [form for name, form in load_formats().items() if not name.startswith("plain_")]
    formats.sort(key=lambda form: ("orders" not in form.feeds, form.name))
    table = ["| format | fills | what it reads |", "|---|---|---|"]
    table += [
        f"| [{form.name}](#{form.name}) | {', '.join(form.feeds)} | {form.description} |"
        for form in formats
    ]
    told = (line for form in formats for line in _told(form))
    return "\n".join([_HEAD, *table, "", *told]).rstrip() + "\n"


def _told(form: Format) -> Iterator[str]:
    yield f"## {form.name}\n"
    yield f"{form.description}.\n"
    yield f"- **File:** {_file(form.read)}"
    yield f"- **Fills:** {', '.join(f'`{feed}`' for feed in form.feeds)}"
    yield f"- **Versions are ordered by:** {_version(form)}"
    word, _, period = form.delivery.partition(":")
    if word == "snapshot":
        yield f"- **A newer file replaces:** all of its account that is of the same `{period}`"
    for key, text in form.notes:
        if text:
            yield f"- **{_LABELS[key]}:** {text}"
    yield ""


def _file(read: Read) -> str:
    if read.kind != "csv":
        return read.kind
    mark = {"\t": "tab", ",": "comma", ";": "semicolon"}.get(read.delimiter, read.delimiter)
    return f"delimited by {mark}, {read.encoding}"


def _version(form: Format) -> str:
    if form.updated_at is not None:
        return f"`{form.updated_at}` of each row"
    if form.exported_at is not None and form.exported_at.required:
        return "the export instant in the file's name, which must be there"
    if form.exported_at is not None:
        return "the export instant in the file's name, else the last instant in the file"
    return "the last instant in the file"


if __name__ == "__main__":
    sys.stdout.write(page())

"""Rows that find no order, session, product ... to belong to, as a message says it.

Belongs here: the words. Which of them are worth a message is decided in SQL (`quality.lookups`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from dashboards.wording.facts import facts
from dashboards.wording.formatting import integer, money, percent
from dashboards.wording.i18n import text, word
from dashboards.wording.message import AlertInfo, Message, one_line


def kind_of(row: dict[str, Any]) -> str:
    """The word by which the catalogue knows what looks and what for."""
    return f"{row['feed']}_{row['looks_for']}"


def lookups_message(rows: Sequence[dict[str, Any]], last: date, info: AlertInfo) -> Message | None:
    """One message of all that find too few, told once a month for as long as it lasts.

    Args:
        rows: of `quality.lookups` that are material.
        last: the last day of the data.
        info: shop, currency, site, languages.
    """
    if not rows:
        return None
    month = last.replace(day=1)
    blocks = []
    for lang in info.languages:
        lines = [text("lookup.message", lang), *(_line(row, lang, info.currency) for row in rows)]
        blocks.append("\n".join(one_line(line) for line in lines))
    first = info.languages[0]
    kinds = dict.fromkeys(word("lookup.kind", kind_of(row), first) for row in rows)
    sources = ", ".join(dict.fromkeys(str(row["source"]) for row in rows))
    subject = text("lookup.subject", first, shop=info.shop, kinds=", ".join(kinds), of=sources)
    return Message(
        incident_id="lookups",
        day=month,
        kind="data",
        metric="lookups",
        segment="lookups",
        severity="medium",
        subject=one_line(subject),
        text="\n\n".join(blocks),
        facts=facts([], info, "lookups"),
        keys=tuple(f"lookup|{kind_of(row)}|{row['source']}|{month:%Y-%m}" for row in rows),
    )


def _line(row: dict[str, Any], lang: str, currency: str) -> str:
    """How many of how many, their money and what becomes of them."""
    amount = row["orphan_amount"]
    return text(
        "lookup.line" if amount is None else "lookup.line_money",
        lang,
        source=row["source"],
        kind=word("lookup.kind", kind_of(row), lang),
        n=integer(row["orphan_rows"]),
        of=integer(row["rows"]),
        rate=percent(row["orphan_rate"]),
        amount=money(amount, currency, lang),
        effect=word("lookup.effect", kind_of(row), lang),
    )

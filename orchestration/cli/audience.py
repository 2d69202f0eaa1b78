"""`kpi export audience`: the people of an audience as ad platforms and mail tools take them.

Mail addresses and phone numbers are in no store of this project. They are read from the shop's own
list of contacts at the time of the export, with the consent that it says now; nobody is written out
whose consent is not known.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from orchestration.alerting.outbox import write_atomically
from orchestration.build import warehouse
from orchestration.cli.console import console
from orchestration.config import settings
from orchestration.errors import ExitCode, KpiError, allowed

if TYPE_CHECKING:
    from orchestration.config.settings import Settings

YES, NO = (
    ("yes", "true", "1", "y", "subscribed", "是"),
    ("no", "false", "0", "n", "unsubscribed", "否"),
)
_NEEDED = ("customer_id", "consent")


def export_audience(name: str, contacts: Path | None, source: str, out: Path | None) -> None:
    """Write the hashed addresses of the members who consent, and count all others.

    Args:
        name: of an audience that is published; empty: only say which there are.
        contacts: CSV with customer_id as the orders of the source write it, consent (yes or no),
            email and phone (with the code of the country, +86...), at least one of these two.
        source: whose customers the list names.
        out: folder; default `data/export`.

    Raises:
        KpiError: no such audience, source or list, or the list lacks a column.
    """
    configured = settings.load()
    with warehouse.connect_published(configured.paths.current) as con:
        sizes = con.sql("select audience, members from insights.audience_sizes order by audience")
        known = dict(sizes.fetchall())
        if not name:
            console.document(known)
            console.table(["audience", "members"], list(known.items()))
            console.note("one of them: --table NAME --contacts YOUR_LIST.csv --source NAME")
            return
        allowed("--table", name, sorted(known))
        members = con.sql("select audience, customer_key from insights.audiences").pl()
    members = members.filter(audience=name).select("customer_key")
    listed = _read(contacts)
    keyed = listed.with_columns(customer_key=_pseudonyms(configured, listed["customer_id"], source))
    people = consenting(members, keyed)
    rows = hashed(people)
    folder = out or configured.paths.data / "export"
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"audience.{name}.csv"
    os.umask(0o077)  # hashed addresses are the owner's alone
    write_atomically(target, rows.write_csv().encode())
    counts = {"members": members.height}
    counts |= {why: people.filter(status=why).height
               for why in ("not_listed", "consent_unknown", "no_consent")}  # fmt: skip
    consented = people.filter(status="consented").height
    counts |= {"without_address": consented - rows.height, "written": rows.height}
    console.document({"audience": name, "file": str(target), **counts})
    console.out(", ".join(f"{count} {why.replace('_', ' ')}" for why, count in counts.items()))
    console.out(f"written to {target}")


def _read(contacts: Path | None) -> pl.DataFrame:
    if contacts is None:
        raise KpiError(
            "no list of contacts is given", "--contacts",
            f"Give a CSV with the columns {', '.join(_NEEDED)} and email or phone.", ExitCode.USAGE,
        )  # fmt: skip
    try:
        found = pl.read_csv(contacts, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError):  # what polars says could quote a row
        raise KpiError(
            "the list of contacts cannot be read", str(contacts), "Give a CSV file in UTF-8.",
            ExitCode.USAGE,
        ) from None  # fmt: skip
    missing = set(_NEEDED) - set(found.columns)
    if missing or not {"email", "phone"} & set(found.columns):
        raise KpiError(
            f"the list lacks {', '.join(sorted(missing)) or 'email or phone'}", str(contacts),
            f"Name the columns {', '.join(_NEEDED)} and email or phone.", ExitCode.USAGE,
        )  # fmt: skip
    absent = [pl.lit(None, pl.String).alias(name) for name in ("email", "phone")
              if name not in found.columns]  # fmt: skip
    return found.with_columns(absent).select("customer_id", "consent", "email", "phone")


def _pseudonyms(configured: Settings, ids: pl.Series, source: str) -> pl.Series:
    """Under the key and in the namespace of the source; a person erased has another one."""
    from ingestion.rows.build import namespace_of
    from ingestion.rows.pseudonymise import Tombstones, pseudonyms
    from orchestration.ledger.identity import known_sources
    from orchestration.ledger.inbox import checked_key
    from orchestration.ledger.state import State

    state = State(configured.paths.state)
    sources = known_sources(configured, state)
    allowed("--source", source, sorted(sources))
    space = namespace_of("customer_id", sources[source].identity, sources[source].namespace)
    key = checked_key(configured, state)
    return pseudonyms(ids, key, space, Tombstones.of(key, state.tombstones()))


def consenting(members: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    """One row per member and what is known of their consent.

    A customer who is listed twice consents if one row says yes and none says no.

    Args:
        members: customer_key.
        contacts: customer_key, consent, email, phone (text).

    Returns:
        customer_key, status (consented, no_consent, consent_unknown, not_listed), email, phone.
    """
    said = pl.col("consent").str.strip_chars().str.to_lowercase()
    people = (
        contacts.drop_nulls("customer_key")
        .group_by("customer_key")
        .agg(
            yes=said.is_in(YES).any(), no=said.is_in(NO).any(),
            email=pl.col("email").drop_nulls().sort().first(),
            phone=pl.col("phone").drop_nulls().sort().first(),
        )
    )  # fmt: skip
    status = (
        pl.when(pl.col("no")).then(pl.lit("no_consent"))
        .when(pl.col("yes")).then(pl.lit("consented"))
        .when(pl.col("yes").is_null()).then(pl.lit("not_listed"))
        .otherwise(pl.lit("consent_unknown"))
    )  # fmt: skip
    return (
        members.join(people, on="customer_key", how="left")
        .select("customer_key", "email", "phone", status=status)
        .sort("customer_key")
    )


def hashed(people: pl.DataFrame) -> pl.DataFrame:
    """SHA-256 of the addresses of those who consent, in the form that ad platforms ask for.

    Mail without space around it and in lower case; phone as E.164: +, the code of the country, all
    digits. A number without the code of a country is not guessed.

    Returns:
        email_sha256, phone_sha256, in no order that tells of the customers.
    """
    mail = pl.col("email").str.strip_chars().str.to_lowercase()
    number = pl.col("phone").str.replace_all(r"[\s().-]", "").str.replace(r"^00", "+")
    clean = people.filter(status="consented").select(
        email_sha256=pl.when(mail.str.contains(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")).then(mail),
        phone_sha256=pl.when(number.str.contains(r"^\+[1-9]\d{6,14}$")).then(number),
    )
    return (
        clean.filter(pl.any_horizontal(pl.all().is_not_null()))
        .with_columns(pl.all().map_elements(_sha256, return_dtype=pl.String))
        .unique()
        .sort(pl.all(), nulls_last=True)
    )


def _sha256(text: str) -> str:
    """Of one address: there is no such function of a column in polars."""
    return hashlib.sha256(text.encode()).hexdigest()

"""Which files make one source, and what is known of it: platform, shop, zone, currency.

Belongs here: sources, and the sections of the shop that follow from them. What cannot be known
stays `FILL_IN`. Does not belong here: how files are read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ingestion.feeds import FEEDS
from ingestion.mapping.sources import plain_name
from ingestion.recognise.proposal import FILL_IN, Note, ProposedSource, Reading, Sure
from ingestion.recognise.words import format_origin, named_platform, platforms

_SALES = frozenset({"orders", "order_items", "refunds", "events", "traffic_daily"})
# Feeds whose rows name no shop, customer or order.
_OF_THE_COMPANY = frozenset(
    name
    for name, feed in FEEDS.items()
    if "platform" not in feed.columns and "order_id" not in feed.required and not feed.personal
)


@dataclass(frozen=True)
class Told:
    """What the owner said: empty where nothing."""

    name: str = ""
    currency: str = ""
    timezone: str = ""
    platform: str = ""


@dataclass(frozen=True)
class Draft:
    """A source under way.

    Attributes:
        name: of the source.
        kind: shop, analytics or advertising.
        origin: what the names of its formats say.
        readings: its files, globs below the inbox.
        folder: that they lie in.
    """

    name: str
    kind: str
    origin: dict[str, object]
    readings: tuple[Reading, ...]
    folder: str

    @property
    def choices(self) -> list[str]:
        """Platforms it may be of, by its formats."""
        given = self.origin.get("platforms", [])
        return [str(p) for p in given] if isinstance(given, list) else []

    @property
    def hinted(self) -> str | None:
        """The platform its folder or files are named after."""
        paths = " ".join(reading.group.glob for reading in self.readings)
        return named_platform(f"{self.folder} {paths}")


def sources_of(readings: Sequence[Reading], folder: str, prefix: str, told: Told) -> list[Draft]:
    """Put readings into sources: by folder, and within one by the platform of their formats."""
    by_folder: dict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        glob = f"{prefix}/{reading.group.glob}" if prefix else reading.group.glob
        placed = replace(reading, group=replace(reading.group, glob=glob))
        top = glob.split("/")[0] if "/" in glob else folder
        by_folder[top if "*" not in top else folder].append(placed)
    drafts: list[Draft] = []
    for top, ones in by_folder.items():
        name = plain_name(top, f"source_{len(drafts) + 1}")
        taken = {draft.name for draft in drafts}
        drafts += _of_folder(top, name if name not in taken else f"{name}_{len(taken) + 1}", ones)
    return _with_analytics(drafts)


def _kind(reading: Reading) -> tuple[str, str, dict[str, object]]:
    origin = format_origin(reading.format_name)
    if origin:
        return str(origin["kind"]), str(origin["prefix"]), origin
    if set(reading.feeds) == {"campaign_spend"}:
        return "advertising", "ads", {}
    return ("analytics", "events", {}) if set(reading.feeds) == {"events"} else ("", "", {})


def _of_folder(top: str, name: str, readings: list[Reading]) -> list[Draft]:
    parts: dict[tuple[str, str], list[Reading]] = defaultdict(list)
    origins: dict[tuple[str, str], dict[str, object]] = {}
    plain: list[Reading] = []
    for reading in readings:
        kind, prefix, origin = _kind(reading)
        if not kind:
            plain.append(reading)
            continue
        parts[kind, prefix].append(reading)
        origins[kind, prefix] = origin
    shops = [key for key in parts if key[0] == "shop"]
    if plain:
        key = shops[0] if shops else ("shop", "")
        parts[key].extend(plain)
        origins.setdefault(key, {})
    names = {key: name if len(parts) == 1 or (key[0] == "shop" and len(shops) <= 1)
             else f"{name}_{key[1]}" for key in parts}  # fmt: skip
    ordered = sorted(parts, key=lambda key: (key[0] != "shop", key[1]))
    return [
        Draft(names[key], key[0], origins[key], tuple(sorted(parts[key], key=_glob)), top)
        for key in ordered
    ]


def _glob(reading: Reading) -> str:
    return reading.group.glob


def _is_own_site(draft: Draft) -> bool:
    sites = platforms()["own_sites"]
    return draft.kind == "shop" and any(p in sites for p in (*draft.choices, draft.hinted))


def _with_analytics(drafts: list[Draft]) -> list[Draft]:
    """Put web analytics into the one shop with a site of its own, where there is just one."""
    sites = [draft for draft in drafts if _is_own_site(draft)]
    shops = [draft for draft in drafts if draft.kind == "shop"]
    home = sites[0] if len(sites) == 1 else shops[0] if len(shops) == 1 and not sites else None
    if home is None:
        return drafts
    visits = [draft for draft in drafts if draft.kind == "analytics"]
    moved = tuple(
        replace(r, notes=(*r.notes, Note(("path",), Sure.LIKELY, f"visits of `{home.name}`, the"
                                          " one shop here with a site of its own")))
        for draft in visits
        for r in draft.readings
    )  # fmt: skip
    whole = replace(home, readings=(*home.readings, *moved))
    return [whole if draft is home else draft for draft in drafts if draft.kind != "analytics"]


def shop_of(
    drafts: list[Draft], folder: str, told: Told
) -> tuple[dict[str, str], tuple[ProposedSource, ...], tuple[Note, ...]]:
    """Return the section `shop`, the sources, and the notes on the section."""
    zones = {str(d.origin["timezone"]) for d in drafts if d.origin.get("timezone")}
    named = [_currency(draft) for draft in drafts]
    shop = {"name": told.name or folder}
    notes: list[Note] = []
    known = {currency for currency, _ in named if currency}
    # An own system's files without currency do not make the shops' doubtful.
    all_known = bool(known) and all(
        currency or not (_needs_currency(draft) and _sells(draft))
        for (currency, _), draft in zip(named, drafts, strict=True)
    )
    found = next(iter(known)) if all_known and len(known) == 1 else ""
    for key, given, guess, option in (
        ("currency", told.currency, found, "--currency EUR"),
        ("timezone", told.timezone, next(iter(zones)) if len(zones) == 1 else "",
         "--timezone Europe/Berlin"),
    ):  # fmt: skip
        shop[key] = given or guess or FILL_IN
        notes.append(_shop_note(key, given, guess, option))
    home = _home(drafts)
    sources = tuple(_source(draft, shop, told, home) for draft in drafts)
    return shop, sources, tuple(notes)


def _shop_note(key: str, given: str, guess: str, option: str) -> Note:
    keys = ("shop", key)
    if given:
        return Note(keys, Sure.CERTAIN, f"as --{key} says")
    if guess:
        return Note(keys, Sure.LIKELY, "the one its files and platforms name")
    what = (
        "in which currency shall all amounts be shown?"
        if key == "currency"
        else "in which zone does the company's day begin?"
    )
    return Note(keys, Sure.UNSURE, "the files do not say", (), f"{what} (or run with {option})")


def _sells(draft: Draft) -> bool:
    return any(set(reading.feeds) & _SALES for reading in draft.readings)


def _needs_currency(draft: Draft) -> bool:
    return any(reading.has_amounts for reading in draft.readings)


def _currency(draft: Draft) -> tuple[str, Note | None]:
    named = {r.currency for r in draft.readings if r.currency}
    if len(named) == 1:
        value = str(next(iter(named)))
        return value, Note(("currency",), Sure.CERTAIN, "its files name it")
    if draft.origin.get("currency"):
        why = "the platform sells in it; its files name none"
        return str(draft.origin["currency"]), Note(("currency",), Sure.LIKELY, why)
    return "", None


def _home(drafts: list[Draft]) -> Draft | None:
    """The shop that web advertising and lone analytics are taken to be for, if only one can be."""
    sites = [draft for draft in drafts if _is_own_site(draft)]
    shops = [draft for draft in drafts if draft.kind == "shop"]
    if len(sites) == 1:
        return sites[0]
    return shops[0] if len(shops) == 1 else None


def _source(draft: Draft, shop: dict[str, str], told: Told, home: Draft | None) -> ProposedSource:
    values, notes = ({}, []) if _is_of_no_shop(draft) else _place(draft, told, home)
    zone, zone_note = _zone(draft, shop, told)
    currency, currency_note = _currency(draft)
    if not currency:
        currency, currency_note = _currency_of_shop(draft, shop, told)
    values |= {"timezone": zone, "currency": currency}
    notes += [zone_note, *([currency_note] if currency_note else [])]
    return ProposedSource(draft.name, values, draft.readings, tuple(notes))


def _place(draft: Draft, told: Told, home: Draft | None) -> tuple[dict[str, str], list[Note]]:
    """Where a source sells: platform and shop."""
    platform, note = _platform(draft, told, home)
    guest = home is not None and draft is not home and draft.kind != "shop" and not draft.choices
    shop = home.name if guest and home else draft.name
    of = "" if draft.folder == draft.name else f" in folder {draft.folder}"
    why = f"your own name of the shop{of}; change it now or never"
    notes = [note, Note(("shop_id",), Sure.LIKELY, why)]
    return {"platform": platform, "shop_id": shop}, notes


def _is_of_no_shop(draft: Draft) -> bool:
    """Whether nothing in its rows is of a shop: stock, people, plans, rates."""
    feeds = {feed for reading in draft.readings for feed in reading.feeds}
    return bool(feeds) and feeds <= _OF_THE_COMPANY


def _platform(draft: Draft, told: Told, home: Draft | None) -> tuple[str, Note]:
    keys, choices, hinted = ("platform",), draft.choices, draft.hinted
    if len(choices) == 1:
        return choices[0], Note(keys, Sure.CERTAIN, "the format is of this platform only")
    if hinted and (not choices or hinted in choices):
        return hinted, Note(keys, Sure.LIKELY, "the folder or its files are named after it")
    if draft.kind != "shop" and not choices and home is not None and home is not draft:
        platform, _ = _platform(home, told, None)
        what = "advertising" if draft.kind == "advertising" else "visits"
        return platform, Note(
            keys, Sure.LIKELY, f"{what} for `{home.name}`, the one shop it can be"
        )
    if told.platform:
        return told.platform, Note(keys, Sure.LIKELY, "as --platform says")
    lines = tuple(f"platform: {choice}" for choice in choices)
    question = f"where does `{draft.name}` sell? (a word such as web, pos, shopify, tmall)"
    if draft.kind == "advertising":
        question = f"which platform's shop does `{draft.name}` advertise?"
    why = "its files do not say"
    return FILL_IN, Note(keys, Sure.UNSURE, why, lines, question)


def _zone(draft: Draft, shop: dict[str, str], told: Told) -> tuple[str, Note]:
    keys = ("timezone",)
    if draft.origin.get("timezone"):
        why = "the platform writes its exports in this zone"
        return str(draft.origin["timezone"]), Note(keys, Sure.LIKELY, why)
    if told.timezone:
        return told.timezone, Note(keys, Sure.LIKELY, "as --timezone says; of times in its files")
    if not any(reading.has_local_times for reading in draft.readings):
        why = "the shop's: its files hold days or times with an offset only"
        return shop["timezone"], Note(keys, Sure.LIKELY, why)
    known = shop["timezone"]
    lines = (f"timezone: {known}",) if known != FILL_IN else ()
    question = f"in which zone are the local times in the files of `{draft.name}`?"
    return FILL_IN, Note(keys, Sure.UNSURE, "its times carry no offset", lines, question)


def _currency_of_shop(draft: Draft, shop: dict[str, str], told: Told) -> tuple[str, Note]:
    keys = ("currency",)
    if told.currency:
        return told.currency, Note(keys, Sure.LIKELY, "as --currency says; its files name none")
    named = sorted({r.currency for r in draft.readings if r.currency})
    if not _needs_currency(draft) and not named:
        return shop["currency"], Note(keys, Sure.LIKELY, "the shop's: no amounts of its own")
    lines = tuple(f"currency: {name}" for name in named)
    why = "its files name several" if named else "its files name none"
    question = f"in which currency are the amounts of `{draft.name}`?"
    return FILL_IN, Note(keys, Sure.UNSURE, why, lines, question)

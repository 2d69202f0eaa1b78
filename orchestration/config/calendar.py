"""Section `calendar` of `shop.yml`: whose holidays and sales days act on which platform.

Belongs here: its keys, the country of a platform, the rows dbt reads. Does not belong here: the
dates of countries, which are seeds of dbt.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

if TYPE_CHECKING:
    from ingestion.mapping.sources import Source

_SEEDS = Path(__file__).resolve().parents[2] / "dbt_project" / "seeds"
NO_COUNTRY = "none"
# Their shops sell in one country, so its events are theirs though nothing says so.
_CHINESE = frozenset({"tmall", "taobao", "jd", "douyin", "pinduoduo", "kuaishou", "xiaohongshu"})
# Zones of one country; others, such as UTC or CET, say nothing.
_ZONES = {
    "AT": "Europe/Vienna",
    "AU": "Australia/Sydney Australia/Melbourne Australia/Brisbane Australia/Perth"
    " Australia/Adelaide Australia/Hobart Australia/Darwin",
    "BE": "Europe/Brussels",
    "BR": "America/Sao_Paulo America/Bahia America/Fortaleza America/Recife America/Manaus",
    "CA": "America/Toronto America/Vancouver America/Edmonton America/Winnipeg America/Halifax",
    "CH": "Europe/Zurich",
    "CN": "Asia/Shanghai Asia/Urumqi Asia/Chongqing Asia/Harbin PRC",
    "CZ": "Europe/Prague",
    "DE": "Europe/Berlin",
    "DK": "Europe/Copenhagen",
    "ES": "Europe/Madrid Atlantic/Canary",
    "FI": "Europe/Helsinki",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "HK": "Asia/Hong_Kong",
    "IE": "Europe/Dublin",
    "IN": "Asia/Kolkata Asia/Calcutta",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "KR": "Asia/Seoul",
    "MX": "America/Mexico_City America/Monterrey America/Tijuana",
    "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo",
    "NZ": "Pacific/Auckland",
    "PL": "Europe/Warsaw",
    "PT": "Europe/Lisbon",
    "SE": "Europe/Stockholm",
    "SG": "Asia/Singapore",
    "TW": "Asia/Taipei",
    "US": "America/New_York America/Chicago America/Denver America/Phoenix America/Los_Angeles"
    " America/Anchorage Pacific/Honolulu",
}
_COUNTRY_OF = {zone: country for country, zones in _ZONES.items() for zone in zones.split()}


@cache
def known_countries() -> frozenset[str]:
    """Countries that the seeds have events of."""
    return frozenset(row["country"] for row in seeded("holiday_calendar"))


@cache
def known_events() -> frozenset[str]:
    """Names of the events that the seeds have."""
    sales = {row["promo"] for row in seeded("promo_calendar")}
    return frozenset(sales | {row["holiday"] for row in seeded("holiday_calendar")})


@cache
def seeded(seed: str) -> list[dict[str, str]]:
    """Rows of a calendar of `dbt_project/seeds/`."""
    with (_SEEDS / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def country_of(zone: str) -> str | None:
    """The one country whose time a zone is, among those with known events."""
    return _COUNTRY_OF.get(zone)


def _country(value: Any) -> Any:
    """A country as written; YAML reads Norway's `NO` as false."""
    value = "NO" if value is False else value
    if value is not None and value not in known_countries() | {NO_COUNTRY}:
        known = ", ".join(sorted(known_countries()))
        raise ValueError(
            f"`{value}` is no country whose holidays are known; write one of {known}, or"
            f" `{NO_COUNTRY}` and name the days under `add`"
        )
    return value


Country = Annotated[str, BeforeValidator(_country)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Event(_Section):
    """An entry of `calendar.add`: days of one platform, or of all, that are not like others."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")]
    first_day: date
    last_day: date | None = None  # the first
    kind: Literal["sale", "holiday", "closed"]
    phase: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_]*$")] | None = None  # the kind
    platform: str | None = None  # all
    label: Annotated[str, Field(min_length=1)] | None = None  # as pages call it

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Event:
        if self.last_day and self.last_day < self.first_day:
            raise ValueError(f"{self.name} ends ({self.last_day}) before {self.first_day}")
        return self

    def row(self) -> dict[str, Any]:
        """As dbt reads it."""
        return {
            "name": self.name,
            "first_date": self.first_day,
            "last_date": self.last_day or self.first_day,
            "kind": self.kind,
            "phase": self.phase or ("peak" if self.kind == "sale" else self.kind),
            "platform": self.platform,
            "label": self.label or self.name.replace("_", " "),
        }


class Calendar(_Section):
    """Section `calendar`: the country whose events act, by platform where they differ.

    A platform that sells into several countries has the one of its main market; what matters of
    the others stands under `add`.
    """

    country: Country | None = None
    platforms: dict[str, Country] = {}
    add: tuple[Event, ...] = ()
    remove: tuple[str, ...] = ()

    @field_validator("remove")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        from ingestion.mapping.vocabulary import near

        for name in names:
            if name not in known_events():
                raise ValueError(
                    f"`{name}` is no known event; {near(name, sorted(known_events()))}"
                )
        return names

    @model_validator(mode="after")
    def _each_once(self) -> Calendar:
        seen: set[tuple[str, str, int, str | None]] = set()
        for event in self.add:
            row = event.row()
            key = (row["name"], row["phase"], event.first_day.year, event.platform)
            same = {key, (*key[:3], None)} if event.platform else {key}
            if seen & same or (not event.platform and any(k[:3] == key[:3] for k in seen)):
                raise ValueError(
                    f"add: {event.name} has phase {row['phase']} of {event.first_day.year} twice;"
                    " give them names or phases of their own"
                )
            seen.add(key)
        return self

    def countries(self, sources: Mapping[str, Source]) -> dict[str, str | None]:
        """The country of each platform; None where no country's events act.

        A marketplace that sells in China alone is in China unless `platforms` says otherwise. Where
        nothing is said it is the country whose time all files of the platform are in; `kpi doctor`
        says which.
        """
        zones: dict[str, set[str]] = {}
        for source in sources.values():
            zones.setdefault(source.platform, set()).add(source.timezone)
        found = {}
        for platform, of_files in zones.items():
            derived = {country_of(zone) for zone in of_files}
            said = self.platforms.get(platform) or ("CN" if platform in _CHINESE else self.country)
            said = said or (derived.pop() if len(derived) == 1 else None)
            found[platform] = None if said == NO_COUNTRY else said
        return found

    def unknown_platforms(self, sources: Mapping[str, Source]) -> list[str]:
        """Platforms the section names that no source is of."""
        named = {*self.platforms, *(event.platform for event in self.add if event.platform)}
        return sorted(named - {source.platform for source in sources.values()})

    def events(self) -> list[dict[str, Any]]:
        """What is added, and what is removed as events of kind `removed`, as dbt reads them."""
        nothing = {"first_date": None, "last_date": None, "platform": None, "label": None}
        return [event.row() for event in self.add] + [
            {"name": name, "kind": "removed", "phase": "removed", **nothing} for name in self.remove
        ]

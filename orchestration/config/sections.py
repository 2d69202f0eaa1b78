"""What the sections of `shop.yml` may say, its `sources` apart (`ingestion.mapping.sources`).

Belongs here: keys, their types and defaults. Does not belong here: reading the file, which
`settings.py` does.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shop(_Section):
    """Section `shop`: the company, its reporting currency and zone."""

    name: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    timezone: str
    week_start: Literal["monday", "sunday"] = "monday"
    languages: tuple[Literal["en", "zh"], ...] = ("en", "zh")

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"{zone!r} is not a zone of the IANA database, e.g. Asia/Shanghai")
        return zone


class Build(_Section):
    """Section `build`: how the marts are rebuilt."""

    # A full rebuild is exact by construction and fast enough up to about this many events.
    mode: Literal["auto", "full", "incremental"] = "auto"
    full_until_events: int = 15_000_000
    memory_limit: Annotated[str, Field(pattern=r"^\d+(MB|GB)$")] = "8GB"


class Alerts(_Section):
    """Section `alerts`: whom to tell, and from which impact on."""

    channels: tuple[str, ...] = ()  # apprise URLs, or env:NAME for a secret one
    min_impact_rate: Annotated[float, Field(ge=0, le=1)] = 0.005  # of daily GMV


_Days = Annotated[int, Field(ge=1)] | None


class Privacy(_Section):
    """Section `privacy`: the key of the pseudonyms, and how long what is kept; None: for good."""

    key: str = "file:data/state/pseudonym.key"  # file:PATH or env:NAME
    inbox: Literal["keep", "delete_after_landing"] = "keep"
    inbox_days: _Days = None  # landed files, counted from their landing
    quarantine_days: _Days = None  # what is told of bad rows, counted from their landing
    withdrawn_days: _Days = None  # rejected and superseded batches: no figure changes
    landing_days: _Days = None  # batches whose last business day is older: the marts lose it


class Publish(_Section):
    """Section `publish`: what readers see."""

    keep: Annotated[int, Field(ge=3)] = 3  # generations
    warn_hours: Annotated[int, Field(ge=1)] = 36  # pages call themselves stale after
    schedule: str = "0 6 * * *"  # cron, in the reporting zone


class ShopFile(_Section):
    """A whole `shop.yml`; `sources` stays raw here and is parsed by `ingestion.mapping.sources`."""

    shop: Shop
    sources: dict[str, Any]
    build: Build = Build()
    alerts: Alerts = Alerts()
    privacy: Privacy = Privacy()
    publish: Publish = Publish()

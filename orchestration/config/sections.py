"""What the sections of `shop.yml` may say, its `sources` apart (`ingestion.mapping.sources`).

Belongs here: keys, their types and defaults. Does not belong here: reading the file, which
`settings.py` does.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from orchestration.config.calendar import Calendar
from orchestration.config.costs import CostRate, cost_variables
from orchestration.config.machine import cores, free_disk_mib, memory_mib


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@cache
def _zones() -> set[str]:
    return available_timezones()


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
        if zone not in _zones():
            raise ValueError(f"{zone!r} is not a zone of the IANA database, e.g. Asia/Shanghai")
        return zone


class Funnel(_Section):
    """Part `funnel` of `metrics`: its steps are kinds of events, in order."""

    steps: Annotated[tuple[str, ...], Field(min_length=2)] = (
        *("home", "product_view", "add_to_cart", "checkout", "purchase"),
    )
    window_days: Annotated[float, Field(gt=0, le=90)] = 7  # from the first step to the last

    @field_validator("steps")
    @classmethod
    def _kinds_of_events(cls, steps: tuple[str, ...]) -> tuple[str, ...]:
        from ingestion.feeds import FEEDS
        from ingestion.mapping.vocabulary import near

        kinds = next(c.allowed for c in FEEDS["events"].given if c.name == "event_type")
        for step in steps:
            if step not in kinds:
                raise ValueError(f"`{step}` is no kind of event; {near(step, list(kinds))}")
            if steps.count(step) > 1:
                raise ValueError(f"`{step}` stands there twice; a step is one kind of event")
        return steps


class Attribution(_Section):
    """Part `attribution` of `metrics`: which visits before an order may be credited with it."""

    window_days: Annotated[int, Field(ge=1, le=365)] = 30
    half_life_days: Annotated[float, Field(gt=0)] = 7  # of model time_decay


class Sessions(_Section):
    """Part `sessions` of `metrics`: where one visit ends and the next begins."""

    gap_minutes: Annotated[int, Field(ge=1)] = 30
    cap_hours: Annotated[int, Field(ge=1, le=24)] = 24  # a session touches two days at most

    @model_validator(mode="after")
    def _gap_within_cap(self) -> Sessions:
        if self.gap_minutes > 60 * self.cap_hours:
            raise ValueError("gap_minutes is longer than cap_hours")
        return self


class Finance(_Section):
    """Part `finance` of `metrics`: when a month is closed, and when a payout is late."""

    close_day: Annotated[int, Field(ge=1, le=28)] = 5  # of the next month, itself included
    settlement_days: Annotated[int, Field(ge=1, le=180)] = 30  # from payment to payout


class Suppliers(_Section):
    """Part `suppliers` of `metrics`: what of a supplier weighs how much in its score."""

    quality_weight: Annotated[float, Field(ge=0)] = 40
    delivery_weight: Annotated[float, Field(ge=0)] = 40
    price_weight: Annotated[float, Field(ge=0)] = 20

    @model_validator(mode="after")
    def _something_weighs(self) -> Suppliers:
        if not self.quality_weight + self.delivery_weight + self.price_weight > 0:
            raise ValueError("one of the weights must be above 0")
        return self


class Metrics(_Section):
    """Section `metrics`: how figures are counted; a change builds every mart anew."""

    funnel: Funnel = Funnel()
    attribution: Attribution = Attribution()
    sessions: Sessions = Sessions()
    finance: Finance = Finance()
    suppliers: Suppliers = Suppliers()

    def variables(self) -> dict[str, Any]:
        """The values as dbt vars, named like `funnel_steps` and `session_gap_minutes`."""
        parts = {"funnel": self.funnel, "attribution": self.attribution, "session": self.sessions,
                 "finance": self.finance, "supplier": self.suppliers}  # fmt: skip
        return {
            f"{part}_{name}": value
            for part, section in parts.items()
            for name, value in section.model_dump(mode="json").items()
        }


_Kilograms = Annotated[float, Field(ge=0)]
_Carrier = Annotated[str, Field(pattern=r"^[^'\\]+$")]  # stands in SQL


class Footprint(_Section):
    """Section `footprint`: kg CO2e of a parcel, by factors that the shop knows; none is made up."""

    parcel: _Kilograms | None = None  # of a parcel on its way to the customer, packaging included
    carriers: dict[_Carrier, _Kilograms] = Field(
        default_factory=dict
    )  # of a carrier's, in its place
    returned: _Kilograms | None = None  # of goods on their way back

    def variables(self) -> dict[str, Any]:
        """The factors as dbt vars; None where the shop knows none."""
        return {
            "footprint_parcel": self.parcel,
            "footprint_carriers": [[name, kg] for name, kg in self.carriers.items()],
            "footprint_returned": self.returned,
        }


# Of reading one file: with less, a thread a core and what they hold free, no file can be read.
_LEAST_MIB = 1024
_Size = Annotated[str, Field(pattern=r"^\d+(MB|GB)$")] | None


class Spark(_Section):
    """Part `spark` of `build`: where Spark runs, and what one run of it may take."""

    master: str | None = None  # spark://host:7077; default: this machine, `threads` tasks at once
    thrift: Annotated[str, Field(pattern=r"^[^:]+:\d+$")] | None = None  # host:port, and no master
    folder: str | None = None  # that all nodes see under this name; default: data/build/spark
    driver_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")] | None = None  # default: half
    executor_memory: Annotated[str, Field(pattern=r"^\d+[mg]$")] = "2g"  # of each on a cluster
    shuffle_partitions: Annotated[int, Field(ge=1)] = 8
    conf: dict[str, str] = Field(default_factory=dict)  # more, as Spark names its settings


class Build(_Section):
    """Section `build`: how the marts are rebuilt."""

    target: Literal["duckdb", "spark"] = "duckdb"
    # A full rebuild is exact by construction and fast enough up to about this many events.
    mode: Literal["auto", "full", "incremental"] = "auto"
    full_until_events: int = 15_000_000
    spark: Spark = Spark()
    threads: Annotated[int, Field(ge=1)] | None = None  # default: all cores
    memory_limit: _Size = None  # default: half
    spill_limit: _Size = None  # what memory does not hold; default: at most half of the free disk
    file_memory: _Size = None  # of reading one file; default: a quarter, at least 1 GiB

    def limits(self, data: Path) -> dict[str, int | str]:
        """Threads, memory and disk of DuckDB, as its settings are named, for a data folder.

        Disk is rounded down to a power of two: dbt parses all again whenever its profile changes.
        """
        spill_mib = 1 << (max(free_disk_mib(data) // 2, 1).bit_length() - 1)
        return {
            "threads": self.threads or cores(),
            "memory_limit": self.memory_limit or f"{memory_mib() // 2}MiB",
            "max_temp_directory_size": self.spill_limit or f"{spill_mib}MiB",
        }

    def file_mib(self) -> int:
        """MiB of memory that reading one file may take."""
        if self.file_memory is None:
            return max(memory_mib() // 4, _LEAST_MIB)
        return int(self.file_memory[:-2]) * {"MB": 10**6, "GB": 10**9}[self.file_memory[-2:]] >> 20


class Route(_Section):
    """An entry of `routes`: who is told of what; * is anything."""

    metric: str = "*"
    platform: str = "*"
    segment: str = "*"  # or dimension:segment, as channel:paid_search
    severity: Literal["low", "medium", "high", "critical"] = "low"  # and what is graver
    channel: str | None = None  # as in `channels`, in whose place it is
    person: str | None = None  # named in the message as the owner

    @model_validator(mode="after")
    def _says_who(self) -> Route:
        if not (self.channel or self.person):
            raise ValueError("a route needs a channel or a person")
        return self


_HOUR = "([01][0-9]|2[0-3]):[0-5][0-9]"
_HOURS = f"^{_HOUR}-{_HOUR}$"


class Reports(_Section):
    """Part `reports` of `alerts`: where the letters of each day and of each closed week go."""

    daily: tuple[str, ...] = ()  # addresses as in `channels`
    weekly: tuple[str, ...] = ()

    def get(self, kind: str) -> list[str]:
        """The addresses of a kind, each once."""
        return list(dict.fromkeys(self.daily if kind == "daily" else self.weekly))


class Alerts(_Section):
    """Section `alerts`: whom to tell, and from which impact on."""

    channels: tuple[str, ...] = ()  # apprise URLs, or env:NAME for a secret one
    min_impact_rate: Annotated[float, Field(ge=0, le=1)] = 0.005  # of daily GMV
    routes: tuple[Route, ...] = ()
    reports: Reports = Reports()
    quiet_hours: Annotated[str, Field(pattern=_HOURS)] | None = None  # of the reporting zone
    max_a_day: Annotated[int, Field(ge=1)] = 20  # messages a channel; the rest in one digest

    @field_validator("quiet_hours")
    @classmethod
    def _not_the_whole_day(cls, hours: str | None) -> str | None:
        if hours and hours[:5] == hours[6:]:
            raise ValueError("they end when they begin; write as 22:00-07:00")
        return hours

    def addresses(self) -> list[str]:
        """All addresses that anything may go to, in order."""
        routed = (route.channel for route in self.routes if route.channel)
        reports = (*self.reports.daily, *self.reports.weekly)
        return list(dict.fromkeys([*self.channels, *routed, *reports]))


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
    site_url: Annotated[str, Field(pattern=r"^https?://[^\s#?]+$")] | None = None  # of the pages


class History(_Section):
    """Section `history`: how long what tells of runs is kept; no figure depends on it."""

    runs: Annotated[int, Field(ge=1)] = 30  # that the UI shows, some 8 MB each
    log_days: Annotated[int, Field(ge=1)] = 90  # traces of errors
    message_days: Annotated[int, Field(ge=1)] = 400  # files of the outbox


# What a rule may say of a source, medium or domain: no character of SQL, nor of a pattern but *.
_Word = Annotated[str, Field(pattern=r"^[^'^\"\\{}]*$")]


class ChannelRule(_Section):
    """A rule of `channels`: what visits of a source and medium come by; * is any text."""

    source: _Word = "*"
    medium: _Word = "*"
    channel: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Channels(_Section):
    """Section `channels`: what published rules cannot know of where a shop's visits come from."""

    own_domains: tuple[_Word, ...] = ()  # with their subdomains; never a channel
    rules: tuple[ChannelRule, ...] = ()  # tried in this order, before all others

    def variables(self) -> dict[str, Any]:
        """The values as dbt vars, patterns as regular expressions in lower case."""
        return {
            "channel_own_domains": [f"(.*[.])?{_pattern(name)}" for name in self.own_domains],
            "channel_rules": [
                [_pattern(rule.source), _pattern(rule.medium), rule.channel] for rule in self.rules
            ],
        }


def _pattern(text: str) -> str:
    """A regular expression, without backslashes, of a text in which * is any text."""
    special = "".join(f"[{c}]" if c in ".+?|()[$" else c for c in text.strip().lower())
    return special.replace("*", ".*")


class ShopFile(_Section):
    """A whole `shop.yml`; `sources` stays raw here and is parsed by `ingestion.mapping.sources`."""

    shop: Shop
    sources: dict[str, Any]
    ignore: tuple[str, ...] = ()  # patterns below the inbox of files that are not wanted
    metrics: Metrics = Metrics()
    channels: Channels = Channels()
    footprint: Footprint = Footprint()
    costs: tuple[CostRate, ...] = ()
    calendar: Calendar = Calendar()
    build: Build = Build()
    alerts: Alerts = Alerts()
    privacy: Privacy = Privacy()
    publish: Publish = Publish()
    history: History = History()

    @field_validator("costs")
    @classmethod
    def _each_once(cls, costs: tuple[CostRate, ...]) -> tuple[CostRate, ...]:
        cost_variables(costs)
        return costs

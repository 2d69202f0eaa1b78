"""The `sources:` section of shop.yml: which files come from where, read how.

Belongs here: sources, file specifications, the fingerprint of a mapping. Does not belong here:
formats and where they come from (`formats.py`), files of a shop, the other sections of shop.yml.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from ingestion.errors import MappingError
from ingestion.feeds import FEEDS
from ingestion.mapping.formats import validated, written
from ingestion.mapping.spec import Format
from ingestion.mapping.vocabulary import Strict, ZoneName, check_pattern, near

# Raise when the meaning of a mapping changes, above all a default: files are then landed anew under
# new batches.
SEMANTICS = 2
COMPANY = "company"  # platform and shop of what belongs to none
_NAME = re.compile(r"[a-z0-9_-]+")
_DAILY = dict.fromkeys(("orders", "order_items", "events", "traffic_daily", "campaign_spend"), True)


class FileSpec(Strict):
    """Files of a source that are read in one way.

    Attributes:
        path: glob below the inbox, such as `tmall/refunds_*.csv`.
        format: the resolved format.
        delivery: `delta`, or `snapshot:<column>`: a file holds every row of its periods, those of
            an instant or day being all days from its first to its last. Default: the format's.
        on_bad_rows: set bad rows aside, or refuse the whole file.
        max_bad_share: share of bad rows (0-1) above which the file is refused.
        lookup: written beside the format, it becomes part of it; see `rules.Lookup`.
        daily: whether a day without rows is a gap; by default so for sales, traffic and spend.
    """

    path: str
    format: Format
    delivery: str = "delta"
    on_bad_rows: Literal["quarantine", "reject_file"] = "quarantine"
    max_bad_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    daily: bool | None = None

    @model_validator(mode="after")
    def _sound(self) -> FileSpec:
        check_pattern(self.path)
        if self.delivery != "delta":
            self._check_snapshot()
        return self

    def _check_snapshot(self) -> None:
        word, _, column = self.delivery.partition(":")
        if word != "snapshot" or not column:
            raise ValueError(f"delivery `{self.delivery}` must be delta or snapshot:<column>")
        feeds = self.format.feeds
        has_orders = "orders" in feeds and column in FEEDS["orders"].columns
        for feed in feeds:
            is_of_order = has_orders and "order_id" in FEEDS[feed].columns
            if column not in FEEDS[feed].columns and not is_of_order:
                raise ValueError(
                    f"delivery names column `{column}`; feed {feed}: "
                    f"{near(column, list(FEEDS[feed].columns))}"
                )

    @property
    def format_name(self) -> str:
        """Name of the format; `inline` for one written in shop.yml."""
        return self.format.name

    @property
    def snapshot_column(self) -> str | None:
        """Canonical column whose value or day is the replaced period, or None for a delta."""
        return None if self.delivery == "delta" else self.delivery.partition(":")[2].strip()


class Source(Strict):
    """One stream of files of one shop.

    Attributes:
        name: key under `sources:`; part of every row's identity.
        platform: where it was sold, such as tmall or shopify; needed unless its feeds are of the
            company as a whole.
        shop_id: which shop there; likewise.
        timezone: zone of the local times in its files.
        currency: of amounts whose file names none.
        customer_namespace: sources with the same one share customers; default: the source.
        keep: columns no format maps, landed as text (delimited files only).
        until: the last day it delivers, of a source that has been given up; none is expected later.
        files: how its files are read.
    """

    name: str
    platform: Annotated[str, Field(min_length=1)] = COMPANY
    shop_id: Annotated[str, Field(min_length=1)] = COMPANY
    timezone: ZoneName
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    customer_namespace: str = ""
    keep: tuple[str, ...] = ()
    until: date | None = None
    files: Annotated[tuple[FileSpec, ...], Field(min_length=1)]
    _identity: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _says_where_it_sells(self) -> Source:
        for name in ("platform", "shop_id"):
            if name in self.model_fields_set:
                continue
            for spec in self.files:
                for feed, mapped in spec.format.feeds.items():
                    told = {*mapped.constants, *mapped.derive}
                    told |= {c for c, of in mapped.columns.items()
                             if of not in spec.format.read.optional}  # fmt: skip
                    if name in FEEDS[feed].columns and name not in told:
                        raise ValueError(
                            f"`{name}` is missing: rows of feed {feed} ({spec.path}) are of a"
                            " shop; only what is of the whole company goes without"
                        )
        return self

    @model_validator(mode="after")
    def _keeps_nothing_personal(self) -> Source:
        for spec in self.files:
            for column in self.keep:
                if column in spec.format.hidden:
                    raise ValueError(
                        f"keep names `{column}`, which is personal: it is landed only as a"
                        " pseudonym, through a personal column of a feed"
                    )
        return self

    @model_validator(mode="after")
    def _is_delivered_in_one_way(self) -> Source:
        # Of others, such as totals of several grains, some may come whole and some in parts.
        for feed in (name for name in self.feeds() if "order_id" in FEEDS[name].columns):
            ways = {spec.delivery for spec in self.files if feed in spec.format.feeds}
            if len(ways) > 1:
                raise ValueError(
                    f"files of feed {feed} are delivered as {' and as '.join(sorted(ways))}: a"
                    " snapshot withdraws only what came in one; say the same for all, or make two"
                    " sources of them"
                )
        return self

    @property
    def identity(self) -> str:
        """The name it was first landed under, of which batches and pseudonyms are made."""
        return self._identity or self.name

    def known_as(self, identity: str) -> Source:
        """Return the source under the name that it was first landed under."""
        source = self.model_copy()
        source._identity = identity
        return source

    @property
    def namespace(self) -> str:
        """Namespace of its customers' pseudonyms."""
        return self.customer_namespace or self.identity

    def is_expected_daily(self, feed: str) -> bool:
        """Whether a day without rows of this feed is a gap rather than a quiet day."""
        return any(
            _DAILY.get(feed, False) if spec.daily is None else spec.daily
            for spec in self.files
            if feed in spec.format.feeds
        )

    def feeds(self) -> list[str]:
        """Feeds its files fill, each once."""
        return list(dict.fromkeys(feed for spec in self.files for feed in spec.format.feeds))


def parse_sources(raw: Mapping[str, Any]) -> dict[str, Source]:
    """Read the `sources:` section of shop.yml.

    Args:
        raw: source name -> its settings, as YAML gives them.

    Returns:
        The sources in the order of the file, formats resolved and overridden.

    Raises:
        MappingError: naming the key path, what is wrong there and what to do.
    """
    if not isinstance(raw, Mapping) or not raw:
        raise MappingError(
            "there are no sources", "shop.yml sources", do_this="Add one; see shop.example.yml."
        )
    return {str(name): _source(str(name), settings) for name, settings in raw.items()}


def plain_name(text: str, fallback: str) -> str:
    """Return a name that a source may have; the fallback where letters would be lost."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    if any(c.isalnum() and not c.isascii() for c in bare):
        return fallback
    return re.sub(r"[^a-z0-9-]+", "_", bare).strip("_-") or fallback


def _source(name: str, settings: Any) -> Source:
    where = f"shop.yml sources.{name}"
    if not _NAME.fullmatch(name):
        plain = plain_name(name, "source_1")
        raise MappingError(
            "a source's name is made of a-z, 0-9, _ and -",
            where,
            do_this=f"Call it for instance `{plain}`; if it has landed before, `kpi rename-source"
            f" '{name}' {plain}` then keeps what it is.",
        )
    if not isinstance(settings, Mapping):
        raise MappingError("is not a mapping", where, do_this="Write keys below it, indented.")
    files = settings.get("files")
    if not isinstance(files, list):
        raise MappingError("has no list `files`", where, do_this="Say which files it delivers.")
    currency = str(settings.get("currency", ""))
    resolved = [
        _resolve(item, currency, f"{where}.files[{number}]") for number, item in enumerate(files)
    ]
    return validated(Source, {**settings, "name": name, "files": resolved}, where)


def _resolve(item: Any, currency: str, where: str) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        raise MappingError("is not a mapping", where, do_this="Give at least path and format.")
    settings = dict(item)
    overrides = settings.pop("overrides", {}) or {}
    form = settings.get("format")
    if form is None:
        raise MappingError("`format` is missing", where, do_this="Name one or write its keys.")
    settings["format"] = written(form, overrides, currency, f"{where}.format")
    lookup = settings.pop("lookup", None)
    if lookup is not None:
        settings["format"]["lookup"] = lookup if isinstance(lookup, list) else [lookup]
    if "delivery" in settings["format"]:
        settings.setdefault("delivery", settings["format"]["delivery"])
    return settings


def fingerprint(source: Source, spec: FileSpec, back: int = 0) -> str:
    """Return the sha256 (hex) of everything in a mapping that decides what is landed.

    Args:
        source: whose files they are.
        spec: how they are read.
        back: as it was so many changes of `SEMANTICS` before.
    """
    # What is unset is left out: a word the vocabulary gains must not land every file anew.
    form = spec.format.model_dump(
        mode="json",
        by_alias=True,
        exclude={"description", "name", "notes"},
        exclude_unset=True,
    )
    settings = source.model_dump(
        mode="json", exclude={"files", "name", "customer_namespace", "until"}
    )
    content = [SEMANTICS - back, form, settings, source.namespace, spec.delivery, spec.on_bad_rows]
    if spec.snapshot_column is not None:
        within = [FEEDS[feed].snapshot_within for feed in spec.format.feeds]
        content += [columns for columns in within if columns]
    # Key order is kept: derived columns are worked out from top to bottom.
    text = json.dumps([*content, spec.max_bad_share], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

"""`kpi doctor`: is the configuration sound, what would be read, what is in the way.

Belongs here: looking and telling. Nothing is landed and no key is made.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.build import warehouse
from orchestration.cli.console import console
from orchestration.cli.untold import crowded_customers, other_visits, referrers
from orchestration.config import settings
from orchestration.config.settings import Settings
from orchestration.errors import ExitCode, KpiError
from orchestration.ledger.identity import InboxFile, identify
from orchestration.ledger.state import State
from orchestration.trouble import troubles

if TYPE_CHECKING:
    from ingestion.mapping.sources import FileSpec

_SHOWN = 20


@dataclass(frozen=True)
class Delivery:
    """The files that one entry of shop.yml reads.

    Attributes:
        rows: of the files known to the ledger, and about those of the new ones; None where a
            guess would need reading them.
    """

    source: str
    path: str
    format: str
    feeds: tuple[str, ...]
    files: int
    new: int
    refused: int
    megabytes: float
    first: str
    last: str
    rows: int | None


def check_up() -> None:
    """Check what a run needs, one line each.

    Raises:
        KpiError: something that would stop a run, or files that nothing reads.
    """
    configured = settings.load()
    configured.paths.make()
    problems = [str(one).replace("\n ", ";") for one in troubles(configured)]
    counted = configured.file.metrics.variables()
    console.out(f"config      {configured.config_file}: {configured.shop.name},"
                f" {configured.shop.currency}, {configured.shop.timezone}")  # fmt: skip
    deliveries = _deliveries(configured)
    for name, value in counted.items():
        told = " > ".join(value) if isinstance(value, list) else value
        console.out(f"metrics     {name.replace('_', ' ')}: {told}")
    countries = configured.file.calendar.countries(configured.sources)
    for platform, country in countries.items():
        told = f"holidays and sales days of {country}" if country else "no country's events act"
        console.out(f"calendar    {platform}: {told}")
    _print_sources(configured, deliveries, problems)
    _print_deliveries(deliveries)
    _print_lookups(configured, problems)
    unread = _unread(configured)
    _print_unread(unread, problems)
    _check_stores(configured, problems)
    _check_key(configured, problems)
    free = _print_machine(configured)
    others, tagged = other_visits(configured.paths.good_build)
    if tagged:
        told = ", ".join(f"{tag} {count:,}" for tag, count in tagged)
        console.out(f"other       {others:,} visits have no channel but other: {told}")
        console.out("            rules of your own go into section channels of shop.yml")
    sites = referrers(configured.paths.good_build)
    if sites:
        told = ", ".join(f"{host} {count:,}" for host, count in sites)
        console.out(f"referrers   most visits came from {told}")
        console.out(f"            if one is the shop's own, such as {sites[0][0]}, add to shop.yml:"
                    f" channels: {{own_domains: [{sites[0][0]}]}}")  # fmt: skip
    for problem in problems:
        console.out(f"problem     {problem}")
    files: dict[str, int] = dict.fromkeys(configured.sources, 0)
    for one in deliveries:
        files[one.source] += one.files
    console.document(
        {
            "problems": problems,
            "files": files,
            "deliveries": [asdict(one) for one in deliveries],
            "not_read": [{"path": path, "nearest": near} for path, near in unread],
            "free_gb": free,
            "metrics": counted,
            "calendar": countries,
            "channel_other": {"sessions": others, "tagged": dict(tagged)},
            "referrers": dict(sites),
        }
    )
    if problems:
        many = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        raise KpiError(many, "doctor", "See the lines above.", ExitCode.CONFIG)


def _deliveries(configured: Settings) -> list[Delivery]:
    """What would be read, one line an entry of `files:`, against the ledger."""
    grouped: dict[tuple[str, int], list[InboxFile]] = defaultdict(list)
    for item in identify(configured, _ledger(configured)):
        grouped[item.match.source, id(item.match.files)].append(item)
    return [
        _delivery(name, files, grouped[name, id(files)])
        for name, source in configured.sources.items()
        for files in source.files
    ]


def _delivery(source: str, files: FileSpec, items: list[InboxFile]) -> Delivery:
    new = [item.path for item in items if item.is_new]
    told = [item.record for item in items if item.record is not None and not item.is_new]
    guess = _expected_rows(new, files.format.read.kind)
    return Delivery(
        source=source,
        path=files.path,
        format=files.format_name,
        feeds=tuple(files.format.feeds),
        files=len(items),
        new=len(new),
        refused=sum(record["status"] == "refused" for record in told),
        megabytes=round(sum(item.path.stat().st_size for item in items) / 1e6, 1),
        first=items[0].name if items else "",
        last=items[-1].name if items else "",
        rows=None if guess is None else guess + sum(record["rows_read"] for record in told),
    )


def _ledger(configured: Settings) -> State | None:
    """The ledger if there is one; nothing is created."""
    folder = configured.paths.state
    return State(folder) if (folder / "state.sqlite").exists() else None


def _expected_rows(paths: list[Path], kind: str) -> int | None:
    """About how many rows files hold, from their size and the first one's lines; None if packed."""
    from ingestion.reading.kinds import kind_of

    if not paths:
        return 0
    if kind == "parquet":
        return _parquet_rows(paths)
    if kind not in ("csv", "jsonl") or kind_of(paths[0]) != "plain":
        return None
    with paths[0].open("rb") as file:
        head = file.read(1 << 18)
    if not head.count(b"\n"):
        return None
    size = sum(path.stat().st_size for path in paths)
    return max(round(size / (len(head) / head.count(b"\n"))) - len(paths), 0)


def _parquet_rows(paths: list[Path]) -> int | None:
    import polars as pl

    try:
        return sum(
            int(pl.scan_parquet(p, glob=False).select(pl.len()).collect().item()) for p in paths
        )
    except (pl.exceptions.PolarsError, OSError):
        return None


def _print_sources(configured: Settings, deliveries: list[Delivery], problems: list[str]) -> None:
    rated = any("fx_rates" in source.feeds() for source in configured.sources.values())
    for name, source in configured.sources.items():
        console.out(
            f"source      {name}: {source.platform}, {source.currency}, {source.timezone},"
            f" {', '.join(sorted(source.feeds()))}"
        )
        if source.currency != configured.shop.currency and not rated:
            console.out(
                f"note        amounts of {name} are in {source.currency}, the pages in"
                f" {configured.shop.currency}: without rates (feed fx_rates) they are set aside"
            )
        if source.until:
            console.out(
                f"note        {name} delivers until {source.until}: nothing is missed later"
            )
        elif not any(one.files for one in deliveries if one.source == name):
            problems.append(f"no file of source {name} in {configured.paths.inbox}")


def _print_deliveries(deliveries: list[Delivery]) -> None:
    rows = [
        (
            one.path,
            f"{one.format} ({' + '.join(one.feeds)})",
            one.files,
            one.new,
            one.refused or "",
            f"{one.megabytes:,.1f}",
            "" if one.rows is None else f"{one.rows:,}",
            one.first.rpartition("/")[2] if one.first == one.last else
            f"{one.first.rpartition('/')[2]} .. {one.last.rpartition('/')[2]}",
        )
        for one in deliveries
    ]  # fmt: skip
    console.table(["path", "read as", "files", "new", "refused", "MB", "~rows", "which"], rows)


def _print_lookups(configured: Settings, problems: list[str]) -> None:
    """What second files say, one line a lookup."""
    from orchestration.ledger.lookups import load_tables

    for table in load_tables(configured, _ledger(configured)).all:
        lookup = table.lookup
        console.out(
            f"lookup      {lookup.path}: {len(table.files)} files, {table.rows.height:,} values of"
            f" `{lookup.key_there}`, for {', '.join(lookup.brought)}"
        )
        if len(table.several):
            console.out(
                f"note        {len(table.several):,} of them stand there with several values: none"
                " is taken; say with `filter` of the lookup which rows count"
            )
        if not table.files:
            problems.append(f"no file {lookup.path} in the inbox, which a lookup names")
        problems.extend(file.message for file in table.files if file.message)


def _unread(configured: Settings) -> list[tuple[str, str]]:
    """Files of the inbox that no source reads, with the format that would fit."""
    from ingestion.errors import FileRejected
    from ingestion.landing.deliveries import unmatched_files
    from ingestion.reading.apart import apart
    from ingestion.recognise import nearest_format

    inbox = configured.paths.inbox
    found = unmatched_files(inbox, configured.sources, configured.file.ignore)
    near = dict.fromkeys(found, "")
    with apart(nearest_format, configured.file.build.file_mib()) as look:
        for path in found[:_SHOWN]:
            try:
                near[path] = look(path, path)
            except FileRejected as error:
                near[path] = f"none: it {error.what}"
    return [(path.relative_to(inbox).as_posix(), fits) for path, fits in near.items()]


def _print_unread(unread: list[tuple[str, str]], problems: list[str]) -> None:
    for path, near in unread[:_SHOWN]:
        console.out(f"not read    {path}: {near or 'no shipped format is like it'}")
    if len(unread) > _SHOWN:
        console.out(f"not read    and {len(unread) - _SHOWN} more")
    if unread:
        many = "1 file is" if len(unread) == 1 else f"{len(unread)} files are"
        problems.append(
            f"{many} read by no source: add a path, `kpi init --from` the inbox,"
            " or name them under `ignore:`"
        )


def _check_stores(configured: Settings, problems: list[str]) -> None:
    """What no run can read or trust: misnamed files, sources that are gone, customers of many."""
    from ingestion.landing.deliveries import misnamed_files

    for name in (misnamed := misnamed_files(configured.paths.inbox))[:_SHOWN]:
        console.out(f"misnamed    {name}: its name is not UTF-8; rename it")
    if misnamed:
        problems.append(f"{len(misnamed)} file names are not UTF-8: no source reads such files")
    ledger = _ledger(configured)
    files = ledger.files() if ledger else []
    gone = {file["source"] for file in files if file["status"] == "landed"}
    for name in sorted(gone - configured.sources.keys()):
        console.out(f"note        rows of {name} count still, which shop.yml has no more: `kpi"
                    " rename-source` if it is called otherwise now, `kpi reject` if it is not"
                    " wanted")  # fmt: skip
    for one in crowded_customers(configured.paths.good_build):
        console.out(
            f"warning     one customer of {one.source} has {one.orders:,} of {one.of:,} orders"
            f" ({one.orders / one.of:.0%}), such as {one.examples}: a placeholder such as guest?"
            " Leave it out in `derive`, or customers are counted wrong"
        )


def _check_key(configured: Settings, problems: list[str]) -> None:
    """The key of the pseudonyms: there, or made on the first run, and nobody else's to read."""
    kind, _, value = configured.file.privacy.key.partition(":")
    if kind == "env":
        state = "set" if os.environ.get(value) else "not set"
        console.out(f"key         environment variable {value}: {state}")
        if state == "not set":
            problems.append(f"the environment variable {value} (privacy.key) is not set")
        return
    path = configured.paths.home / value
    if not path.exists():
        console.out(f"key         {path}: made on the first run")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    console.out(f"key         {path}: mode {mode:04o}")
    if mode & 0o077:
        problems.append(f"others can read the key of the pseudonyms: chmod 600 {path}")


def _print_machine(configured: Settings) -> float:
    free = round(shutil.disk_usage(configured.paths.data).free / 1e9, 1)
    console.out(f"disk        {free:.1f} GB free in {configured.paths.data}")
    chromium = shutil.which("chromium")
    console.out(f"chromium    {chromium or 'not found: only the browser tests need it'}")
    console.out(
        f"channels    {len(configured.alert_channels())} (messages always go to the outbox)"
    )
    published = warehouse.current_generation(configured.paths)
    console.out(f"published   {published or 'nothing yet'}")
    return free

"""The demo's files of operations land as its shop.yml reads them, and no row is lost."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
import yaml

from ingestion.landing.account import LandedFile
from ingestion.landing.deliveries import match_files, unmatched_files
from ingestion.mapping.sources import Source, parse_sources
from simulator.plan_operations import DAILY, STREAMS
from tests.support.exports import land_at
from tests.support.simulated import files

EXAMPLE = Path(__file__).parents[2] / "shop.example.yml"


@pytest.fixture(scope="module")
def sources() -> dict[str, Source]:
    return parse_sources(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["sources"])


@pytest.fixture(scope="module")
def landed(
    demo: Path, sources: dict[str, Source], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[LandedFile]]:
    """The first and the last file of each stream, landed."""
    inbox, folder = demo / "inbox", tmp_path_factory.mktemp("landed")
    wanted: set[Path] = set()
    for source, stream, _ in STREAMS:
        found = files(demo, f"{source}/{stream}")
        wanted |= {found[0], found[-1]}
    accounts = [
        land_at(folder, match.path, sources[match.source], match.files, "CNY", inbox)
        for match in match_files(inbox, sources)
        if match.path in wanted
    ]
    assert len(accounts) == len(wanted)
    return folder / "landing", accounts


def test_every_file_has_a_source(demo: Path, sources: dict[str, Source]) -> None:
    assert unmatched_files(demo / "inbox", sources) == []


def test_every_row_lands(demo: Path, landed: tuple[Path, list[LandedFile]]) -> None:
    assert {feed for account in landed[1] for feed in account.feeds} == {s for _, s, _ in STREAMS}
    for account in landed[1]:
        rows = (demo / "inbox" / account.source_file).read_bytes().count(b"\n") - 1
        assert account.rows_read == account.rows_landed == rows, account.source_file
        assert account.unknown_columns == ()
        assert account.troubles == ()


def test_landed_pieces_are_those_of_the_files(
    demo: Path, landed: tuple[Path, list[LandedFile]]
) -> None:
    first, *_, last = files(demo, "erp/inventory_snapshots")
    told = pl.concat([pl.read_csv(path) for path in (first, last)])
    stock = pl.read_parquet(landed[0] / "inventory_snapshots/*/*.parquet")
    assert stock["on_hand"].sum() == told["on_hand"].sum() > 0
    assert len(stock) == len(told)


def test_members_are_known_by_the_same_pseudonym_everywhere(
    landed: tuple[Path, list[LandedFile]],
) -> None:
    members = pl.read_parquet(landed[0] / "customers/*/*.parquet")
    coupons = pl.read_parquet(landed[0] / "coupon_redemptions/*/*.parquet")
    history = pl.col("_source_file").str.contains("-")  # the weeks between are not landed here
    mine = coupons.filter(pl.col("source") == "shopify", history)
    known = mine.join(members, on=["source", "customer_key"], how="semi")
    assert len(known) == len(mine) > 100


def test_only_what_comes_daily_is_missed_after_a_day(sources: dict[str, Source]) -> None:
    for folder, stream, rhythm in STREAMS:
        assert sources[folder].is_expected_daily(stream) == (rhythm == DAILY), (folder, stream)

"""The simulated company: an autumn with 11.11, and fifteen months at full scale."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.support import simulated

CHANNELS = {
    ("google", "organic"): "organic_search",
    ("google", "cpc"): "paid_search",
    ("facebook", "paid_social"): "paid_social",
    ("instagram", "paid_social"): "paid_social",
    ("newsletter", "email"): "email",
    ("tiktok", "social"): "social",
    ("(direct)", "(none)"): "direct",
    ("partner.example", "referral"): "referral",
    ("leaflet", "qr"): "other",
}


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated.autumn(tmp_path_factory)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated.long_shop(tmp_path_factory)


@pytest.fixture(scope="session")
def lines(shop: Path) -> dict[str, pl.DataFrame]:
    """Order lines of the long shop by platform."""
    return {"shopify": simulated.site_lines(shop), "tmall": simulated.tmall_lines(shop)}


@pytest.fixture(scope="session")
def sessions(shop: Path) -> pl.DataFrame:
    """Sessions of the long shop's site with their channel."""
    pair = pl.concat_str("source", "medium", separator=" ")
    names = {" ".join(key): name for key, name in CHANNELS.items()}
    return simulated.sessions(shop).with_columns(channel=pair.replace_strict(names))


@pytest.fixture(scope="session")
def incidents(shop: Path) -> pl.DataFrame:
    return simulated.truth(shop, "incidents")

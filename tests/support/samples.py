"""The samples of the shipped formats, and landing them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ingestion.landing.land import LandedFile
from tests.support.exports import Shop

SAMPLES = Path(__file__).parents[1] / "data" / "formats"
# 02:00 in Shanghai on 1 June 2026: after all that the samples tell of.
STAMP = "20260601020000"


def sample(form: str) -> Path:
    """The one sample of a format."""
    (path,) = SAMPLES.glob(f"{form}.*")
    return path


def named(form: str) -> str:
    """The name a sample is delivered under: with the instant it was exported."""
    return f"{form}_{STAMP}{''.join(sample(form).suffixes)}"


def land_sample(root: Path, form: str, **settings: Any) -> tuple[Shop, LandedFile]:
    """Deliver the sample of a format to a shop in Shanghai and land it.

    Args:
        root: folder of the shop.
        form: name of the format.
        settings: of the file in shop.yml, such as overrides.
    """
    home = Shop(root, form, settings=settings)
    return home, home.land(sample(form).read_bytes(), named(form))


def rows(home: Shop, landed: LandedFile, feed: str, *columns: str) -> list[tuple[Any, ...]]:
    """Columns of what was landed in a feed, as tuples."""
    return home.rows(landed, feed).select(columns).rows()

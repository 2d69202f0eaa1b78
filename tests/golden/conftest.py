"""The golden shop built once a session for all tests that only read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.golden.shop import build
from tests.support.once import once


@pytest.fixture(scope="session")
def golden_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build file with every table of the golden shop, all dbt tests passed. Do not change it."""
    return once(tmp_path_factory, "golden_build", build) / "working.duckdb"

"""The pages of the invented company, built once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import shop


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site; read only."""
    from dashboards.site import build_site

    out = tmp_path_factory.mktemp("built")
    build_site(shop.frames(), shop.info(), out)
    return out

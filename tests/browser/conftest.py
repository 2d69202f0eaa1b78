"""One browser and one page for all tests of the site; skipped with a reason without chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, sync_playwright

from dashboards.site import build_site
from tests.browser import shop

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run", "--disable-quic",
]  # fmt: skip
NOW = "2026-11-22T02:00:00Z"  # ten hours after the last day ended in Shanghai


@dataclass
class Visit:
    """The page of the session and what it complained about since the last look."""

    page: Page
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def go(self, path: Path, state: str = "lang=en&theme=light", width: int = 1440) -> Page:
        self.page.goto("about:blank")
        self.errors.clear()
        self.requests.clear()
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.goto(f"file://{path}#{state}", wait_until="domcontentloaded")
        return self.page

    def drawn(self, path: Path, state: str = "lang=en&theme=light", width: int = 1440) -> Page:
        """Opens a page and waits until every figure that is visible has been drawn."""
        page = self.go(path, state, width)
        page.wait_for_load_state("load")  # the script that draws is inserted before it
        page.evaluate("kpi.drawAll()")
        return page


@pytest.fixture(scope="session")
def visit() -> Iterator[Visit]:
    if not CHROMIUM.exists():
        pytest.skip(f"needs Debian's chromium at {CHROMIUM} (apt-get install chromium)")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        page = browser.new_page()
        page.clock.set_fixed_time(NOW)
        seen = Visit(page)
        page.on("pageerror", lambda error: seen.errors.append(str(error)))

        def on_console(message: object) -> None:
            if getattr(message, "type", "") == "error":
                seen.errors.append(getattr(message, "text", ""))

        def on_request(request: Request) -> None:
            seen.requests.append(request.url)

        page.on("console", on_console)
        page.on("request", on_request)
        yield seen
        browser.close()


def _site(factory: pytest.TempPathFactory, name: str, frames: dict, **info: object) -> Path:
    out = factory.mktemp(name)
    build_site(frames, shop.info(**info), out)
    return out


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _site(tmp_path_factory, "full", shop.frames())


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory, site: Path) -> dict[str, Path]:
    """Sites by what their warehouse holds."""
    only = {"configured_feeds": {"orders"}}
    return {
        "full": site,
        "hostile": _site(tmp_path_factory, "hostile", shop.hostile(), shop_name=shop.HOSTILE),
        "no traffic": _site(tmp_path_factory, "orders", shop.without_traffic(60), **only),
        "one day": _site(tmp_path_factory, "one", shop.frames(1)),
        "empty": _site(tmp_path_factory, "none", {}, **only),
    }


@pytest.fixture
def copied(site: Path, tmp_path: Path) -> Path:
    """A copy of the full site that a test may damage."""
    return Path(shutil.copytree(site, tmp_path / "site"))

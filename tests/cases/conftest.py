"""Runs that several modules read: each case is a source of its own."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cases import money, test_campaigns, test_money, test_persons, test_several_names
from tests.support import shop
from tests.support.once import once


def _run_once(home: Path) -> None:
    cases: dict[str, dict[str, Any]] = {}
    for module in (test_money, test_persons, test_several_names):
        assert not cases.keys() & module.CASES.keys()
        cases |= module.CASES
    settings = {
        "shop": {"name": "Money", "currency": "EUR", "timezone": money.ZONE, "languages": ["en"]},
        "sources": money.deliver(shop.new_home(home), cases),
        "alerts": {"channels": []},
    }
    (home / "shop.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    shop.run(home, date(2026, 3, 31))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All cases of money, persons and names in one run. Do not change it."""
    return once(tmp_path_factory, "cases", _run_once)


def _run_twice(home: Path) -> None:
    settings = test_campaigns.settings()
    settings["sources"] |= money.deliver(shop.new_home(home), test_persons.IN_TWO_RUNS)
    settings["build"] = {"mode": "incremental"}
    (home / "shop.yml").write_text(yaml.safe_dump(settings, sort_keys=False))
    day = date.fromisoformat(test_campaigns.AS_OF)
    put(home, test_campaigns.FILES)
    shop.run(home, day)
    [events] = home.glob("data/inbox/late/events_*.csv")
    events.write_text(test_persons.LATE + "\n")
    put(home, test_campaigns.LATE)
    shop.run(home, day)
    assert len(shop.generations(home)) == 2


def put(home: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = home / "data/inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture(scope="session")
def late_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Campaigns, and a person, run on what came first and again on what came late.

    Both generations are kept. Do not change it.
    """
    return once(tmp_path_factory, "late", _run_twice)

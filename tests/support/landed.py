"""A small shop from its files to its marts: landing and ledger as a run has them, then dbt.

Belongs here: what a test of a few files needs. Does not belong here: the audit, pages and alerts of
a whole run.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import yaml

from orchestration.build.dbt import variables
from orchestration.build.raw import create_raw
from orchestration.config.sections import ShopFile
from orchestration.config.settings import Paths, Settings
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.state import State
from tests.support.raw import build_all


def built(root: Path, shop: str, files: Mapping[str, str]) -> Path:
    """Build file of a shop, every dbt test passed.

    Args:
        root: an empty folder.
        shop: text of `shop.yml`.
        files: name below the inbox -> text.

    Raises:
        AssertionError: a file did not land whole, or a model or test of dbt failed.
    """
    root.mkdir(parents=True, exist_ok=True)
    (root / "shop.yml").write_text(shop, "utf-8")
    file = ShopFile.model_validate(yaml.safe_load(shop))
    settings = Settings(Paths(root), root / "shop.yml", file)
    settings.paths.make()
    key = settings.paths.state / "pseudonym.key"
    key.touch(mode=0o600)
    key.write_text("5eed" * 16)
    for name, text in files.items():
        path = settings.paths.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    state = State(settings.paths.state)
    land_new_files(settings, state)
    for landed in state.files():
        told = (landed["status"], landed["rows_quarantined"])
        assert told == ("landed", 0), landed
    build = settings.paths.working_build
    with duckdb.connect(build) as con:
        create_raw(
            con, settings.paths.landing, state.files(), settings.sources, date.min,
            calendar=file.calendar,
        )  # fmt: skip
    build_all(build, variables(settings))
    return build

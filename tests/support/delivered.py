"""A data folder with a small shop.yml, landed in this process: deliveries without a whole run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import yaml

from orchestration.config.sections import ShopFile
from orchestration.config.settings import Paths, Settings
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.manifests import missing_files
from orchestration.ledger.state import State

_SHOP = {"name": "Hand", "currency": "CNY", "timezone": "Asia/Shanghai"}
_SOURCE = {"platform": "web", "shop_id": "web-1", "timezone": "Asia/Shanghai", "currency": "CNY"}


class Home:
    """A data folder whose sources are given as `sources:` of a shop.yml."""

    def __init__(self, root: Path, sources: dict[str, Any]) -> None:
        self.root = root
        full = {name: {**_SOURCE, **source} for name, source in sources.items()}
        content = {"shop": _SHOP, "sources": full}
        root.mkdir(parents=True)
        (root / "shop.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
        self.settings = Settings(Paths(root), root / "shop.yml", ShopFile.model_validate(content))
        self.settings.paths.make()
        key = root / "data/state/pseudonym.key"
        key.touch(mode=0o600)
        key.write_text("5eed" * 16)
        self.state = State(self.settings.paths.state)

    @property
    def inbox(self) -> Path:
        """The inbox."""
        return self.settings.paths.inbox

    def put(self, name: str, content: str | bytes) -> Path:
        """Deliver a file."""
        path = self.inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land(self) -> dict[str, int]:
        """Land what is new; every file's account must balance."""
        counts = land_new_files(self.settings, self.state)
        for file in self.state.files():
            fates = ("rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")
            assert sum(file[fate] for fate in fates) == file["rows_read"]
        return counts

    def statuses(self) -> dict[str, str]:
        """File -> status, of files whose batch is not superseded."""
        return {
            file["source_file"]: file["status"]
            for file in self.state.files()
            if file["status"] != "superseded"
        }

    def missing(self) -> list[str]:
        """Paths of the announced files that have not landed."""
        return [
            one.source_file for one in missing_files(self.settings, self.state, self.state.files())
        ]

    def rows(self, feed: str) -> pl.DataFrame:
        """Rows of all batches of a feed that count."""
        active = {file["batch_id"] for file in self.state.files() if file["status"] == "landed"}
        parts = [
            pl.read_parquet(path, hive_partitioning=False)
            for path in sorted((self.settings.paths.landing / feed).glob("batch=*/data.parquet"))
            if path.parent.name.removeprefix("batch=") in active
        ]
        return pl.concat(parts) if parts else pl.DataFrame()

"""Data folders with an inbox and a ledger, for tests of landing without a whole run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from ingestion.rows.build import with_told_keys
from orchestration.config.sections import ShopFile
from orchestration.config.settings import Paths, Settings
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.state import State
from tests.support.exports import ORDERS, SHOP

FATES = ("rows_landed", "rows_quarantined", "rows_duplicate", "rows_excluded")


class Home:
    """A data folder; its files are read by `sources`, by default `*.csv` as ORDERS."""

    def __init__(self, root: Path, sources: Mapping[str, Any] | None = None, **shop: str) -> None:
        files = [{"path": "**/*.csv", "format": ORDERS}]
        given = {"name": "Test", "currency": "CNY", "timezone": "Asia/Shanghai", **shop}
        told = {"shop": given, "sources": sources or {"shop": {**SHOP, "files": files}}}
        file = ShopFile.model_validate(told)
        self.settings = Settings(Paths(root), root / "shop.yml", file)
        self.paths = self.settings.paths
        self.paths.make()
        self.settings.config_file.write_text(yaml.safe_dump(told, allow_unicode=True))
        key = self.paths.state / "pseudonym.key"
        key.touch(mode=0o600)  # one that others may read is refused
        key.write_text("5eed" * 16)
        self.state = State(self.paths.state)

    def put(self, content: str | bytes, name: str = "orders.csv") -> Path:
        """Deliver a file."""
        path = Path(self.paths.inbox / name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def land(self) -> dict[str, int]:
        """Land what is new; the ledger and the landed files must agree and balance."""
        counts = land_new_files(self.settings, self.state)
        self.check()
        return counts

    def check(self) -> None:
        """Every batch of the ledger is there as a whole, and its account balances."""
        for file in self.state.files():
            assert file["rows_read"] == sum(file[fate] for fate in FATES), file
            for feed, rows in file["feeds"].items():
                assert self._batch(feed, file["batch_id"]).height == rows

    def _batch(self, feed: str, batch: str) -> pl.DataFrame:
        path = self.paths.landing / feed / f"batch={batch}" / "data.parquet"
        rows = pl.scan_parquet(path, hive_partitioning=False)
        return with_told_keys(rows, feed).collect()

    def rows(self, feed: str = "orders") -> pl.DataFrame:
        """The landed rows of the batches that count."""
        active = [f["batch_id"] for f in self.state.files()
                  if f["status"] == "landed" and feed in f["feeds"]]  # fmt: skip
        parts = [self._batch(feed, batch) for batch in sorted(active)]
        return pl.concat(parts) if parts else pl.DataFrame()

    def landed(self) -> dict[str, bytes]:
        """Path -> bytes of what the batches that count have landed and set aside."""
        active = {f["batch_id"] for f in self.state.files() if f["status"] == "landed"}
        found = [p for p in self.paths.landing.rglob("*.parquet")
                 if p.parent.name.removeprefix("batch=") in active]  # fmt: skip
        found += [p for p in self.paths.quarantine.glob("*.parquet") if p.stem in active]
        return {p.relative_to(self.paths.data).as_posix(): p.read_bytes() for p in sorted(found)}

"""A data folder with a small shop.yml, landed in this process: deliveries without a whole run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orchestration.ledger.manifests import missing_files
from tests.support import homes
from tests.support.exports import SHOP


class Home(homes.Home):
    """A data folder whose sources are given as `sources:` of a shop.yml."""

    def __init__(self, root: Path, sources: dict[str, Any]) -> None:
        super().__init__(root, {name: {**SHOP, **source} for name, source in sources.items()})
        self.root = root

    @property
    def inbox(self) -> Path:
        """The inbox."""
        return self.paths.inbox

    def put(self, name: str, content: str | bytes) -> Path:  # type: ignore[override]
        """Deliver a file."""
        return super().put(content, name)

    def statuses(self) -> dict[str, str]:
        """File -> status, of files whose batch is not superseded."""
        return {
            file["source_file"]: file["status"]
            for file in self.state.files()
            if file["status"] != "superseded"
        }

    def missing(self) -> list[str]:
        """Paths of the announced files that have not landed."""
        missing = missing_files(self.settings, self.state, self.state.files())
        return [one.source_file for one in missing]

"""Files of the inbox whose names are no UTF-8: refused with their reason, the others go on."""

from __future__ import annotations

import hashlib
import logging

from orchestration.config.settings import Settings
from orchestration.ledger.state import FileRecord, State

log = logging.getLogger("kpi")


def refuse_misnamed(settings: Settings, state: State) -> set[str]:
    """Record each such file as refused; returns the ids they have in the ledger."""
    from ingestion.landing.deliveries import misnamed_files

    known, ids = state.statuses(), set()
    for name in misnamed_files(settings.paths.inbox):
        batch = hashlib.sha256(f"misnamed|{name}".encode()).hexdigest()[:16]
        ids.add(batch)
        if known.get(batch) == "refused":
            continue
        told = f"{name}: its name is not UTF-8, so no source reads it. Rename it."
        log.warning("%s", told)
        state.record(FileRecord(batch, "", name, batch, "", "", status="refused", message=told))
    return ids

"""The ledger against landing: batches that count and are not there any more as they were landed.

Belongs here: finding them, and what is said of those that cannot be landed again. Does not belong
here: landing them again (`inbox.py`).
"""

from __future__ import annotations

import logging
from collections.abc import Collection

from orchestration.config.settings import Settings
from orchestration.errors import ExitCode, KpiError
from orchestration.ledger.identity import InboxFile, content_of
from orchestration.ledger.state import State

_SHOWN = 5

log = logging.getLogger("kpi")


def lost_batches(settings: Settings, state: State, found: Collection[InboxFile]) -> frozenset[str]:
    """Batches that count and whose landed files are gone, damaged or of another number of rows.

    Args:
        settings: where landing is.
        state: the ledger.
        found: the files of the inbox, from which such batches can be landed again.

    Returns:
        Their ids; each one's file lies in the inbox.

    Raises:
        KpiError: the file of one does not: without it figures would fall in silence.
    """
    from ingestion.landing.landed import losses

    counted = {file["batch_id"]: file for file in state.files() if file["status"] == "landed"}
    lost = losses(settings.paths.landing, {key: file["feeds"] for key, file in counted.items()})
    here = {item.content for item in found}
    told = [f"{batch} ({counted[batch]['source_file']}): {why}" for batch, why in lost.items()
            if content_of(counted[batch]) not in here]  # fmt: skip
    if told:
        more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        raise KpiError(
            f"{len(told)} landed batches are not there as they were landed, and their files are not"
            f" in the inbox: {'; '.join(told[:_SHOWN])}{more}",
            str(settings.paths.landing),
            "Restore them from a backup, or deliver the files again; `kpi reject BATCH` builds"
            " without one. Nothing was changed.",
            ExitCode.INPUT_REJECTED,
        )
    for batch, why in lost.items():
        log.warning("%s is landed again: %s", counted[batch]["source_file"], why)
    return frozenset(lost)

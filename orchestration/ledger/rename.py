"""A source that is called otherwise from now on, and is the same: `kpi rename-source`.

Belongs here: refusing to count a renamed source twice, and the rename itself. Its identity, which
ids of batches and pseudonyms are made of, stays the name it was first landed under; what it is
called stands in the ledger and in each landed row.

The rename is written down first, each landed file is replaced at once and may be replaced again,
and the ledger follows last in one transaction: a killed one is finished by the next command or run.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Collection

from orchestration.config.settings import Settings
from orchestration.errors import ExitCode, KpiError, config_error
from orchestration.ledger.identity import InboxFile, was_landed
from orchestration.ledger.state import State

_UNDER_WAY = "rename_under_way"

log = logging.getLogger("kpi")


def refuse_renamed(settings: Settings, state: State, found: Collection[InboxFile]) -> None:
    """Refuse a new source whose files have landed under a name that shop.yml has no more.

    Raises:
        KpiError: naming both, and the way to rename.
    """
    ledger = [file for file in state.files() if file["status"] == "landed" and file["rows_landed"]]
    known = {file["source"] for file in ledger}
    gone = {file["content"].partition("@")[0]: file["source"] for file in ledger
            if file["source"] not in settings.sources}  # fmt: skip
    pairs = Counter(
        (gone[item.delivery.sha256], item.match.source)
        for item in found
        if item.delivery.sha256 in gone and item.match.source not in known
    )
    if not pairs:
        return
    (old, new), files = pairs.most_common(1)[0]
    many = "1 of its files has" if files == 1 else f"{files} of its files have"
    raise config_error(
        f"source {new} is new, and {many} landed as {old}, which is not there any more: every"
        " row would count twice",
        f"{settings.config_file.name} sources.{new}",
        f"If it is the same one: `kpi rename-source '{old}' {new}`. If not, `kpi reject` the"
        f" batches of {old}.",
    )


def rename_source(settings: Settings, state: State, old: str, new: str) -> int:
    """Rename a source. Call it under the run lock.

    Returns:
        The number of landed files that were written anew.

    Raises:
        KpiError: nothing has landed as `old`, or shop.yml or the ledger say otherwise.
    """
    finish_rename(settings, state)
    files = state.files()
    counted = {file["source"] for file in files if file["status"] == "landed"}
    if old not in {file["source"] for file in files}:
        if new in counted:
            return 0  # done before
        raise KpiError(f"nothing has landed as {old}", "rename-source", "See the names with"
                       " `kpi status`.", ExitCode.USAGE)  # fmt: skip
    if old in settings.sources or new not in settings.sources:
        raise config_error(
            f"shop.yml has {old}" if old in settings.sources else f"shop.yml has no source {new}",
            f"{settings.config_file.name} sources",
            f"Call it {new} there first, in place of {old}.",
        )
    if new in counted:
        raise config_error(
            f"{new} has landed files of its own: rows of both would count twice",
            "rename-source",
            f"`kpi reject` the batches of {new} first, or choose another name.",
        )
    state.set(_UNDER_WAY, json.dumps([old, new]))
    return finish_rename(settings, state)


def is_under_way(state: State) -> bool:
    """Whether a rename was begun and not finished."""
    return state.get(_UNDER_WAY) is not None


def finish_rename(settings: Settings, state: State) -> int:
    """Carry out the rename that is under way, if one is; returns how many files it wrote."""
    from ingestion.landing.erase import relabel

    told = state.get(_UNDER_WAY)
    if told is None:
        return 0
    old, new = json.loads(told)
    # What the build holds of the source goes by its name: only a full build is right.
    settings.paths.good_build.unlink(missing_ok=True)
    written = 0
    for record in state.files():
        for feed in record["feeds"] if record["source"] == old and was_landed(record) else ():
            batch = record["batch_id"]
            path = settings.paths.landing / feed / f"batch={batch}" / "data.parquet"
            if path.exists():
                state.forget_digest(batch, feed)
                written += relabel(path, new)
    state.rename(old, new)
    log.info("source %s is called %s now; the next run builds everything anew", old, new)
    return written

"""`kpi forget`: one person's pseudonyms give way to random ones in every store, for good.

An erasure is planned, written down as a journal, then carried out step by step; each step may be
done again without harm. So a killed erasure is finished by the next `kpi forget` or `kpi run`. The
journal holds pseudonyms, never the identifier, and goes when the proof is written.

Rows stay, so totals stand. What is derived of pseudonyms in the private build file cannot be
mended: the file is dropped, and the next run that has something to do rebuilds it in full.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion.errors import MappingError
from orchestration.build import spark, warehouse
from orchestration.config.settings import Settings
from orchestration.erasure.erase import (
    Journal,
    Request,
    files_of,
    folder,
    hits,
    journal_file,
    save,
    write_private,
)
from orchestration.erasure.files import files_below, hits_in_file, rewrite_file
from orchestration.errors import KpiError
from orchestration.ledger.state import State

log = logging.getLogger("kpi")


def forget(settings: Settings, state: State, request: Request) -> dict[str, Any]:
    """Forget a person. Call it under the run lock.

    Args:
        settings: of the data folder.
        state: its ledger, which keeps the tombstones.
        request: whom.

    Returns:
        The proof, as written to `data/state/erasures/<id>.json`; if the person was erased before
        and nothing came since, `erased_before`.

    Raises:
        KpiError: nothing of the person is held (exit code 2), or the erasure stopped on its way;
            neither message names the person.
    """
    from orchestration.erasure.plan import plan

    finished = resume(settings, state)
    with _quiet():
        journal = plan(settings, state, request)
    if journal is None:
        return finished or {"erasure": "", "erased_before": True}
    save(settings, journal)
    return _finish(settings, state, journal)


def resume(settings: Settings, state: State) -> dict[str, Any] | None:
    """Finish an erasure that was interrupted; its proof, or None if there was none."""
    file = journal_file(settings)
    if not file.exists():
        return None
    log.info("finishing an erasure that was interrupted ...")
    return _finish(settings, state, Journal(**json.loads(file.read_text("utf-8"))))


# Carrying out ---------------------------------------------------------------------------------

Step = Callable[[Settings, State, Journal], None]


def _finish(settings: Settings, state: State, journal: Journal) -> dict[str, Any]:
    with _quiet():
        for step in STEPS:
            step(settings, state, journal)
        proof = _proof(settings, journal)
    write_private(folder(settings) / f"{journal.erasure}.json", proof)
    journal_file(settings).unlink()
    return proof


@contextmanager
def _quiet() -> Iterator[None]:
    """Let nothing out that foreign code says of a failure: it could quote a cell."""
    try:
        yield
    except (KpiError, OSError, MappingError):
        raise
    except Exception as error:
        raise KpiError(
            f"the erasure stopped half-way ({type(error).__name__})",
            "forget",
            "Run it again: it goes on where it stopped. The next `kpi run` does so too.",
        ) from None


def _bury(settings: Settings, state: State, journal: Journal) -> None:
    """From here on a file that is landed gets the new pseudonyms."""
    state.bury(journal.marks)


def _landing(settings: Settings, state: State, journal: Journal) -> None:
    from ingestion.landing.erase import Replacements

    def written_anew() -> Iterator[Path]:
        """Their digests are taken again when the next run has landed."""
        wanted = Replacements(journal.texts)
        for file in files_of(settings, "landing"):
            if hits_in_file(file, wanted):
                state.forget_digest(file.parent.name.removeprefix("batch="), file.parts[-3])
            yield file

    _rewrite(settings, journal, "landing", written_anew())
    _rewrite(settings, journal, "quarantine", files_of(settings, "quarantine"))


def _others(settings: Settings, state: State, journal: Journal) -> None:
    _rewrite(settings, journal, "other files", files_of(settings, "other files"))


def _build(settings: Settings, state: State, journal: Journal) -> None:
    warehouse.discard_build(settings.paths)
    spark.discard(settings)
    if settings.paths.good_build.exists():
        settings.paths.good_build.unlink()
        journal.rewritten["build"] = 1
        save(settings, journal)


def _published(settings: Settings, state: State, journal: Journal) -> None:
    """Write every generation that holds the person anew, point at the new ones, drop the old."""
    from ingestion.landing.erase import Replacements
    from orchestration.erasure.published import (
        generation_files,
        hits_in_database,
        rewrite_generation,
    )

    paths, wanted = settings.paths, Replacements(journal.texts)
    current = warehouse.current_generation(paths)
    replaced = []
    for file in generation_files(paths):
        run_id = file.stem.removeprefix("marts_")
        found = hits_in_database(file, wanted)
        if not found and not _in_pages(settings, run_id, wanted):
            continue
        new = rewrite_generation(paths, file, wanted, found)
        new_id = new.stem.removeprefix("marts_")
        # Killed before, the database may have moved on already and the pages not.
        if current in (run_id, new_id):
            warehouse.point(paths.current, new)
            if (pages := paths.published / f"site_{new_id}").exists():
                warehouse.point(paths.site, pages)
            if state.get("finished_run") == run_id:
                state.set("finished_run", new_id)
        replaced.append(run_id)
    for run_id in replaced:
        warehouse.drop_generation(paths, run_id)
    journal.rewritten["published"] = journal.rewritten.get("published", 0) + len(replaced)
    save(settings, journal)


def _in_pages(settings: Settings, run_id: str, wanted: Any) -> bool:
    pages = settings.paths.published / f"site_{run_id}"
    return pages.exists() and any(hits_in_file(file, wanted) for file in files_below(pages))


def _inbox(settings: Settings, state: State, journal: Journal) -> None:
    if not journal.delete_inbox:
        return
    for entry in journal.inbox:
        if entry["action"] == "delete":
            (settings.paths.inbox / entry["file"]).unlink(missing_ok=True)
            entry["action"] = "deleted"
    save(settings, journal)


STEPS: list[Step] = [_bury, _landing, _others, _build, _published, _inbox]


def _rewrite(settings: Settings, journal: Journal, store: str, files: Iterator[Path]) -> None:
    from ingestion.landing.erase import Replacements

    wanted = Replacements(journal.texts)
    done = sum(rewrite_file(file, wanted) > 0 for file in files)
    journal.rewritten[store] = journal.rewritten.get(store, 0) + done
    save(settings, journal)


def _proof(settings: Settings, journal: Journal) -> dict[str, Any]:
    """What was searched and changed; neither the identifier nor a pseudonym is in it.

    Raises:
        KpiError: something is left.
    """
    after = hits(settings, journal.texts)
    if left := {store: count for store, count in after.items() if count}:
        raise KpiError(
            f"after the erasure there is something left in {', '.join(sorted(left))}",
            "forget",
            "Run it again; if that does not help, please report it.",
        )
    kept = [entry for entry in journal.inbox if entry["action"] != "deleted"]
    return {
        "erasure": journal.erasure,
        "finished_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        "pseudonyms_replaced": journal.keys,
        "tombstones": len(journal.marks),
        "shared_with": [
            {"customer_key": key, "shares": column.removesuffix("_key")}
            for key, column in journal.shared.items()
        ],
        "stores": [
            {
                "store": store,
                "hits_before": journal.before.get(store, 0),
                "hits_after": count,
                "files_rewritten": journal.rewritten.get(store, 0),
            }
            for store, count in after.items()
        ],
        "build_dropped": bool(journal.rewritten.get("build")),
        "inbox": [
            {"file": entry["shown"], "why": entry["why"], "action": entry["action"]}
            for entry in journal.inbox
        ],
        "to_do": [
            f"{entry['shown']}: {entry['why']}. It is the export itself: delete it, or run"
            " `kpi forget` with --delete-inbox."
            for entry in kept
        ],
    }

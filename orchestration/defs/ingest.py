"""Assets `raw/<feed>`: the exports of the inbox, landed. One step reads them all."""

from collections import defaultdict
from collections.abc import Iterator

import dagster as dg

from ingestion.feeds import FEEDS
from orchestration.erasure.forget import resume
from orchestration.ledger.identity import refuse_nothing
from orchestration.ledger.rename import finish_rename
from orchestration.run import Run, log

_KEYS = {feed: dg.AssetKey(["raw", feed]) for feed in FEEDS}


@dg.multi_asset(
    name="ingest",
    specs=[
        dg.AssetSpec(
            key,
            group_name="raw",
            kinds={"polars", "parquet"},
            description=f"{FEEDS[feed].grain} Every landed batch, seen through a view.",
        )
        for feed, key in _KEYS.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(
            "schema_holds",
            asset=key,
            description="No row of the files that this run landed was set aside.",
        )
        for key in _KEYS.values()
    ],
)
def ingest(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Run]
) -> Iterator[dg.MaterializeResult[None]]:
    """Land every new file; a file seen before is left alone."""
    with run.step("ingest"):
        resume(run.settings, run.state)
        finish_rename(run.settings, run.state)
        refuse_nothing(run.settings, run.state)
        since = run.state.next_sequence()
        counts = run.land()
        log.info("inbox: %s", ", ".join(f"{n} {name}" for name, n in counts.items() if n))
        quarantined: dict[str, int] = defaultdict(int)
        batches: dict[str, int] = defaultdict(int)
        rows: dict[str, int] = defaultdict(int)
        for file in (file for file in run.ledger if file["status"] == "landed"):
            is_new = file["seq"] > since
            for feed, landed in file["feeds"].items():
                batches[feed] += 1
                rows[feed] += landed
                quarantined[feed] += file["rows_quarantined"] if is_new else 0
        configured = {feed for s in run.settings.sources.values() for feed in s.feeds()}
        for feed, key in _KEYS.items():
            # A feed that is not configured is an empty view: were its asset skipped, every step
            # below it would be skipped as well.
            yield dg.MaterializeResult(
                asset_key=key,
                metadata={
                    "configured": feed in configured,
                    "batches": batches[feed],
                    "dagster/row_count": rows[feed],
                    "files_landed_now": counts["files_landed"],
                    "files_refused": counts["files_refused"],
                },
                check_results=[
                    dg.AssetCheckResult(
                        check_name="schema_holds",
                        asset_key=key,
                        passed=quarantined[feed] == 0,
                        severity=dg.AssetCheckSeverity.WARN,
                        metadata={"rows_quarantined": quarantined[feed]},
                    )
                ],
            )

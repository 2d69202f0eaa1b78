"""The code location: composes what `defs/` holds, nothing else.

By name: Dagster's own search of a folder also imports every integration that is installed, and
`dagster_dbt` with it dbt, which takes longer than a small run.
"""

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """All definitions of `orchestration/defs`."""
    from orchestration.defs import audit, ingest, insights, monitor, publish, transform
    from orchestration.defs.execution import execution
    from orchestration.defs.schedules import schedules

    return dg.Definitions.merge(
        dg.Definitions(
            assets=dg.load_assets_from_modules([ingest, transform, insights, audit, publish]),
            sensors=[monitor.run_failure_alert, monitor.outgoing_alerts],
        ),
        execution(),
        schedules(),
    )

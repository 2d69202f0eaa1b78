"""When runs start: every morning in the reporting zone, and when a file drops into the inbox."""

from collections.abc import Iterator

import dagster as dg

from orchestration.config import settings
from orchestration.config.sections import Publish
from orchestration.errors import KpiError
from orchestration.ledger.inbox import state_of

DAILY_JOB = "daily"
daily_job = dg.define_asset_job(
    DAILY_JOB,
    selection=dg.AssetSelection.all(),
    description="Exports in, explained GMV out: ingest, build, insights, audit, publish, alerts.",
)


@dg.sensor(job=daily_job, minimum_interval_seconds=60)
def inbox_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Start a run when the inbox has changed and has then been still for one tick."""
    digest = state_of(settings.load().paths.inbox)
    started, _, seen = (context.cursor or "|").partition("|")
    context.update_cursor(f"{digest if digest == seen else started}|{digest}")
    if digest == started:
        yield dg.SkipReason("the inbox has not changed")
    elif digest != seen:
        yield dg.SkipReason("the inbox is changing")
    else:
        yield dg.RunRequest(run_key=digest)


@dg.definitions
def schedules() -> dg.Definitions:
    """The daily schedule, at the hour and in the zone of `shop.yml`."""
    try:
        configured = settings.load()
        cron, zone = configured.file.publish.schedule, configured.shop.timezone
    except KpiError:  # no shop.yml yet: the code location must still load, to be looked at
        cron, zone = Publish().schedule, "UTC"
    schedule = dg.ScheduleDefinition(
        name="daily_schedule",
        job=daily_job,
        cron_schedule=cron,
        execution_timezone=zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    return dg.Definitions(jobs=[daily_job], schedules=[schedule], sensors=[inbox_sensor])

"""What tells somebody when a run fails for good, also when its process was killed."""

import dagster as dg

from orchestration.config import settings


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING)
def run_failure_alert(context: dg.RunFailureSensorContext) -> None:
    """Send the failure of a run; a run that already told is not told again."""
    from orchestration.alerting.alerts import tell_failure
    from orchestration.ledger.state import State

    configured = settings.load()
    error = RuntimeError(context.failure_event.message or "the run ended without a word")
    run_id = context.dagster_run.run_id
    tell_failure(configured, State(configured.paths.state), run_id, "run", error)

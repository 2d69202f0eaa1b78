"""What tells somebody when a run fails for good, also when its process was killed."""

import dagster as dg

from orchestration.config import settings


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.RUNNING)
def run_failure_alert(context: dg.RunFailureSensorContext) -> None:
    """Send the failure of a run; a run that already told is not told again."""
    from orchestration.alerting.alerts import deliver, failure_message
    from orchestration.ledger.state import State

    configured = settings.load()
    state = State(configured.paths.state)
    if state.get("failure_told") == context.dagster_run.run_id:
        return
    error = RuntimeError(context.failure_event.message or "the run ended without a word")
    message = failure_message(
        context.dagster_run.run_id, "run", error, configured.paths.data / "logs"
    )
    deliver(
        [message],
        configured.paths.outbox,
        configured.alert_channels(),
        state,
    )

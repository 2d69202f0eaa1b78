"""What tells somebody when a run fails for good, and delivers messages between runs."""

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


@dg.sensor(minimum_interval_seconds=300, default_status=dg.DefaultSensorStatus.RUNNING)
def outgoing_alerts(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Deliver the messages that are due, which a daily run alone would keep until tomorrow."""
    from orchestration.alerting.delivery import deliver_due
    from orchestration.ledger.state import State

    configured = settings.load()
    report = deliver_due(configured, State(configured.paths.state))
    return dg.SkipReason(f"{sum(one.status == 'sent' for one in report)} messages were sent")

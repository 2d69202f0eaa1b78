"""The commands of `kpi alerts`. Each does its heavy imports itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

Id = Annotated[str, typer.Argument(metavar="ID", help="From `kpi alerts list`, or its beginning.")]
_ANY = "*"
Work = Callable[..., None]


def register(
    command: Callable[[str, typer.Typer], Callable[[Work], Work]], group: typer.Typer
) -> None:
    """Add the commands to their group."""

    @command("list", group)
    def alerts_list(
        only_open: Annotated[bool, typer.Option("--open", help="Only what has not ended.")] = False,
    ) -> None:
        """The incidents of the published generation, the newest first, and what is muted."""
        from orchestration.cli.alerts import list_alerts

        list_alerts(only_open)

    @command("show", group)
    def alerts_show(incident: Id) -> None:
        """An incident, its last message, and what became of each message on each channel."""
        from orchestration.cli.alert_actions import show_alert

        show_alert(incident)

    @command("ack", group)
    def alerts_ack(
        incident: Id,
        by: Annotated[str, typer.Option(help="Who looks after it; default: you.")] = "",
    ) -> None:
        """Somebody looks after an incident: no "still open" any more."""
        from orchestration.cli.alert_actions import acknowledge

        acknowledge(incident, by)

    @command("mute", group)
    def alerts_mute(
        until: Annotated[str, typer.Option(help="Last day of the data it holds for, YYYY-MM-DD.")],
        metric: Annotated[str, typer.Option(help="Such as refund_rate.")] = _ANY,
        platform: Annotated[str, typer.Option(help="Such as tmall.")] = _ANY,
        segment: Annotated[str, typer.Option(help="Such as channel:paid_search.")] = _ANY,
        reason: Annotated[str, typer.Option(help="Why, for the others.")] = "",
    ) -> None:
        """Tell nothing of a metric, platform or segment until a day; pages show it all the same."""
        from orchestration.cli.alert_actions import mute

        mute({"metric": metric, "platform": platform, "segment": segment}, until, reason)

    @command("unmute", group)
    def alerts_unmute(
        number: Annotated[int, typer.Argument(help="From `kpi alerts list`.")],
    ) -> None:
        """End a mute: what is still open then is told."""
        from orchestration.cli.alert_actions import unmute

        unmute(number)

    @command("feedback", group)
    def alerts_feedback(
        incident: Id,
        verdict: Annotated[str, typer.Argument(help="real, false or known_promotion.")],
        note: Annotated[str, typer.Option(help="What it was.")] = "",
    ) -> None:
        """Say whether an alert was right; it counts as acknowledged."""
        from orchestration.cli.alert_actions import judge

        judge(incident, verdict, note)

    @command("deliver", group)
    def alerts_deliver(
        now: Annotated[
            bool, typer.Option("--now", help="Also what was refused or given up, at once.")
        ] = False,
    ) -> None:
        """Send the messages that are due; exit code 8 if some could not be delivered."""
        from orchestration.cli.alert_actions import deliver

        deliver(now=now)

    @command("power", group)
    def alerts_power(
        platform: Annotated[str, typer.Option(help="Such as tmall.")] = "",
    ) -> None:
        """How large a fall must be to be told, and for how long: what silence means."""
        from orchestration.cli.alerts import show_power

        show_power(platform)

    @command("test", group)
    def alerts_test() -> None:
        """Send a message marked as a test to the outbox and through every configured channel."""
        from orchestration.cli.alerts import test_channels

        test_channels()

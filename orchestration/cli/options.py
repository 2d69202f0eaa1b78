"""Values of options that typer cannot check: days, and names with suggestions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from orchestration.errors import ExitCode, KpiError


def day_of(text: str, option: str = "--date") -> date:
    """The day an option names.

    Raises:
        KpiError: it is not an ISO date.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise KpiError(
            f"{text!r} is not a day", option, "Write YYYY-MM-DD.", ExitCode.USAGE
        ) from None


def allowed(option: str, value: str, known: Sequence[str]) -> None:
    """Check a name against the known ones.

    Raises:
        KpiError: it is none of them; a near one is suggested.
    """
    if value not in known:
        from difflib import get_close_matches

        near = get_close_matches(value, known, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise KpiError(
            f"{value!r} is not known", option, f"{hint}One of {', '.join(known)}.", ExitCode.USAGE
        )

"""What every command of `kpi` shares: the program, --json after a name, errors as exit codes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestration.cli.console import console, exit_codes

app = typer.Typer(
    name="kpi",
    help="Operations analytics for e-commerce shops: exports in, explained GMV out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Work = Callable[..., None]
Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Date = Annotated[str, typer.Option("--date", help="A day, YYYY-MM-DD; default: the last one.")]


@app.callback()
def options(  # noqa: PLR0913, PLR0917 - the options of all commands
    as_json: Json = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Progress and errors as lines of JSON on stderr.")
    ] = False,
    no_color: Annotated[bool, typer.Option("--no-color", help="No colours.")] = False,
    home: Annotated[
        Path | None, typer.Option(help="Folder with shop.yml and data/; default: $KPI_HOME.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Another shop.yml.")] = None,
) -> None:
    """Options of all commands."""
    from orchestration.config.settings import choose

    console.as_json, console.quiet, console.color = as_json, quiet or as_json, not no_color
    console.log_json = log_json
    choose(home, config)


def command(name: str | None = None, group: typer.Typer = app) -> Callable[[Work], Work]:
    """Register a command: it takes --json after its name too, and its errors have exit codes."""

    def register(work: Work) -> Work:
        @wraps(work)
        def run(*, as_json: bool, **options: Any) -> None:
            console.as_json = console.as_json or as_json
            with exit_codes():
                work(**options)

        asked = signature(work, eval_str=True)
        last = Parameter("as_json", Parameter.KEYWORD_ONLY, default=False, annotation=Json)
        parameters = [*asked.parameters.values(), last]
        run.__signature__ = asked.replace(parameters=parameters)  # type: ignore[attr-defined]
        group.command(name)(run)
        return work

    return register

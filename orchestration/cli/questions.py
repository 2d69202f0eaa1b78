"""The commands that answer: from the published marts, read-only. Heavy imports are their own."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.command import Date, command

Lang = Annotated[str, typer.Option(help="en or zh.")]


@command()
def explain(
    date: Date = "",
    versus: Annotated[
        str, typer.Option("--vs", help="A comparison; a word that is none lists them.")
    ] = "last_week",
    by: Annotated[
        str,
        typer.Option(
            help="Every segment of a dimension, such as channel (a word that is none lists them);"
            " default: the worst of all."
        ),
    ] = "",
    lang: Lang = "en",
) -> None:
    """Why GMV changed: the drivers of a day, where, and how whole its data are."""
    from orchestration.cli.explain import show_explanation

    show_explanation(date, versus, by, lang)


@command()
def metrics(
    words: Annotated[
        str, typer.Argument(help="Words of a name, label or definition, in English or Chinese.")
    ] = "",
    lang: Lang = "en",
) -> None:
    """The metrics: what each means, how far it adds up, and which mart stores it."""
    from orchestration.cli.metrics import list_metrics

    list_metrics(words, lang)


@command()
def query(  # noqa: PLR0913, PLR0917 - one parameter an option
    names: Annotated[str, typer.Option("--metrics", help="Such as gmv,aov; see kpi metrics.")],
    by: Annotated[str, typer.Option(help="Dimensions to split by, such as channel.")] = "",
    where: Annotated[
        list[str] | None,
        typer.Option(help="Rows to keep: platform=tmall, or platform=tmall,jd; may be repeated."),
    ] = None,
    grain: Annotated[str, typer.Option(help="day, week, month or total.")] = "day",
    first: Annotated[str, typer.Option("--from", help="First day, YYYY-MM-DD.")] = "",
    last: Annotated[str, typer.Option("--to", help="Last day, YYYY-MM-DD.")] = "",
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated on stdout.")] = False,
    lang: Lang = "en",
) -> None:
    """Metrics by period and dimension; what cannot be summed is read where it is stored."""
    from orchestration.cli.metrics import asked, show_answer

    show_answer(asked(names, by, where or [], grain, first, last), as_csv, lang)


@command()
def mcp(
    http: Annotated[bool, typer.Option("--http", help="On 127.0.0.1 instead of stdio.")] = False,
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8765,
) -> None:
    """Answer assistants by the Model Context Protocol, on this machine alone."""
    from orchestration.cli.mcp import serve

    serve(http, port)


@command()
def sql(
    query: Annotated[str, typer.Argument(help="A query; without one, from standard input.")] = "",
    seconds: Annotated[float, typer.Option(min=0.1, help="How long it may take.")] = 30.0,
) -> None:
    """Query the published marts, sandboxed and read-only, also while a run is under way."""
    from orchestration.cli.show import show_query

    show_query(query, seconds)

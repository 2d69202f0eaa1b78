"""The commands of `kpi`. Each does its heavy imports itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from orchestration.cli import (
    alert_commands,
    questions,  # noqa: F401 - registers its commands
)
from orchestration.cli.command import Date, app, command

alerts = typer.Typer(
    help="What was told, and whether the ways to tell it work.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(alerts, name="alerts")


@command()
def demo() -> None:
    """Simulate the demo shop's exports up to yesterday, run the daily job, show the result."""
    from orchestration.cli.demo import run_demo

    run_demo()


@command()
def run(
    date: Date = "",
    full: Annotated[bool, typer.Option("--full", help="Rebuild everything.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for another run.")] = 0.0,
    target: Annotated[
        Literal["duckdb", "spark", ""],
        typer.Option(help="Engine that builds the marts; default: build.target of shop.yml."),
    ] = "",
    fail_on_alert: Annotated[
        bool, typer.Option("--fail-on-alert", help="Exit code 6 if an incident is open.")
    ] = False,
) -> None:
    """Run the daily job: ingest, build, audit, publish, pages, alerts."""
    from orchestration.cli.run import run_daily

    run_daily(
        as_of=date,
        full=full,
        wait_seconds=wait,
        fail_on_alert=fail_on_alert,
        target=target,
    )


@command()
def status() -> None:
    """What is published, how fresh it is, and which checks failed."""
    from orchestration.cli.show import show_status

    show_status()


@command()
def export(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="parquet or csv: tables; docs: their pages and diagram; semantic: metrics;"
            " audience: hashed addresses for a mail tool or ad platform.",
        ),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder; default: data/export.")] = None,
    table: Annotated[
        str, typer.Option(help="One table, such as fct_gmv_daily; which audience, as win_back.")
    ] = "",
    contacts: Annotated[
        Path | None,
        typer.Option(help="For audience: CSV of customer_id, consent, email and phone."),
    ] = None,
    source: Annotated[str, typer.Option(help="For audience: whose customers the list names.")] = "",
) -> None:
    """Write the published tables as files, or what they mean as pages and semantic models."""
    from orchestration.cli.export import export_published

    export_published(kind, out, table, contacts, source)


alert_commands.register(command, alerts)


@command()
def serve(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 8000) -> None:
    """Serve the pages on 127.0.0.1."""
    from orchestration.cli.serve import serve_site

    serve_site(port)


@command()
def dev(port: Annotated[int, typer.Option(help="Port on 127.0.0.1.")] = 3000) -> None:
    """Open the Dagster UI on the same job, with its schedule and sensors."""
    from orchestration.cli.tools import start_dagster

    start_dagster(port)


@command()
def init(  # noqa: PLR0913, PLR0917 - the options of the command
    source: Annotated[Path, typer.Option("--from", help="Folder of exports.")],
    out: Annotated[Path | None, typer.Option(help="Default: shop.yml of the data folder.")] = None,
    name: Annotated[str, typer.Option(help="Name of the shop.")] = "",
    currency: Annotated[str, typer.Option(help="Of the pages and of amounts, as EUR.")] = "",
    timezone: Annotated[str, typer.Option(help="Of the shop, as Europe/Berlin.")] = "",
    platform: Annotated[str, typer.Option(help="Where it sells, if the files do not say.")] = "",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the files to data/inbox/.")] = False,
) -> None:
    """Propose a shop.yml from a folder of exports; say what is sure, and what only you know."""
    from orchestration.cli.init import Asked, propose

    propose(Asked(source, out, name, currency, timezone, platform, copy))


@command()
def check(
    file: Annotated[Path, typer.Argument(help="An export, in the inbox or elsewhere.")],
    source: Annotated[str, typer.Option(help="Read it as a file of this source.")] = "",
    form: Annotated[str, typer.Option("--format", help="Read it by this shipped format.")] = "",
) -> None:
    """Read one file without landing it: its rows, their fates, the first problems by line."""
    from orchestration.cli.check import check_file

    check_file(file, source, form)


@command()
def doctor() -> None:
    """Check configuration, inbox, key, disk and tools; print what would be read, load nothing."""
    from orchestration.cli.doctor import check_up

    check_up()


@command()
def rollback(
    to: Annotated[str, typer.Option(help="A generation, older or newer; see `kpi status`.")] = "",
    reason: Annotated[str, typer.Option(help="Shown on the pages.")] = "",
) -> None:
    """Point readers at the generation before the current one, or at another one."""
    from orchestration.cli.tools import roll_back

    roll_back(to, reason)


@command()
def reject(
    batch: Annotated[str, typer.Argument(help="Batch id, from `kpi status` or data health.")],
) -> None:
    """Withdraw a landed batch; the next run builds without it."""
    from orchestration.cli.tools import reject_batch

    reject_batch(batch)


@command()
def reopen(
    month: Annotated[str, typer.Argument(help="A closed month, as 2026-07.")],
    reason: Annotated[str, typer.Option(help="Why; stands beside its figures for good.")],
    platform: Annotated[str, typer.Option(help="Only of this platform; default: of all.")] = "",
) -> None:
    """Open a closed month again; the next run closes it with what the data say then."""
    from orchestration.cli.tools import reopen_month

    reopen_month(month, reason, platform)


@command("rename-source")
def rename_source(
    old: Annotated[str, typer.Argument(help="The name it has landed under so far.")],
    new: Annotated[str, typer.Argument(help="Its name in shop.yml now.")],
    wait: Annotated[float, typer.Option(help="Seconds to wait for a run.")] = 0.0,
) -> None:
    """Call a source otherwise and keep what it is: no row counts twice, no customer is new."""
    from orchestration.cli.tools import call_source

    call_source(old, new, wait)


@command()
def forget(  # noqa: PLR0913, PLR0917 - one parameter an option
    identifier: Annotated[
        str, typer.Argument(metavar="ID", help="As the exports write it; - reads standard input.")
    ],
    source: Annotated[str, typer.Option(help="Only of this source.")] = "",
    column: Annotated[
        str, typer.Option(help="Only as customer_id, email, phone, visitor_id ...")
    ] = "",
    delete_inbox: Annotated[
        bool, typer.Option("--delete-inbox", help="Delete landed exports that hold the person.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also if nothing is held: for what may come.")
    ] = False,
    with_shared: Annotated[
        bool, typer.Option("--with-shared", help="Also who shares a mail or phone with the person.")
    ] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a run.")] = 0.0,
) -> None:
    """Erase one person from every store; totals stay. Prints the proof."""
    from orchestration.cli.forget import forget_person
    from orchestration.erasure.erase import Request

    request = Request(identifier, source, column, anyway, delete_inbox, with_shared)
    forget_person(request, wait)


@command()
def version() -> None:
    """The versions of the project and of the engines it runs on."""
    from orchestration.cli.tools import show_versions

    show_versions()


@command()
def sbom(
    licences: Annotated[
        bool, typer.Option("--licences", help="A table of names, versions and licences.")
    ] = False,
    advisories: Annotated[
        Path | None, typer.Option(help="Folder of OSV records (*.json): tell which of them apply.")
    ] = None,
) -> None:
    """What this installation is made of, as CycloneDX; needs no network."""
    from orchestration.cli.sbom import show_parts

    show_parts(licences, advisories)


if __name__ == "__main__":
    app()

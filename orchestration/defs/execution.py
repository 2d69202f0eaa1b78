"""How steps execute: in one process, one run at a time, around one `Run` that holds the lock."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cached_property
from importlib import metadata
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource
from packaging.version import Version
from pydantic import PrivateAttr

from orchestration.config import settings
from orchestration.run import Run, open_run


class RunResource(dg.ConfigurableResource[Run]):
    """The run under way, shared by all steps; taken when the first step starts."""

    as_of: str = ""
    full: bool = False
    wait_seconds: float = 0.0
    _run: Run = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Run]:
        """Hold the lock from the first step to the end of the run."""
        with open_run(
            settings.load(),
            job_id=context.run_id or "",
            as_of=date.fromisoformat(self.as_of) if self.as_of else None,
            full=self.full,
            wait_seconds=self.wait_seconds,
        ) as run:
            yield run


class OfflineDbt(DbtCliResource):
    """dbt without `dbt --version`, which asks a package registry for the newest release."""

    @cached_property
    def _cli_version(self) -> Version:
        return Version(metadata.version("dbt-core"))


@dg.definitions
def execution() -> dg.Definitions:
    """The executor and the resources of all jobs."""
    return dg.Definitions(
        executor=dg.in_process_executor,
        resources={
            "run": RunResource(),
            "dbt": OfflineDbt(
                project_dir=str(settings.DBT_PROJECT_DIR),
                profiles_dir=str(settings.DBT_PROJECT_DIR),
                # Beside this interpreter: the environment need not be on the PATH.
                dbt_executable=str(Path(sys.executable).with_name("dbt")),
            ),
        },
    )

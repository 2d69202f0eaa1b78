"""How steps execute: in one process, one run at a time, around one `Run` that holds the lock.

A run whose inputs are those of the published generation computes nothing: `step` lets every asset
and check of it stand as it does there.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import wraps
from graphlib import TopologicalSorter
from inspect import isgeneratorfunction
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from orchestration.config import settings
from orchestration.run import Run, open_run


class RunResource(dg.ConfigurableResource[Run]):
    """The run under way, shared by all steps; taken when the first step starts."""

    as_of: str = ""
    full: bool = False
    target: str = ""
    wait_seconds: float = 0.0
    _run: Run = PrivateAttr()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Run]:
        """Hold the lock from the first step to the end of the run."""
        with open_run(
            settings.load().on(self.target),
            job_id=context.run_id or "",
            as_of=date.fromisoformat(self.as_of) if self.as_of else None,
            full=self.full,
            wait_seconds=self.wait_seconds,
        ) as run:
            yield run
            forget_runs(context.instance, run.settings.file.history.runs)


def forget_runs(instance: dg.DagsterInstance | None, keep: int) -> None:
    """Let Dagster keep the newest runs alone; killed ones, which never end for it, go too."""
    if instance is None:
        return
    for run_id in instance.get_run_ids()[keep:]:
        instance.delete_run(run_id)


_UNCHANGED = {"unchanged": True}
Work = Callable[..., Any]


def step(
    name: str,
    layers: Mapping[str, str] | None = None,
    then: Callable[[Run], object] | None = None,
) -> Callable[[Work], Work]:
    """Make a function the step of a run that is done only if something changed.

    Args:
        name: of the step, as it is told.
        layers: check -> the layer of `quality.checks` it sums up; other checks stand there by name.
        then: what ends the step whether or not something changed.

    Returns:
        A decorator for functions of a context and a run, and of further resources; they return the
        result of their one asset or yield those of several.
    """

    def decorate(work: Work) -> Work:
        is_several = isgeneratorfunction(work)

        def several(context: dg.AssetExecutionContext, run: Run, **more: Any) -> Iterator[Any]:
            with run.step(name):
                if run.is_unchanged:
                    yield from _standing(context, run, layers or {})
                elif is_several:
                    yield from work(context, run=run, **more)
                else:
                    yield work(context, run=run, **more)
                if then:
                    then(run)

        def one(context: dg.AssetExecutionContext, run: Run, **more: Any) -> Any:
            [result] = several(context, run, **more)
            return result

        return wraps(work)(several if is_several else one)

    return decorate


def _standing(
    context: dg.AssetExecutionContext, run: Run, layers: Mapping[str, str]
) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """The assets of a step in their order, and its checks as the current generation has them."""
    upstream, chosen = context.assets_def.asset_deps, context.selected_asset_keys
    for key in TopologicalSorter({key: upstream[key] for key in chosen}).static_order():
        if key in chosen:
            yield dg.MaterializeResult(asset_key=key, metadata=_UNCHANGED)
    if not context.selected_asset_check_keys:
        return
    failed = run.standing_failures()
    for check in context.selected_asset_check_keys:
        yield dg.AssetCheckResult(
            asset_key=check.asset_key,
            check_name=check.name,
            passed=layers.get(check.name, check.name) not in failed,
            severity=dg.AssetCheckSeverity.WARN,  # what failed harder was never published
            metadata=_UNCHANGED,
        )


@dg.definitions
def execution() -> dg.Definitions:
    """The executor and the resources of all jobs."""
    return dg.Definitions(
        executor=dg.in_process_executor,
        resources={"run": RunResource()},
    )

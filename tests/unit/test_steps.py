"""Steps of a run: nothing is computed where nothing changed, and what stands is told."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg

from orchestration.defs.execution import step


class Fake:
    """A run as a step sees it."""

    def __init__(self, *, is_unchanged: bool) -> None:
        self.is_unchanged = is_unchanged
        self.told: list[str] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        self.told.append(name)
        yield

    def standing_failures(self) -> set[str]:
        return {"gate", "rows_are_few"}


CHECKS = {"first": ["rows_are_few"], "second": ["publish_gate", "reconciles"]}


@dg.multi_asset(
    specs=[dg.AssetSpec("first"), dg.AssetSpec("second", deps=["first"])],
    check_specs=[
        dg.AssetCheckSpec(name, asset=asset) for asset, names in CHECKS.items() for name in names
    ],
)
@step("both", layers={"publish_gate": "gate", "reconciles": "reconciliation"})
def both(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Any]
) -> Iterator[dg.MaterializeResult[None]]:
    run.told.append("worked")
    for number, (asset, names) in enumerate(CHECKS.items(), start=1):
        yield dg.MaterializeResult(
            asset_key=asset,
            metadata={"rows": number},
            check_results=[
                dg.AssetCheckResult(passed=True, asset_key=asset, check_name=name) for name in names
            ],
        )


@dg.asset(deps=[both])
@step("one", then=lambda run: run.told.append("ended"))
def third(
    context: dg.AssetExecutionContext, run: dg.ResourceParam[Any]
) -> dg.MaterializeResult[None]:
    """Described by its own words."""
    run.told.append("worked")
    return dg.MaterializeResult(metadata={"rows": 3})


def run_job(run: Fake) -> tuple[dict[str, dict[str, Any]], dict[str, bool]]:
    """Metadata of each asset and outcome of each check."""
    done = dg.materialize([both, third], resources={"run": run})
    assets = {
        event.asset_key.to_user_string(): {
            name: value.value for name, value in event.materialization.metadata.items()
        }
        for event in done.get_asset_materialization_events()
    }
    checks = {one.check_name: one for one in done.get_asset_check_evaluations()}
    return assets, {name: check.passed for name, check in checks.items()}


def test_a_changed_run_does_the_work_of_every_step() -> None:
    run = Fake(is_unchanged=False)
    assets, checks = run_job(run)
    assert run.told == ["both", "worked", "one", "worked", "ended"]
    assert assets == {"first": {"rows": 1}, "second": {"rows": 2}, "third": {"rows": 3}}
    assert checks == {"publish_gate": True, "reconciles": True, "rows_are_few": True}


def test_an_unchanged_run_works_nothing_and_repeats_what_stands() -> None:
    run = Fake(is_unchanged=True)
    assets, checks = run_job(run)
    assert run.told == ["both", "one", "ended"]
    assert assets == {name: {"unchanged": True} for name in ("first", "second", "third")}
    assert checks == {"publish_gate": False, "reconciles": True, "rows_are_few": False}


def test_a_step_keeps_name_and_description_of_its_function() -> None:
    assert third.op.name == "third"
    assert third.descriptions_by_key[third.key] == "Described by its own words."

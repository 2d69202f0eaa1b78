"""The Dagster graph: what is in it, that it is wired, that every check has its asset."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import dagster as dg

import orchestration.defs
from ingestion.feeds import FEEDS
from orchestration.build import dbt


@cache
def graph() -> dg.Definitions:
    from orchestration.definitions import defs

    return defs()


def test_lineage_wires_itself_from_feed_to_page() -> None:
    assets = graph().resolve_asset_graph()
    for feed in FEEDS:
        assert dg.AssetKey(["raw", feed]) in assets.get_all_asset_keys()
    orders = dg.AssetKey(["raw", "orders"])
    site = dg.AssetKey(["published", "site"])
    ancestors = assets.get_ancestor_asset_keys(site)
    assert orders in ancestors
    assert dg.AssetKey(["marts", "fct_gmv_change"]) in ancestors


def test_nothing_of_the_folder_is_left_out() -> None:
    found: dict[str, set[str]] = {"asset": set(), "sensor": set()}
    for module in iter_modules(orchestration.defs.__path__, "orchestration.defs."):
        for value in vars(import_module(module.name)).values():
            if isinstance(value, dg.AssetsDefinition):
                found["asset"] |= {key.to_user_string() for key in value.keys}
            elif isinstance(value, dg.SensorDefinition):
                found["sensor"].add(value.name)
    assert all(found.values())
    keys = graph().resolve_asset_graph().materializable_asset_keys
    assert found["asset"] == {key.to_user_string() for key in keys}
    assert found["sensor"] == {sensor.name for sensor in graph().sensors or []}


def test_every_check_belongs_to_an_asset_of_the_graph() -> None:
    assets = graph().resolve_asset_graph()
    keys = assets.get_all_asset_keys()
    checks = assets.asset_check_keys
    assert checks
    assert {check.asset_key for check in checks} <= keys


def test_models_and_their_tests_are_the_assets_and_checks_that_dagster_dbt_makes() -> None:
    from dagster_dbt import DagsterDbtTranslator, dbt_assets

    from orchestration.defs.transform import transform

    @dbt_assets(manifest=dbt.prepare_manifest(), dagster_dbt_translator=DagsterDbtTranslator())
    def theirs() -> Iterator[Any]:
        yield from ()

    assets = {spec.key: spec for spec in transform.specs}
    assert len(assets) > 100
    assert assets.keys() == {spec.key for spec in theirs.specs}
    for spec in theirs.specs:
        mine = assets[spec.key]
        assert {one.asset_key for one in mine.deps} == {one.asset_key for one in spec.deps}
        assert mine.description == spec.description
        assert (mine.group_name, mine.kinds) == (spec.group_name, spec.kinds)
        assert mine.metadata.items() <= spec.metadata.items()
    checks = {spec.key: spec for spec in transform.check_specs}
    assert len(checks) > 200
    assert checks.keys() == {spec.key for spec in theirs.check_specs}
    for check in theirs.check_specs:
        own = checks[check.key]
        assert own.blocking == check.blocking
        assert {one.asset_key for one in own.additional_deps} == {
            one.asset_key for one in check.additional_deps
        }


def test_no_asset_is_in_the_default_group_or_without_a_description() -> None:
    assets = graph().resolve_asset_graph()
    for key in assets.materializable_asset_keys:
        node = assets.get(key)
        assert node.group_name != "default", key
        assert node.description, key


def test_there_is_one_job_on_one_schedule() -> None:
    job = graph().resolve_job_def("daily")
    assert job.executor_def is dg.in_process_executor
    schedule = graph().resolve_schedule_def("daily_schedule")
    assert schedule.cron_schedule == "0 6 * * *"
    assert schedule.default_status == dg.DefaultScheduleStatus.RUNNING
    assert graph().resolve_sensor_def("inbox_sensor").name == "inbox_sensor"

"""The Dagster graph: what is in it, that it is wired, that every check has its asset."""

from functools import cache

import dagster as dg

from ingestion.feeds import FEEDS


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


def test_every_check_belongs_to_an_asset_of_the_graph() -> None:
    assets = graph().resolve_asset_graph()
    keys = assets.get_all_asset_keys()
    checks = assets.asset_check_keys
    assert checks
    assert {check.asset_key for check in checks} <= keys


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

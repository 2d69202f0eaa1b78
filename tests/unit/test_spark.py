"""What a run on Spark asks for and says, without Spark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from orchestration.build import spark
from orchestration.config.sections import ShopFile, Spark
from orchestration.config.settings import PROJECT_ROOT, Paths, Settings
from orchestration.erasure import forget
from orchestration.erasure.erase import Journal
from orchestration.errors import KpiError
from orchestration.run import Run
from tests.support.exports import ORDERS, SHOP
from tests.support.homes import Home

SOURCES = {"shop": {**SHOP, "files": [{"path": "**/*.csv", "format": ORDERS}]}}
NAMED = {"name": "S", "currency": "CNY", "timezone": "Asia/Shanghai"}


def settings(root: Path, **build: object) -> Settings:
    (root / "shop.yml").touch()
    file = ShopFile.model_validate({"shop": NAMED, "sources": SOURCES, "build": build})
    return Settings(Paths(root), root / "shop.yml", file)


def java(folder: Path, version: str) -> None:
    script = folder / "java"
    script.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025' >&2\n")
    script.chmod(0o755)


@pytest.mark.parametrize(
    ("version", "said"),
    [("", "none was found"), ("11.0.2", "is version 11"), ("17.0.15", ""), ("25", "")],
)
def test_java_is_found_or_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, said: str
) -> None:
    monkeypatch.setattr(spark, "_is_there", lambda module: True)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin" if version else str(tmp_path))
    if version:
        java(tmp_path, version)
    if not said:
        spark.require(Spark())
        return
    with pytest.raises(KpiError, match=said) as raised:
        spark.require(Spark())
    assert "apt install openjdk-17" in raised.value.do_this


def test_a_thrift_server_needs_no_java_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "_is_there", lambda module: True)
    monkeypatch.setenv("PATH", "")
    spark.require(Spark(thrift="host:10000"))


def test_no_statement_is_sent_to_a_thrift_server_twice() -> None:
    profiles = yaml.safe_load((PROJECT_ROOT / "dbt_project/profiles.yml").read_text("utf-8"))
    assert profiles["kpi_warehouse"]["outputs"]["spark"]["query_retries"] == 0


def test_without_the_packages_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "_is_there", lambda module: module != "pyspark")
    with pytest.raises(KpiError, match="needs pyspark") as raised:
        spark.require(Spark())
    assert "'.[spark]'" in raised.value.do_this


def test_another_target_is_another_build(tmp_path: Path) -> None:
    ours = settings(tmp_path)
    theirs = ours.on("spark")
    assert (ours.file.build.target, theirs.file.build.target) == ("duckdb", "spark")
    assert theirs.file.build.limits(tmp_path) == ours.file.build.limits(tmp_path)
    assert theirs.code_fingerprint() != ours.code_fingerprint()
    assert ours.on("") is ours


def test_raw_is_the_landing_as_it_lies(tmp_path: Path) -> None:
    folder = Path("/shared/it's here")
    ledger = [
        {"status": "landed", "feeds": {"orders": 1}},
        {"status": "refused", "feeds": {"refunds": 1}},
    ]
    told = list(spark.raw_statements(settings(tmp_path), ledger, folder))
    assert "create schema marts location '/shared/it\\'s here/marts'" in told
    [orders] = [one for one in told if one.startswith("create table raw_landing.")]
    assert "orders" in orders and "paid_at timestamp" in orders and "order_id string" in orders
    assert orders.endswith(f"location '{tmp_path}/data/landing/orders'")
    [refunds] = [one for one in told if "view raw.refunds " in one]
    assert refunds.endswith("where false")
    assert told[-1].startswith("create view raw.daily_rows as select cast(null as string) as feed")


def test_settings_of_the_shop_reach_the_session(tmp_path: Path) -> None:
    one = settings(tmp_path, threads=3, spark={"conf": {"spark.speculation": "true"}})
    conf = spark._conf(one, tmp_path)
    assert conf["spark.master"] == "local[3]" and conf["spark.driver.host"] == "127.0.0.1"
    assert conf["spark.speculation"] == "true"
    assert conf["spark.sql.timestampType"] == "TIMESTAMP_NTZ"
    cluster = settings(tmp_path, spark={"master": "spark://h:7077", "folder": "/shared"})
    assert spark._conf(cluster, tmp_path)["spark.master"] == "spark://h:7077"
    assert "spark.driver.host" not in spark._conf(cluster, tmp_path)
    assert spark.folder_of(cluster).parent == Path("/shared")
    assert Path(conf["spark.local.dir"]).is_relative_to(tmp_path)


def test_shops_that_share_a_folder_do_not_delete_each_others_tables(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    a, b = (settings(tmp_path / name, spark={"folder": str(tmp_path)}) for name in "ab")
    (spark.folder_of(b) / "staging").mkdir(parents=True)
    spark.discard(a)
    assert spark.folder_of(b).exists()
    spark.discard(b)
    assert not spark.folder_of(b).exists()


def test_what_is_read_outside_dbt_is_loaded() -> None:
    code = "\n".join(
        file.read_text("utf-8")
        for file in (PROJECT_ROOT / "orchestration").rglob("*.py")
        if file.name != "spark.py"
    )
    assert set(re.findall(r"\b((?:staging|intermediate)\.\w+)", code)) == set(spark.READ)


def test_a_table_that_spark_did_not_write_is_missed(tmp_path: Path) -> None:
    with pytest.raises(KpiError, match=r"no table marts\.fct_orders"):
        spark.load(tmp_path / "working.duckdb", tmp_path, {"marts.fct_orders": "true"})


def test_what_a_killed_run_left_is_dropped_by_the_next_on_any_engine(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.settings.config_file.touch()
    left = spark.folder_of(home.settings) / "staging" / "stg_raw__orders"
    left.mkdir(parents=True)
    assert home.settings.file.build.target == "duckdb"
    Run(home.settings, "r1", "r1", as_of=None, full=False).begin_build()
    assert not left.exists()


def test_forgetting_a_person_drops_it_too(tmp_path: Path) -> None:
    home = Home(tmp_path)
    left = spark.folder_of(home.settings) / "staging" / "stg_raw__orders"
    left.mkdir(parents=True)
    forget._build(home.settings, home.state, Journal("e1", {}, {}, {}))
    assert not left.exists()

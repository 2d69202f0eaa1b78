"""Incremental equals full: after any sequence of arrivals, cell for cell, in every table.

The reference is the same SQL in full mode, so an error common to both is for other tests.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

import duckdb
import pytest

from tests.support.arrivals import START, Company
from tests.support.raw import PROJECT, build_models, read, run_dbt, write_raw

SCHEMAS = "('staging', 'intermediate', 'marts')"
# What most tables read, for walks of many steps.
CORE = ("fct_orders", "fct_order_items", "fct_sessions", "fct_funnel_daily", "fct_gmv_daily")


def differences(built: Path, reference: Path) -> dict[str, int]:
    """Rows that one file has and the other has not, by table, for the tables that differ."""
    with duckdb.connect() as con:
        con.execute(f"attach '{built}' as built (read_only)")
        con.execute(f"attach '{reference}' as reference (read_only)")
        tables = con.execute(
            "select distinct table_schema || '.' || table_name from information_schema.tables"
            f" where table_schema in {SCHEMAS} and table_catalog in ('built', 'reference')"
            " and table_type = 'BASE TABLE'"
        ).fetchall()
        assert len(tables) > 8
        found = {}
        for (table,) in tables:
            mine, other = f"built.{table}", f"reference.{table}"
            row = con.execute(
                f"select count(*) from ((from {mine} except all from {other})"
                f" union all (from {other} except all from {mine}))"
            ).fetchone()
            if row is not None and row[0]:
                found[table] = int(row[0])
    return found


def build(
    project: Path, file: Path, company: Company, *tables: str, full: bool = False, mixed: int = 0
) -> None:
    """One run on what has arrived so far; incremental where the file is a build already.

    Builds the tables, with all they need, or every table if none is named. With `mixed`, a seed,
    rows lie in another order than they came: no cell may depend on it.
    """
    frames = company.frames()
    if mixed:
        frames = {
            feed: rows.sample(fraction=1, shuffle=True, seed=mixed) for feed, rows in frames.items()
        }
    is_new = not file.exists()
    write_raw(file, frames, batches=company.ledger())
    if not (tables or full):  # as a run does it: by dbt the first time, then by what it sent
        build_models(file, full=is_new)
        return
    selection = [f"+{table}" for table in tables] or ["*"]
    left_out = ["--exclude-resource-type", "test", "unit_test"]
    options = [*left_out, "--full-refresh"] if full else left_out
    run_dbt(project, file, "build", "--select", "path:models/staging", *selection, *options)


def walk(
    project: Path, folder: Path, seed: int, steps: int, marts: tuple[str, ...] = ()
) -> Iterator[dict[str, int]]:
    """Build after each of some random arrivals; yields what differs from the full build.

    The first build is a full one itself: there is nothing to compare it with.
    """
    company, random = Company(seed), Random(seed)
    built, reference = (folder / name / "working.duckdb" for name in ("built", "reference"))
    for _ in range(4):
        company.step()
    for number in range(steps):
        build(project, built, company, *marts)
        if number:
            reference.unlink(missing_ok=True)
            build(project, reference, company, *marts, mixed=seed)
            yield differences(built, reference)
        company.step()
        if random.random() < 0.15:  # half of the tables anew: those below must notice
            build(project, built, company, "int_sessions_built", full=True)
            company.step()
        if random.random() < 0.3:  # a run that left the marts out; the next must make up for it
            build(project, built, company, "int_orders_rolled_up")
            company.step()


# Of seed 3 every build after the first is in part: by dbt, and by the statements it sent.
@pytest.mark.parametrize("seed", [*(pytest.param(n, marks=pytest.mark.long) for n in (1, 2)), 3])
def test_incremental_equals_full(seed: int, tmp_path: Path) -> None:
    for number, found in enumerate(walk(PROJECT, tmp_path, seed, steps=3)):
        assert found == {}, f"seed {seed}, build {number}"


@pytest.mark.long
@pytest.mark.parametrize("seed", [*range(100, 130), *range(200, 212)])
def test_incremental_equals_full_over_many_arrivals(seed: int, tmp_path: Path) -> None:
    steps, marts = (8, CORE) if seed < 200 else (6, ())
    for number, found in enumerate(walk(PROJECT, tmp_path, seed, steps, marts)):
        assert found == {}, f"seed {seed}, build {number}"


def test_a_refund_follows_its_rate_its_order_and_its_parcel(tmp_path: Path) -> None:
    # u: no rate is known but that of the day; s: its goods are corrected; w: its lines come later.
    company, at = Company(0), START + timedelta(hours=3)
    order = {"platform": "tmall", "shop_id": "s1", "ordered_at": at, "paid_at": at,
             "status": "shipped"}  # fmt: skip
    company._land(
        "orders",
        [
            {**order, "order_id": "u", "currency": "USD", "order_amount": 100},
            {
                **order,
                "order_id": "s",
                "currency": "CNY",
                "order_amount": 50,
                "shipping_amount": 50,
            },
            {**order, "order_id": "w", "currency": "CNY", "order_amount": None},
        ],
    )
    refund = {"refunded_at": at + timedelta(days=1), "kind": "refund_only", "status": "succeeded"}
    company._land(
        "refunds",
        [
            {**refund, "refund_id": one, "order_id": one, "amount": amount}
            for one, amount in (("u", 10), ("s", 30), ("w", 5))
        ],
    )
    company._land("fx_rates", [{"rate_date": START.date(), "currency": "USD", "rate": 7}])
    rate = company.batches[-1]
    built, reference = (tmp_path / name / "working.duckdb" for name in ("built", "reference"))
    tables = ("fct_refunds", "fct_sales_ladder_daily", "fct_orders")
    build(PROJECT, built, company, *tables)
    parts = "select refund_id, goods_amount, other_amount, is_after_shipping"
    found = f"{parts} from marts.fct_refunds order by 1"
    assert read(built, found).rows() == [
        ("s", Decimal("15.00"), Decimal("15.00"), True),
        ("u", Decimal("70.00"), Decimal("0.00"), True),
        ("w", None, None, True),
    ]
    company.seq += 1
    rate.is_active, rate.seq = False, company.seq
    company._land(
        "orders",
        [{**order, "order_id": "s", "currency": "CNY", "order_amount": 150, "shipping_amount": 50,
          "_version_at": at + timedelta(days=30)}],
        versioned=True,
    )  # fmt: skip
    company._land(
        "order_items",
        [{"order_id": "w", "line_number": 1, "product_id": "p", "quantity": 1, "unit_price": 40,
          "is_gift": False, "is_goods": True}],
    )  # fmt: skip
    company._land(
        "shipments",
        [{"shipment_id": "1", "order_id": "w", "carrier": "post",
          "shipped_at": at + timedelta(days=2)}],
    )  # fmt: skip
    build(PROJECT, built, company, *tables)
    # 30 x 150 / 200; w is all goods, and its parcel left a day after the money.
    assert read(built, found).rows() == [
        ("s", Decimal("22.50"), Decimal("7.50"), True),
        ("w", Decimal("5.00"), Decimal("0.00"), False),
    ]
    build(PROJECT, reference, company, *tables)
    assert differences(built, reference) == {}


# Forms of the pattern that are known to be wrong; the comparison must see each.
MUTATIONS = {
    # A day or key that has become empty keeps its old rows.
    "replaces only what the result holds": (
        "incremental_replace.sql",
        "' where ' ~ stale_rows(rule)",
        "' where (' ~ stale_rows(rule) ~ ') and ' ~ (rule.key or rule.day or '1')"
        " ~ ' in (select ' ~ (rule.key or rule.day or '1') ~ ' from ' ~ args.temp_relation ~ ')'",
    ),
    # The day a row has left is not told downstream.
    "logs only the new rows": (
        "incremental_replace.sql",
        "' (select ' ~ compared ~ ' from ' ~ stale ~ ' except all select '",
        "' (select ' ~ compared ~ ' from ' ~ stale ~ ' where false except all select '",
    ),
    # A refund, line or purchase keeps the order that its name stood for when it came.
    "names are not looked up again": (
        "latest_versions.sql",
        "{% for upstream in rule.affected %}",
        "{% for upstream in [] %}",
    ),
    # Later orders of a customer keep their number.
    "no suffix": ("incremental_scope.sql", "config.meta.replace.suffix", "config.meta.nothing"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", list(MUTATIONS))
def test_the_comparison_sees_a_wrong_form(name: str, tmp_path: Path) -> None:
    seen = mutated_walk(name, tmp_path, seeds=range(100, 106), steps=8)
    assert seen, f"{name}: not seen"


@pytest.mark.long
def test_the_comparison_sees_stale_days(tmp_path: Path) -> None:
    assert mutated_walk("replaces only what the result holds", tmp_path, range(1, 4), steps=5)


def mutated_walk(name: str, folder: Path, seeds: range, steps: int) -> bool:
    """Whether random arrivals show the mutation of this name to be wrong."""
    project = folder / "dbt_project"
    shutil.copytree(PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    file, right, wrong = MUTATIONS[name]
    macro = project / "macros" / "incremental" / file
    assert right in macro.read_text()
    macro.write_text(macro.read_text().replace(right, wrong))
    return any(
        found
        for seed in seeds
        for found in walk(project, folder / str(seed), seed, steps, marts=CORE[:3])
    )

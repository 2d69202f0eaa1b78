"""A simulated company's parcels, service, live rooms and orders, built to the marts of service.

Belongs here: which of its files these marts need, and a build of them. Visits are left out, which
are most of its data; what is planted in them is asked of a whole run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import yaml

from orchestration.build.dbt import variables
from orchestration.build.raw import create_raw
from orchestration.config.sections import ShopFile
from orchestration.config.settings import Paths, Settings
from orchestration.ledger.inbox import land_new_files
from orchestration.ledger.state import State
from tests.support.raw import PROJECT, run_dbt

EXAMPLE = Path(__file__).parents[2] / "shop.example.yml"
STREAMS = ("tmall/ExportOrder*", "shopify/orders_export*", "*/refunds*", "*/shipments*",
           "*/tickets*", "*/reviews*", "tmall/live_sessions*", "tmall/order_costs*",
           "tmall/settlements*", "erp/service_health*")  # fmt: skip
MARTS = ("fct_fulfilment_daily", "fct_after_sales_daily", "fct_live_sessions", "fct_refunds",
         "fct_risk_signals", "fct_service_health_daily", "fct_settlements_daily",
         "orphans_daily")  # fmt: skip


def build_served(
    root: Path, exports: Path, streams: Sequence[str] = STREAMS, marts: Sequence[str] = MARTS
) -> Path:
    """Build file with the marts of service of a simulated company.

    Args:
        root: a folder that holds nothing, or is not yet there.
        exports: data folder of the simulation.
        streams: patterns below its inbox of the files to land.
        marts: tables to build, with all they need.
    """
    shop = EXAMPLE.read_text("utf-8")
    root.mkdir(parents=True, exist_ok=True)
    (root / "shop.yml").write_text(shop, "utf-8")
    file = ShopFile.model_validate(yaml.safe_load(shop))
    settings = Settings(Paths(root), root / "shop.yml", file)
    settings.paths.make()
    key = settings.paths.state / "pseudonym.key"
    key.touch(mode=0o600)
    key.write_text("5eed" * 16)
    for pattern in streams:
        for path in sorted((exports / "inbox").glob(pattern)):
            place = settings.paths.inbox / path.parent.name / path.name
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)
    state = State(settings.paths.state)
    land_new_files(settings, state)
    build = settings.paths.working_build
    with duckdb.connect(build) as con:
        create_raw(
            con, settings.paths.landing, state.files(), settings.sources, date.max,
            calendar=file.calendar,
        )  # fmt: skip
    run_dbt(
        PROJECT, build, "build", "--full-refresh", "--exclude-resource-type", "unit_test", "test",
        "--select", *(f"+{mart}" for mart in marts), vars=json.loads(variables(settings)[1]),
    )  # fmt: skip
    return build

# ruff: noqa: F401, E402 - imported to be there
"""What the server of commands imports before it forks: nothing here reads a shop or a file."""

import sys

# Where the extra `spark` is installed, Great Expectations imports pyspark, which takes a process
# whose main module is no file for one of its doctests, and ends it.
sys.modules["__main__"].__file__ = __file__

import dagster
import dbt.adapters.duckdb
import dbt.cli.main
import great_expectations.expectations
import pandera.polars
import plotly.graph_objects

import ingestion.landing.deliveries
import ingestion.landing.land
import orchestration.alerting.alerts
import orchestration.cli.main
import orchestration.cli.show
import orchestration.definitions
import orchestration.ledger.inbox
import orchestration.run

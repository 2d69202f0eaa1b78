# ruff: noqa: F401 - imported to be there
"""What the server of commands imports before it forks: nothing here reads a shop or a file."""

import dagster
import dagster_dbt
import dbt.adapters.duckdb
import dbt.cli.main
import great_expectations.expectations
import pandera.polars
import plotly.graph_objects

import ingestion.landing.deliveries
import orchestration.alerting.alerts
import orchestration.cli.main
import orchestration.cli.show
import orchestration.definitions
import orchestration.ledger.inbox
import orchestration.run

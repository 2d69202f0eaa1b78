"""Exports of the platforms in, immutable Parquet batches out.

Belongs here: reading a file as its format says, mapping it to a canonical feed, replacing personal
data by keyed pseudonyms, validating, writing a landing batch.
Does not belong here: DuckDB, dbt, Dagster, clocks, the environment, anything about marts.
"""

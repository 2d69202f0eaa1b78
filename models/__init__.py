"""Statistics that SQL cannot say: frames in, frames out.

Belongs here: estimators and detectors as pure functions of polars frames.
Does not belong here: files, DuckDB, Dagster, Plotly, sentences for people.
"""

"""Dagster definitions, found automatically; one module a concept."""

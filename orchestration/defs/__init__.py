"""Dagster definitions, composed by `orchestration.definitions`; one module a concept."""

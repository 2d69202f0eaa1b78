"""dbt's `adapter` for the linter: dispatch to the macros of DuckDB."""

from collections.abc import Callable
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, name: str) -> Callable[..., Any]:
    """The DuckDB form of a dispatched macro."""
    return context.resolve(f"duckdb__{name}")

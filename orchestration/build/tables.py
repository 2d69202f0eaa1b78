"""The tables that a run itself writes, as `tables.yml` beside this file describes them."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_name("tables.yml")


@cache
def _described() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_text("utf-8"))
    return found


def written(schema: str) -> dict[str, str]:
    """Tables of a schema that a run writes: name -> what a row of it is."""
    return {
        name.removeprefix(f"{schema}."): table["description"]
        for name, table in _described().items()
        if name.startswith(f"{schema}.")
    }


def comments() -> dict[str, str]:
    """Descriptions as `warehouse.write_generation` takes them: "schema.table[.column]" -> text."""
    found = {}
    for name, table in _described().items():
        found[name] = table["description"]
        found |= {f"{name}.{column}": text for column, text in table["columns"].items()}
    return found

"""`kpi export docs` and `kpi export semantic`: what the tables and metrics mean, as files.

The pages are dbt's own, one file that loads nothing from anywhere; the diagram is of the tests; the
semantic models are those of MetricFlow, which dbt reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.build import dbt, erd, warehouse
from orchestration.build.registry import registry
from orchestration.build.semantic import semantic_models
from orchestration.cli.console import console
from orchestration.config import settings
from orchestration.config.settings import DBT_PROJECT_DIR
from orchestration.errors import KpiError

_COLUMNS = """
    select
        columns.schema_name, columns.table_name, columns.column_name,
        columns.data_type, columns.comment, tables.comment as told, tables.estimated_size
    from duckdb_columns() as columns
    inner join duckdb_tables() as tables using (schema_name, table_name)
    where columns.schema_name in (select unnest(?))
    order by columns.schema_name, columns.table_name, columns.column_index
"""


def export_docs(out: Path | None) -> None:
    """Write the documentation of the tables: pages with their lineage, and the diagram."""
    paths = settings.load().paths
    dbt.prepare_manifest()
    manifest = dbt.manifest()
    with warehouse.connect_published(paths.current) as con:
        tables = described(con)
    written = {
        "index.html": static_pages(manifest, tables),
        "erd.md": erd.page(manifest),
    }
    _write(out or paths.data / "export" / "docs", written)


def export_semantic(out: Path | None) -> None:
    """Write the definitions of the registry as semantic models."""
    dbt.prepare_manifest()
    models = semantic_models(dbt.manifest(), registry())
    text = yaml.safe_dump(models, allow_unicode=True, sort_keys=False, width=100)
    _write(out or settings.load().paths.data / "export", {"semantic.yml": text})


def _write(folder: Path, written: Mapping[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in written.items():
        (folder / name).write_text(text, encoding="utf-8")
    console.document({"folder": str(folder), "files": list(written)})
    console.out(f"{', '.join(written)} written to {folder}")


def described(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Published table -> its description, rows and columns (name, type, description)."""
    found: dict[str, dict[str, Any]] = {}
    for schema, table, column, kind, comment, told, rows in con.execute(
        _COLUMNS, [list(warehouse.PUBLISHED_SCHEMAS)]
    ).fetchall():
        entry = {"description": told, "rows": rows, "columns": []}
        columns = found.setdefault(f"{schema}.{table}", entry)["columns"]
        columns.append({"name": column, "type": kind, "description": comment})
    return found


def static_pages(manifest: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Dbt's documentation as one page: its own program, this project and what is published.

    Args:
        manifest: of dbt, which is told to count nobody.
        tables: as `described` gives them.

    Raises:
        KpiError: this version of dbt has another page.
    """
    page = (resources.files("dbt") / "task/docs/index.html").read_text("utf-8")
    silent = {**manifest["metadata"], "send_anonymous_usage_stats": False}
    parts = {
        "MANIFEST": {**manifest, "metadata": silent},
        "CATALOG": {"metadata": {}, "nodes": _catalog(manifest, tables), "sources": {},
                    "errors": None},
    }  # fmt: skip
    for name, content in parts.items():
        place = f'"{name}.JSON INLINE DATA"'
        if page.count(place) != 1:
            raise KpiError("dbt's page has changed", "dbt docs", "Use the pinned version of dbt.")
        told = json.dumps(content, ensure_ascii=False).replace(str(DBT_PROJECT_DIR), "dbt_project")
        page = page.replace(place, told.replace("</", "<\\/"))  # no description ends the script
    return page


def _catalog(
    manifest: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    nodes = {}
    for unique_id, node in manifest["nodes"].items():
        name = f"{node['schema']}.{node['name']}"
        if node["resource_type"] not in ("model", "seed") or name not in tables:
            continue
        told = tables[name]
        nodes[unique_id] = {
            "unique_id": unique_id,
            "metadata": {"type": "BASE TABLE", "schema": node["schema"], "name": node["name"],
                         "database": None, "comment": told["description"], "owner": None},
            "columns": {
                column["name"]: {"type": column["type"], "index": place, "name": column["name"],
                                 "comment": column["description"]}
                for place, column in enumerate(told["columns"], 1)
            },
            "stats": {
                "has_stats": {"id": "has_stats", "label": "Has stats?", "value": True,
                              "include": False, "description": ""},
                "rows": {"id": "rows", "label": "Rows", "value": told["rows"], "include": True,
                         "description": "Rows when this was written"},
            },
        }  # fmt: skip
    return nodes

"""Where visits came from that no rule of channels knows, for `kpi doctor`.

Belongs here: reading them from the last good build. Does not belong here: the rules.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

_SQL = """
    select
        coalesce(utm_source, '(none)') || ' / ' || coalesce(utm_medium, '(none)') as tagged,
        count(*) as session_count,
        sum(count(*)) over () as all_sessions
    from intermediate.int_sessions_built
    where channel = 'other'
    group by all
    order by session_count desc, tagged
    limit 10
"""


def other_visits(build: Path) -> tuple[int, list[tuple[str, int]]]:
    """Sessions of channel `other` over all days: how many, and the ten commonest tags of them.

    Args:
        build: build file of the last good run; without one there is nothing to tell.
    """
    if not build.exists():
        return 0, []
    try:
        with duckdb.connect(str(build), read_only=True) as con:
            rows = con.execute(_SQL).fetchall()
    except (duckdb.IOException, duckdb.CatalogException, duckdb.BinderException):
        return 0, []  # a build under way, or one of an earlier version: the next run mends it
    return (int(rows[0][2]) if rows else 0), [(str(tag), int(count)) for tag, count, _ in rows]

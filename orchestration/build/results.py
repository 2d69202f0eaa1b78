"""What came of the nodes of a dbt build, in dbt's words but without dbt.

To import dbt and to read what it has parsed takes seconds, and a run that repeats what dbt has sent
before needs neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Result:
    """What came of one node.

    Attributes:
        unique_id: of the node.
        status: `success`, `error` or `skipped`; of a test `pass`, `fail`, `warn`, `error` or
            `skipped`.
        message: what dbt says of it.
        failures: rows that a test found.
        execution_time: seconds.
        compiled_code: what was run of it, the statement around it left out.
    """

    unique_id: str
    status: str
    message: str | None = None
    failures: int | None = None
    execution_time: float = 0.0
    compiled_code: str | None = None


def of_dbt(result: Any) -> Result:
    """A result as dbt itself gives it."""
    return Result(
        result.node.unique_id,
        str(result.status),
        result.message,
        result.failures,
        result.execution_time,
        getattr(result.node, "compiled_code", None),
    )


def write(results: Iterable[Result], file: Path) -> None:
    """Write results where, and as far as anybody reads it as, dbt would."""
    file.write_text(json.dumps({"results": [asdict(result) for result in results]}), "utf-8")

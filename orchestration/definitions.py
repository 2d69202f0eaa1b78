"""The code location: composes what `defs/` holds, nothing else."""

from pathlib import Path

import dagster as dg


@dg.definitions
def defs() -> dg.Definitions:
    """All definitions of `orchestration/defs`."""
    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)

"""What an installation does once, and else the first run: dbt parses the project and words a build.

Run: python -m orchestration.prepare
"""

from __future__ import annotations

import contextlib
import io
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestration.config import settings
from orchestration.run import open_run


def prepare() -> None:
    """Let dbt build the demo's shop without data; `orchestration.build.dbt` keeps what it sends."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copyfile(settings.DEMO_CONFIG, home / "shop.yml")
        settings.choose(home, None)
        with (
            open_run(settings.load(), full=True) as run,
            contextlib.redirect_stdout(io.StringIO()),
        ):
            run.transform(run.begin_build(), run.paths.build / "dbt_target")


if __name__ == "__main__":
    prepare()

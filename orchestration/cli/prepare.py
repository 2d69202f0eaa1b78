"""What an installation does once, and the first run does without it: dbt words the builds.

dbt parses the project and renders each model; what it sends is kept and sent again, see
`orchestration.build.kept_builds`. Run: python -m orchestration.cli.prepare
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
    """Let dbt build the demo's shop without data in a folder that is thrown away."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        shutil.copyfile(settings.DEMO_CONFIG, home / "shop.yml")
        settings.choose(home, None)
        quiet = contextlib.redirect_stdout(io.StringIO())
        with open_run(settings.load(), full=True) as run, quiet:
            run.transform(run.begin_build(), run.paths.build / "dbt_target")


if __name__ == "__main__":
    prepare()

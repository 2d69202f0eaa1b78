"""Commands of `kpi`, each in a process of its own that need not import everything anew.

A server imports what commands import, once a test worker, and forks a process for each command. A
test that is about the start of the program itself runs the interpreter, see `shop.process`.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.support.commands_imported"])


def run_command(
    arguments: Sequence[str], environment: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run `kpi` with these arguments to its end, as `subprocess.run` would with its output."""
    with TemporaryDirectory() as folder:
        out, err = Path(folder) / "out", Path(folder) / "err"
        told = (list(arguments), dict(environment), str(Path.cwd()), out, err)
        process = _SERVER.Process(target=_command, args=told)
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(list(arguments), timeout)
        return subprocess.CompletedProcess(
            list(arguments), process.exitcode, out.read_text("utf-8"), err.read_text("utf-8")
        )


def _command(
    arguments: list[str], environment: dict[str, str], folder: str, out: Path, err: Path
) -> None:
    """Become the command: its environment, its folder, its output."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for number, file in ((1, out), (2, err)):
        handle = os.open(file, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(handle, number)
        os.close(handle)
    # Not those of the server, which wrote what is left in them elsewhere.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    sys.argv = ["kpi", *arguments]
    if "run" in arguments:
        _have_reader()

    from orchestration.cli.main import app

    app(arguments)


def _have_reader() -> None:
    """Fork the process that reads files, which need not import anew what is imported here."""
    from ingestion.reading import apart

    told, tells = os.pipe(), os.pipe()
    pid = os.fork()
    if not pid:
        os.close(told[1])
        apart.serve(os.fdopen(told[0], "rb"), os.fdopen(tells[1], "wb"))
    os.close(told[0])
    os.close(tells[1])
    process = SimpleNamespace(
        kill=lambda: os.kill(pid, signal.SIGKILL),
        wait=lambda: os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]),
    )
    pipes = os.fdopen(told[1], "wb"), os.fdopen(tells[0], "rb")
    apart._idle.append(apart.Child(process, *pipes))

"""Files read in a process of its own, so that a file can at most be refused.

Belongs here: that process, its limits of memory and time, what is said where a file is beyond them.
Does not belong here: what is done with a file (whoever calls says that), caps that are known before
reading (`archive.py` and the module of each kind).

The process is warm: one does file after file, and each thread that asks has its own. It ends with
whoever started it, also if that is killed.
"""

from __future__ import annotations

import importlib
import itertools
import os
import pickle
import queue
import resource
import signal
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol, TypeVar

from ingestion.errors import FileRejected

Item = TypeVar("Item")
Answer = TypeVar("Answer")

# Seconds of processor that reading may take: far more than the slowest format needs.
_SECONDS, _SECONDS_A_MB = 120, 10
_START = "import sys; from ingestion.reading.apart import serve_standard; serve_standard(sys.argv)"
# How engines end that get no more memory: 1 is Python's own way, here and below.
_OUT_OF_MEMORY = (1, -signal.SIGABRT, -signal.SIGKILL)
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Process(Protocol):
    """What is asked of a started process; `subprocess.Popen` is one."""

    def kill(self) -> None:
        """End it."""

    def wait(self) -> int:
        """Wait for its end; its exit code, below zero the signal that ended it."""


class Elsewhere(Exception):  # noqa: N818 - where an error was raised, not one itself
    """Where in the other process an error was raised; it holds no value of a row."""


class Child:
    """A process that does work on files.

    Args:
        process: the process, which runs `serve`.
        told: where it reads what to do.
        tells: where it writes what came of it.
    """

    def __init__(self, process: Process, told: IO[bytes], tells: IO[bytes]) -> None:
        self._process, self._told, self._tells = process, told, tells
        self._work = 0

    @classmethod
    def start(cls, *modules: str) -> Child:
        """Start one, which imports these modules while nobody waits for it."""
        process = subprocess.Popen(  # noqa: S603 - this interpreter, no shell
            [sys.executable, "-P", "-c", _START, *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert process.stdin is not None and process.stdout is not None
        return cls(process, process.stdin, process.stdout)

    def do(self, number: int, work: bytes, item: Any, limits: tuple[int, int]) -> Any:
        """Do the pickled work of this number on an item, within MiB and seconds.

        Raises:
            EOFError: it died of it.
            Exception: what the work raised.
        """
        told = pickle.dumps((b"" if number == self._work else work, item, limits))
        try:
            self._told.write(told)
            self._told.flush()
            is_good, answer, where = pickle.load(self._tells)  # noqa: S301 - of our own process
        except (BrokenPipeError, pickle.UnpicklingError) as error:
            raise EOFError from error
        self._work = number
        if is_good:
            return answer
        raise answer from Elsewhere(where)

    def end(self) -> int:
        """End it; returns how it ended."""
        self._process.kill()
        for pipe in (self._told, self._tells):
            try:
                pipe.close()
            except BrokenPipeError:  # what was not sent
                continue
        return self._process.wait()

    def last_code(self) -> int:
        """How one that is gone has ended."""
        code = self._process.wait()
        self.end()
        return code


_idle: list[Child] = []
_numbers = itertools.count(1)


def warm(*modules: str) -> None:
    """Start a process for the first file, and let it import these modules meanwhile."""
    if not _idle:
        _idle.append(Child.start(*modules))


def end() -> None:
    """End the processes that wait for work, and give back their memory."""
    while _idle:
        _idle.pop().end()


@contextmanager
def apart(
    work: Callable[[Item], Answer], memory_mib: int
) -> Iterator[Callable[[Item, Path], Answer]]:
    """Do work on files in processes of their own, one for each thread that asks.

    Args:
        work: a function of a module, or a `partial` of one, of one argument.
        memory_mib: MiB that work on one file may take.

    Yields:
        A function of an item and the file it is about. It returns what the work returns, raises
        what it raises, and `FileRejected` where it took more memory or time than one file may.
    """
    number, packed = next(_numbers), pickle.dumps(work)

    def ask(item: Item, path: Path) -> Answer:
        size = path.stat().st_size if path.exists() else 0
        seconds = _SECONDS + size * _SECONDS_A_MB // 10**6
        child = _idle.pop() if _idle else Child.start()
        try:
            answer: Answer = child.do(number, packed, item, (memory_mib, seconds))
        except EOFError:
            raise _beyond(path, child.last_code(), memory_mib, seconds) from None
        except Exception:
            _idle.append(child)
            raise
        except BaseException:  # interrupted: what it is at is of no use
            child.end()
            raise
        _idle.append(child)
        return answer

    yield ask


def _beyond(path: Path, code: int, memory_mib: int, seconds: int) -> FileRejected:
    if code == -signal.SIGXCPU:
        what = f"takes more than the {seconds:,} seconds of processor that one file may take"
    elif code in _OUT_OF_MEMORY:
        what = f"takes more than the {memory_mib:,} MiB of memory that one file may take"
    else:
        what = "ends the program that reads it"
    return FileRejected(
        what,
        path.name,
        "It, or an expression of its mapping, makes far more of its rows than its size tells.",
        "Look into it; if it is genuine, deliver it in parts or raise build.file_memory.",
    )


# In the other process -------------------------------------------------------------------------


def serve_standard(arguments: list[str]) -> None:
    """Serve on standard input and output; what libraries print goes nowhere, it may quote rows."""
    told, tells = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    for name in arguments[1:]:
        importlib.import_module(name)
    serve(told, tells)


def serve(told: IO[bytes], tells: IO[bytes]) -> None:
    """Do work as it is told, until there is nobody to tell any."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the whole group: who asks decides
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core would hold personal data
    warnings.simplefilter("ignore")
    messages: queue.Queue[Any] = queue.Queue()
    # Read beside the work: that nobody is there any more is seen at once.
    threading.Thread(target=_listen, args=(told, messages), daemon=True).start()
    work: Callable[[Any], Any] | None = None
    while True:
        packed, item, limits = messages.get()
        answer: tuple[bool, Any, str]
        try:
            _unlimit()  # what is read and imported for the work is no file's doing
            if packed:
                work = pickle.loads(packed)  # noqa: S301 - of the process that started this one
            assert work is not None
            _limit(*limits)
            answer = (True, work(item), "")
        except MemoryError:
            os._exit(1)
        except Exception as error:
            answer = (False, error, "".join(traceback.format_tb(error.__traceback__)))
        except BaseException:  # a panic of an engine, whose words may quote rows
            os._exit(1)
        tells.write(_packed(answer))
        tells.flush()


def _packed(answer: tuple[bool, Any, str]) -> bytes:
    """An answer as bytes; of an error that cannot be sent, its kind."""
    is_good, content, where = answer
    if is_good:
        return pickle.dumps(answer)
    try:
        packed = pickle.dumps(answer)
        pickle.loads(packed)  # noqa: S301 - what was packed just now
    except Exception:
        return pickle.dumps((False, RuntimeError(type(content).__name__), where))
    return packed


def _listen(told: IO[bytes], messages: queue.Queue[Any]) -> None:
    try:
        while True:
            messages.put(pickle.load(told))  # noqa: S301 - of the process that started this one
    except BaseException:
        os._exit(0)


def _unlimit() -> None:
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU):
        _, most = resource.getrlimit(kind)
        resource.setrlimit(kind, (most, most))


def _limit(memory_mib: int, seconds: int) -> None:
    """Let this process take so much more than it has by now."""
    if sys.platform == "linux":
        taken = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * _PAGE
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (taken + (memory_mib << 20), most))
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + seconds
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until, most))

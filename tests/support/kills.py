"""Work of this process ended at one of its writes, as a kill ends it.

An audit hook of the interpreter ends it: from the n-th write on, none is carried out, also not
those of `finally`. That is what a kill leaves, without a new process for each of them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

_CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.chmod",
            "os.truncate", "sqlite3.connect"}  # fmt: skip


class Killed(BaseException):
    """No `except Exception` catches it."""


class Kill:
    """Lets so many writes of this process happen, and then none until it is over."""

    def __init__(self) -> None:
        self.left: int | None = None
        sys.addaudithook(self._on)

    def _on(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.left is None:
            return
        if event == "open":
            _, mode, flags = arguments
            is_write = bool(flags & (os.O_WRONLY | os.O_RDWR) or set(mode or "") & set("wax+"))
        else:
            is_write = event in _CHANGES
        if is_write:
            self.left -= 1
            if self.left < 0:
                raise Killed(event)

    def during(self, work: Callable[[], object], writes: int) -> bool:
        """Do the work up to so many writes; whether it was killed."""
        self.left = writes
        try:
            work()
        except Killed:
            return True
        finally:
            self.left = None
        return False


KILL = Kill()

"""What this machine lets a process have: cores and memory, of the machine or of its container."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

# Where a container's limit stands, of both versions of control groups; "max" is none.
_CGROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def cores() -> int:
    """Cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_mib() -> int:
    """MiB of memory: those of the machine, or of its container if that has fewer."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for file in _CGROUP:
        told = file.read_text("ascii").strip() if file.exists() else ""
        if told.isdigit():
            limits.append(int(told))
    return min(limits) >> 20


def free_disk_mib(folder: Path) -> int:
    """MiB that are free on the disk of a folder, which need not be there yet."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free >> 20

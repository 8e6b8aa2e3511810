"""Who is at work: names a process so that others on the same machine can tell when it is gone."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import uuid
from pathlib import Path
from typing import Final

_KERNEL: Final = Path("/proc/sys/kernel/random/boot_id")
_NUMBERS: Final = Path("/proc/self/ns/pid")


def new_owner() -> str:
    """Return a name for this process and this opening of the journal."""
    return f"{_place()}|{os.getpid()}|{uuid.uuid4().hex}"


def is_gone(owner: str) -> bool:
    """Return whether the process behind a name has certainly ended.

    Only a process that shares this one's numbers can be judged; of any other, and of one whose number is in use
    again, the answer is no, and its claims hold until their lease runs out.
    """
    place, _, rest = owner.partition("|")
    number = rest.partition("|")[0]
    if place != _place() or not number.isdigit():
        return False
    with contextlib.suppress(PermissionError):
        try:
            os.kill(int(number), 0)
        except (ProcessLookupError, OverflowError):
            return True
    return False


@functools.cache
def _place() -> str:
    """Name what process numbers belong to: this start of this machine, and on Linux the container.

    A host's name is not enough: containers of one name count their processes apart, and many machines are called
    localhost.
    """
    with contextlib.suppress(OSError):
        return f"{platform.node()}/{_KERNEL.read_text(encoding='ascii').strip()}/{_NUMBERS.stat().st_ino}"
    return f"{platform.node()}/{uuid.getnode():x}"

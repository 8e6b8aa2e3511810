"""Who is at work: names a process so that others on the same machine can tell when it is gone."""

from __future__ import annotations

import contextlib
import os
import socket
import uuid


def new_owner() -> str:
    """Return a name for this process and this opening of the journal."""
    return f"{socket.gethostname()}|{os.getpid()}|{uuid.uuid4().hex}"


def is_gone(owner: str) -> bool:
    """Return whether the process behind a name has certainly ended.

    Only a process on this machine can be judged; of any other, and of one whose number is in use again, the answer is
    no, and its claims hold until their lease runs out.
    """
    host, _, rest = owner.partition("|")
    number = rest.partition("|")[0]
    if host != socket.gethostname() or not number.isdigit():
        return False
    with contextlib.suppress(PermissionError):
        try:
            os.kill(int(number), 0)
        except (ProcessLookupError, OverflowError):
            return True
    return False

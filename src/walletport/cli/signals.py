"""Ctrl-C and SIGTERM for commands that work for long."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

INTERRUPTED: Final = 130
"""The exit status after Ctrl-C."""


@contextmanager
def stopped_by_signals(stopping: asyncio.Event, say: Callable[[str], None]) -> Iterator[None]:
    """End in order at the first Ctrl-C or SIGTERM, and at once at the second: that is safe as well.

    Args:
        stopping: set at the first.
        say: tells the user.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def stop() -> None:
        if stopping.is_set() and task is not None:
            task.cancel()
            return
        stopping.set()
        say("Stopping: what is in flight comes to its answer first. Once more ends at once.")

    signals = () if sys.platform == "win32" else (signal.SIGINT, signal.SIGTERM)  # its event loop hears none
    for one in signals:
        loop.add_signal_handler(one, stop)
    try:
        yield
    finally:
        for one in signals:
            loop.remove_signal_handler(one)

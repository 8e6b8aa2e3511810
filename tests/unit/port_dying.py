"""A process that is killed at work; a module of its own, so that another process can import it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess

from walletport import Config, Port


def started(config: Config, order: dict[str, str], *, dies_after_the_order: bool) -> BaseProcess:
    """Start a process that gives an order, and kills itself then or carries on whatever is left."""
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(config, order, dies_after_the_order))
    process.start()
    return process


def _work(config: Config, order: dict[str, str], dies_after_the_order: bool) -> None:
    port = Port(config, recovers=False)
    port.provision(**order)
    if dies_after_the_order:
        os.kill(os.getpid(), signal.SIGKILL)
    port.recover(wait=60)

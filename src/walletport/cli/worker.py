"""`walletport worker`: carries out bulk work and switches together with others."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Annotated, Final

import typer

from walletport.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile
from walletport.cli.output import errors_shown
from walletport.cli.signals import stopped_by_signals
from walletport.cli.watching import say

_IN_FLIGHT: Final = 32


def worker(
    *,
    in_flight: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Orders of one account at a time.")
    ] = _IN_FLIGHT,
    config: ConfigFile = DEFAULT_CONFIG,
    as_json: AsJson = False,
) -> None:
    """Carry out shared bulk work and switches until Ctrl-C or SIGTERM.

    Any number of workers, on any number of machines, share a journal in PostgreSQL. What is in flight is brought to an
    answer at the end, and the rest handed back.
    """
    with errors_shown(as_json=as_json):
        asyncio.run(_run(config, in_flight))


async def _run(config: Path, in_flight: int) -> None:
    from walletport.config import load_config  # noqa: PLC0415 - a database is a lot to load for --version
    from walletport.jobs.worker import BODIES, Worker  # noqa: PLC0415
    from walletport.switching import moving, run  # noqa: PLC0415

    # It logs each failed connection with a traceback; what matters is said in one line.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    stopping = asyncio.Event()
    with stopped_by_signals(stopping, say):
        bodies = {**BODIES, run.KIND: moving.shared_body}
        await Worker(load_config(config), stopping, in_flight, bodies).run(lambda: say("This worker takes orders."))

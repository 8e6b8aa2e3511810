"""From the name of a configuration file to its accounts and journal, and back to the shell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from walletport.journal import Journal
    from walletport.provisioning.port import Port


@contextmanager
def opened(config: Path, *, recovers: bool = False) -> Iterator[Port]:
    """Open the accounts and the journal of a configuration file, and close them.

    Args:
        config: the file.
        recovers: whether orders that a dead process left behind are carried on in the background: for commands that
            send orders, and not for those that look.
    """
    from walletport.config import load_config  # noqa: PLC0415 - a database is a lot to load for --version
    from walletport.provisioning.port import Port  # noqa: PLC0415

    with Port(load_config(config), recovers=recovers) as port:
        yield port


@contextmanager
def opened_journal(config: Path) -> Iterator[Journal]:
    """Open only the journal of a configuration file, and close it."""
    from walletport.config import load_config  # noqa: PLC0415
    from walletport.journal import Journal  # noqa: PLC0415

    with Journal.open(load_config(config).journal) as journal:
        yield journal

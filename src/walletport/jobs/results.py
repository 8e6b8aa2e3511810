"""Results as they come: a line for each order that has ended, as CSV or as JSON lines."""

from __future__ import annotations

import contextlib
import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from walletport.errors import ConfigurationError
from walletport.models import Wallet

if TYPE_CHECKING:
    from walletport.journal import ResultRow

COLUMNS: Final = (
    "line",
    "user",
    "chain",
    "asset",
    "reference",
    "account",
    "state",
    "wallet_id",
    "address",
    "customer_id",
    "order",
    "error",
    "message",
)
_JSON: Final = (".jsonl", ".ndjson")


class ResultFile:
    """A file of results, which begins anew: what the journal knows already stands first in it.

    Args:
        path: where to; its suffix says how: ``.csv``, or ``.jsonl`` and ``.ndjson``.

    Raises:
        ConfigurationError: the suffix is another, or the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix.lower() not in (".csv", *_JSON):
            msg = f"{path}: results are written as .csv or .jsonl: name the file so"
            raise ConfigurationError(msg)
        try:
            self._file = path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            msg = f"{path}: cannot be written ({error.strerror or 'it is no file'})"
            raise ConfigurationError(msg) from None
        self._path = path
        self._table = None if path.suffix.lower() in _JSON else csv.writer(self._file, lineterminator="\n")
        if self._table is not None:
            self._table.writerow(COLUMNS)
        try:
            self.write([])  # a disk that is full is told before anything is sent
        except ConfigurationError:
            self._close()
            raise

    def write(self, rows: Iterable[ResultRow]) -> None:
        """Write results, and hand them to the operating system.

        Raises:
            ConfigurationError: there is no room left, or the disk fails.
        """
        try:
            for row in rows:
                told = result_of(row)
                if self._table is None:
                    self._file.write(json.dumps(told) + "\n")
                else:
                    self._table.writerow(["" if told[name] is None else told[name] for name in COLUMNS])
            self._file.flush()
        except OSError as error:
            msg = (
                f"{self._path}: cannot be written ({error.strerror}); the journal has the results: give the file again"
            )
            raise ConfigurationError(msg) from None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # all that is to be in it was handed over before, or has failed loudly
            self._file.close()


def result_of(row: ResultRow) -> dict[str, object]:
    """Return one result by column."""
    wallet = None if row.document is None else Wallet.model_validate(row.document)
    error: Mapping[str, object] = {} if row.state == "done" else row.error or {}
    return {
        "line": row.line,
        "user": row.user_id,
        "chain": row.chain,
        "asset": row.asset,
        "reference": row.reference,
        "account": row.at,
        "state": row.state,
        "wallet_id": row.wallet_id,
        "address": None if wallet is None else _address(wallet, row.chain),
        "customer_id": row.customer_id,
        "order": row.provision_id,
        "error": error.get("type"),
        "message": error.get("message"),
    }


def _address(wallet: Wallet, chain: str | None) -> str | None:
    wanted = wallet.address_on(chain) if chain else None
    return wanted or " ".join(address.value for address in wallet.addresses) or None

"""Weighted rendezvous hashing: every user has a place, in every process the same, and keeps it as far as it can be.

Each account gets a score for the user, and the highest wins (Schindelhauer and Schomaker, "Weighted distributed hash
tables", 2005). An account's score depends on nothing but the user, its name and its weight: so taking one out moves
its own users only, and a change of weights moves only the share by which they changed, and only towards the account
that gained.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Final

# Part of the behaviour: with another salt nearly every user of a split would change places. The number is its version.
_SALT: Final = b"walletport routing 1"
_BITS: Final = 53  # what a float holds exactly


def draw(user: str, weights: Mapping[str, float]) -> str:
    """Return the account where a user belongs.

    Args:
        user: the application's own id of its customer.
        weights: by account, above 0; not empty. Their order does not matter.
    """
    beginning = _beginning(user)
    return max((-weight / math.log(_number(beginning, account)), account) for account, weight in weights.items())[1]


def fraction(user: str, account: str) -> float:
    """Return the number that a user and an account have together: evenly spread, above 0 and below 1.

    The first 53 bits of the SHA-256 of salt, length of the user in bytes (4 bytes, big-endian), user and account in
    UTF-8, over 2**53; 0 counts as 1.
    """
    return _number(_beginning(user), account)


def _beginning(user: str) -> bytes:
    named = user.encode()
    return _SALT + len(named).to_bytes(4, "big") + named


def _number(beginning: bytes, account: str) -> float:
    digest = hashlib.sha256(beginning + account.encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> (64 - _BITS) or 1) / (1 << _BITS)

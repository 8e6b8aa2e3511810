"""Checks deposit addresses before anybody deposits to them: alphabet, length and checksum by chain family."""

from __future__ import annotations

import re
from typing import Final

from walletport.errors import MalformedResponse
from walletport.models import Address, Chain, Checksum

_EVM: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_BASE58: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]+")
_TRON: Final = re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}")
_SOLANA_LENGTHS: Final = range(32, 45)
_SOLANA_BYTES: Final = 32
_TRON_PREFIX: Final = 0x41
_UPPER: Final = 8  # EIP-55: a letter is upper case where the digest's digit is 8 or more


def check_address(address: Address, wallet_chain: Chain | None = None) -> Address:
    """Return the address with what its checksum says.

    Args:
        address: as the provider gave it.
        wallet_chain: its wallet's chain, used where the address names none.

    Raises:
        MalformedResponse: it cannot be an address of its chain.
    """
    chain = address.chain or wallet_chain
    if chain is None or chain.family == "other":
        return address
    checksum = _CHECKS[chain.family](address.value)
    if checksum is None:
        msg = f"the answer's deposit address is not an address on {chain}"
        raise MalformedResponse(msg, retryable=False)
    return address.model_copy(update={"checksum": checksum})


def _evm(value: str) -> Checksum | None:
    if not _EVM.fullmatch(value):
        return None
    digits = value[2:]
    if digits in (digits.lower(), digits.upper()):
        return Checksum.ABSENT
    return Checksum.VALID if value == to_checksum_address(value) else Checksum.WRONG


def to_checksum_address(value: str) -> str:
    """Return an EVM address in the letter case of EIP-55 (https://eips.ethereum.org/EIPS/eip-55)."""
    from Crypto.Hash import keccak  # noqa: PLC0415 - only mixed-case addresses need it

    digits = value[2:].lower()
    digest = keccak.new(digest_bits=256, data=digits.encode()).hexdigest()
    pairs = zip(digits, digest, strict=False)
    return "0x" + "".join(digit.upper() if int(nibble, 16) >= _UPPER else digit for digit, nibble in pairs)


def _tron(value: str) -> Checksum | None:
    if not _TRON.fullmatch(value):
        return None
    import base58  # noqa: PLC0415 - not every program meets such an address

    try:
        payload = base58.b58decode_check(value)
    except ValueError:
        return Checksum.WRONG
    return Checksum.VALID if payload[0] == _TRON_PREFIX else None


def _solana(value: str) -> Checksum | None:
    if len(value) not in _SOLANA_LENGTHS or not _BASE58.fullmatch(value):
        return None
    import base58  # noqa: PLC0415 - not every program meets such an address

    # A Solana address is a bare 32-byte key: there is no checksum in it that could be checked.
    return Checksum.ABSENT if len(base58.b58decode(value)) == _SOLANA_BYTES else None


_CHECKS: Final = {"evm": _evm, "tron": _tron, "solana": _solana}

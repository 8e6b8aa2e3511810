"""Deposit addresses, whose answer no page shows: every form with one meaning is read, and nothing is guessed.

What is left out is reported as drift: an entry that names no chain, an address that cannot be one of its chain, two
different addresses for one chain. A deposit to a guessed address would be lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from walletport.models import Address, Chain, Drift
from walletport.provider import Json, JsonObject

# https://docs.ledger.so/guides/crypto-wallets
DEPOSIT_CHAINS: Final = tuple(
    Chain(name) for name in ("solana", "ethereum", "arbitrum", "base", "optimism", "polygon", "avalanche", "tron")
)
_EVM_CHAINS: Final = tuple(chain for chain in DEPOSIT_CHAINS if chain.family == "evm")

# The wire spelling of chains is on no page. Only words that mean one network; "erc20" or "polygon-zkevm" do not.
_SPELLINGS: Final[dict[str, str]] = {
    "sol": "solana",
    "spl": "solana",
    "eth": "ethereum",
    "arb": "arbitrum",
    "arbitrum-one": "arbitrum",
    "op": "optimism",
    "optimistic-ethereum": "optimism",
    "matic": "polygon",
    "pol": "polygon",
    "polygon-pos": "polygon",
    "avax": "avalanche",
    "avax-c": "avalanche",
    "avax-c-chain": "avalanche",
    "avaxc": "avalanche",
    "avalanche-c": "avalanche",
    "avalanche-c-chain": "avalanche",
    "trx": "tron",
    "trc20": "tron",
}
_BY_NUMBER: Final = {(chain.caip2 or "").partition(":")[2]: chain for chain in DEPOSIT_CHAINS}
_MAIN_NETWORK: Final = frozenset({"mainnet", "mainnet-beta", "main"})

_LISTS: Final = ("items", "addresses", "depositAddresses", "cryptoDepositAddresses")
_CHAIN_FIELDS: Final = (
    "chain",
    "chains",
    "network",
    "networks",
    "blockchain",
    "chainId",
    "chainName",
    "networkName",
    "caip2",
)
_ADDRESS_FIELDS: Final = ("address", "value", "depositAddress")
_MEMO_FIELDS: Final = ("memo", "tag", "destinationTag")
_ABOUT_THE_WALLET: Final = frozenset({"walletId", "id", "customerId", "status", "createdAt", "updatedAt", "nextCursor"})
_OUT_OF_USE: Final = frozenset(
    {"inactive", "disabled", "deprecated", "archived", "closed", "revoked", "frozen", "suspended"}
)

_EVM: Final = re.compile(r"0x[0-9a-fA-F]{40}")
_TRON: Final = re.compile(r"T[1-9A-HJ-NP-Za-km-z]{33}")
_SOLANA: Final = re.compile(r"[1-9A-HJ-NP-Za-km-z]{32,44}")
_WORD: Final = re.compile(r"[!-~]{1,256}")
_GAP: Final = re.compile(r"[\s_]+")
_MAIN_SUFFIX: Final = re.compile(r"-mainnet(-beta)?$")
_SOLANA_BYTES: Final = 32
_TRON_PREFIX: Final = 0x41

_PLACE: Final = "depositAddresses"


@dataclass(frozen=True, slots=True)
class Found:
    """What an answer told.

    Args:
        addresses: at most one for each chain.
        drift: what was left out, and why.
    """

    addresses: tuple[Address, ...]
    drift: tuple[Drift, ...]

    @property
    def understood(self) -> bool:
        """Whether anything was, or there was nothing to understand."""
        return bool(self.addresses) or not self.drift


@dataclass(frozen=True, slots=True)
class _Claim:
    chain: Chain
    value: str
    memo: str | None
    place: str

    def same_as(self, other: _Claim) -> bool:
        """Tell whether both name one deposit address; in an EVM address letter case is a checksum only."""
        evm = self.chain.family == "evm"
        mine, theirs = (self.value.lower(), other.value.lower()) if evm else (self.value, other.value)
        return (mine, self.memo) == (theirs, other.memo)


_Said: TypeAlias = _Claim | Drift


def read_addresses(answer: JsonObject, wallet_id: str) -> Found:
    """Return the deposit addresses in the answer to ``crypto-deposit-addresses``; whatever it is, nothing is raised.

    Args:
        answer: the whole answer.
        wallet_id: the wallet that was asked about; an address of another one is left out.
    """
    data = answer.get("data")
    said = list(_in_data(data, f"{_PLACE}.data", wallet_id))
    cursors = [answer.get("nextCursor"), data.get("nextCursor") if isinstance(data, dict) else None]
    if any(cursors):
        said.append(_drift(f"{_PLACE}.nextCursor", "field", "nextCursor"))
    return _settled(said)


def address_of(word: str | None, value: str | None) -> tuple[Chain | None, Found]:
    """Return the chain of a wallet of the API's second generation, and its address.

    Args:
        word: the wallet's ``chain``; a word for several chains gives no chain, and the address on each of them.
        value: its ``address``.
    """
    chains = _chains(word) or ()
    said: list[_Said] = []
    if value and chains:
        said = list(_claims(chains, value, None, "address"))
    elif value:
        said = [_drift("chain", "missing", "")]
    return chains[0] if len(chains) == 1 else None, _settled(said)


def _settled(said: list[_Said]) -> Found:
    drift = [item for item in said if isinstance(item, Drift)]
    by_chain: dict[Chain, list[_Claim]] = {}
    for item in said:
        if isinstance(item, _Claim):
            by_chain.setdefault(item.chain, []).append(item)
    addresses = []
    for chain, (first, *others) in by_chain.items():
        other = next((claim for claim in others if not claim.same_as(first)), None)
        if other is None:
            addresses.append(Address(chain=chain, value=first.value, memo=first.memo))
        else:
            drift.append(_drift(other.place, "value", chain))
    return Found(tuple(addresses), tuple(drift))


# --- containers ---------------------------------------------------------------------------------------------


def _in_data(data: Json, place: str, wallet_id: str) -> Iterator[_Said]:
    """Read a list of entries, an object around one, one entry, or an object of addresses by chain."""
    if isinstance(data, list):
        for position, entry in enumerate(data):
            yield from _in_entry(entry, f"{place}.{position}", wallet_id)
    elif not isinstance(data, dict):
        yield _drift(place, "type", "")
    elif _is_of_another(data, wallet_id):
        yield _drift(f"{place}.walletId", "value", "")
    elif lists := [name for name in _LISTS if name in data]:
        for name in lists:
            if data[name] is not None:
                yield from _in_data(data[name], f"{place}.{name}", wallet_id)
    elif any(name in data for name in _ADDRESS_FIELDS):
        yield from _in_entry(data, place, wallet_id)
    else:
        yield from _by_chain(data, place, wallet_id)


def _by_chain(data: JsonObject, place: str, wallet_id: str) -> Iterator[_Said]:
    """Read ``{chain: address}``; here only a known chain is taken for one, because a field can have any name."""
    for name, value in data.items():
        if name in _ABOUT_THE_WALLET:
            continue
        here = f"{place}.{name}"
        chains = _chains(name) or ()
        if not chains or any(chain not in DEPOSIT_CHAINS for chain in chains):
            yield _drift(here, "field", name)
            continue
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, str):
                yield from _claims(chains, entry, None, here)
            elif entry is not None:
                yield from _in_entry(entry, here, wallet_id, chains)


def _in_entry(entry: Json, place: str, wallet_id: str, among: tuple[Chain, ...] | None = None) -> Iterator[_Said]:
    """Read one entry.

    Args:
        entry: an object with an address and its chain.
        place: where it stands.
        wallet_id: the wallet that was asked about.
        among: the chains that the object around it says it is for.
    """
    if not isinstance(entry, dict):
        yield _drift(place, "type", "")
        return
    status = entry.get("status")
    if _is_of_another(entry, wallet_id) or (isinstance(status, str) and status.strip().casefold() in _OUT_OF_USE):
        yield _drift(place, "value", "of another wallet, or out of use")
        return
    values = [value for name in _ADDRESS_FIELDS if (value := entry.get(name)) is not None]
    if not values:
        # An address that is null is one that is not there yet.
        if not any(name in entry for name in _ADDRESS_FIELDS):
            yield _drift(f"{place}.address", "missing", "")
        return
    value, chains = values[0], _narrowed(entry, among)
    if not isinstance(value, str) or any(other != value for other in values):
        yield _drift(f"{place}.address", "type", "")
    elif not chains:
        yield _drift(f"{place}.chain", "missing" if chains is None else "value", "")
    else:
        yield from _claims(chains, value, _memo(entry), place)


def _is_of_another(entry: JsonObject, wallet_id: str) -> bool:
    return entry.get("walletId") not in (None, wallet_id)


def _memo(entry: JsonObject) -> str | None:
    memos = (entry.get(name) for name in _MEMO_FIELDS)
    return next((str(memo) for memo in memos if type(memo) in (str, int) and str(memo).strip()), None)


def _claims(chains: tuple[Chain, ...], value: str, memo: str | None, place: str) -> Iterator[_Said]:
    for chain in chains:
        if not _fits(value, chain):
            yield _drift(place, "value", f"not an address on {chain}")
            continue
        if chain not in DEPOSIT_CHAINS:
            yield _drift(place, "value", chain)
        yield _Claim(chain, value, memo, place)


def _drift(where: str, what: Literal["field", "value", "missing", "type"], seen: str) -> Drift:
    return Drift(where=where[:200], what=what, seen=seen[:40])


# --- chains -------------------------------------------------------------------------------------------------


def _narrowed(entry: JsonObject, among: tuple[Chain, ...] | None) -> tuple[Chain, ...] | None:
    """Return the chains that all of an entry's fields agree on: none on contradiction, ``None`` if nothing is said."""
    left = among
    for name in _CHAIN_FIELDS:
        named = _chains(entry.get(name))
        if named is not None:
            left = named if left is None else tuple(chain for chain in left if chain in named)
    return left


def _chains(word: Json) -> tuple[Chain, ...] | None:
    """Return the chains a value names: all EVM chains for "evm", none for what is no word, ``None`` for nothing said.

    A chain that is not known here is kept by its own name.
    """
    if isinstance(word, list):
        named = [chain for item in word for chain in _chains(item) or ()]
        return tuple(dict.fromkeys(named))
    if isinstance(word, int) and not isinstance(word, bool):
        word = str(word)
    if not isinstance(word, str):
        return None if word is None else ()
    folded = _MAIN_SUFFIX.sub("", _GAP.sub("-", word.strip().casefold()))
    if not folded or folded in _MAIN_NETWORK:
        return None
    if folded in ("evm", "eip155"):
        return _EVM_CHAINS
    if folded.isdecimal():
        return (_BY_NUMBER[folded],) if folded in _BY_NUMBER else ()
    # In a CAIP-2 id letter case counts.
    return (Chain(word if ":" in word else _SPELLINGS.get(folded, folded)),)


# --- addresses ----------------------------------------------------------------------------------------------


def _fits(value: str, chain: Chain) -> bool:
    """Tell whether the text can be an address of the chain: one that cannot would cost the caller the wallet."""
    match chain.family:
        case "evm":
            return _EVM.fullmatch(value) is not None
        case "tron":
            return _TRON.fullmatch(value) is not None and _tron_prefix(value) in (None, _TRON_PREFIX)
        case "solana":
            return _SOLANA.fullmatch(value) is not None and _is_solana_key(value)
    return _WORD.fullmatch(value) is not None


def _tron_prefix(value: str) -> int | None:
    """Return the first byte, or ``None`` where the checksum is wrong, which the core reports and does not refuse."""
    import base58  # noqa: PLC0415 - not every program meets such an address

    try:
        return int(base58.b58decode_check(value)[0])
    except ValueError:
        return None


def _is_solana_key(value: str) -> bool:
    import base58  # noqa: PLC0415 - not every program meets such an address

    return len(base58.b58decode(value)) == _SOLANA_BYTES

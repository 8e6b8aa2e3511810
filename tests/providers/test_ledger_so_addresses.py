"""Ledger.so: deposit addresses, which no page shows, are read in every form with one meaning and never guessed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.ledger_so import (
    ADDRESSES,
    CREATE,
    CUSTOMER,
    ENTRIES,
    EVM_CHAINS,
    ON,
    WALLET,
    WALLET_ID,
    Server,
    client,
    created,
    good,
)
from walletport import errors
from walletport.models import Checksum, Wallet

ONE = "0x1111111111111111111111111111111111111111"
OTHER = "0x2222222222222222222222222222222222222222"
CHECKSUMMED = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
HELD = Wallet(provider="ledger-so", id=WALLET_ID, customer_id=CUSTOMER)


def read(data, **members):
    """Return the wallet whose addresses came as this data."""
    wallet, said = created(good(WALLET), good(data, **members))
    assert said == [CREATE, ADDRESSES]
    assert wallet.id == WALLET_ID
    return wallet


def told(wallet):
    """Return the addresses by chain."""
    return {str(address.chain): address.value for address in wallet.addresses}


def drift(wallet):
    return [(item.where, item.what, item.seen) for item in wallet.drift]


# --- containers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        ENTRIES,
        {"items": ENTRIES, "nextCursor": None},
        {"addresses": ENTRIES},
        {"depositAddresses": ENTRIES},
        {"walletId": WALLET_ID, "addresses": dict(ON)},
        dict(ON),
        {"items": ENTRIES[:3], "addresses": ENTRIES[3:]},
        {chain: {"address": value} for chain, value in ON.items()},
        {chain: [value] for chain, value in ON.items()},
        {chain: [{"chain": chain, "address": value}] for chain, value in ON.items()},
        {"walletId": WALLET_ID, "id": "x", "customerId": CUSTOMER, "status": "active", "createdAt": 1, **ON},
    ],
    ids=[
        "a list",
        "items",
        "addresses",
        "deposit addresses",
        "an object in addresses",
        "an object by chain",
        "two lists",
        "objects by chain",
        "lists by chain",
        "entries by chain",
        "an object with fields of the wallet",
    ],
)
def test_every_container_with_one_meaning_is_read(data):
    wallet = read(data)
    assert told(wallet) == ON
    assert drift(wallet) == []


def test_a_single_entry_is_read():
    assert told(read({"chain": "polygon", "address": ONE})) == {"polygon": ONE}


@pytest.mark.parametrize("data", [[], {}, {"items": []}, {"items": None}, [{"chain": "polygon", "address": None}]])
def test_no_addresses_yet_is_no_drift(data):
    wallet = read(data)
    assert (wallet.addresses, wallet.drift) == ((), ())


@pytest.mark.parametrize("chain", ["chain", "network", "blockchain", "chainId", "chainName", "networkName", "caip2"])
@pytest.mark.parametrize("value", ["address", "value", "depositAddress"])
def test_the_usual_field_names_are_read(chain, value):
    wallet = read([{chain: "polygon", value: ONE, "asset": "USDC", "label": "x"}])
    assert told(wallet) == {"polygon": ONE}
    assert drift(wallet) == []


@pytest.mark.parametrize("name", ["memo", "tag", "destinationTag"])
@pytest.mark.parametrize(
    ("given", "kept"),
    [("77", "77"), (77, "77"), ("", None), (None, None), (True, None)],
    ids=["text", "number", "empty", "null", "no text"],
)
def test_a_memo_is_kept_as_text(name, given, kept):
    (address,) = read([{"chain": "polygon", "address": ONE, name: given}]).addresses
    assert address.memo == kept


def test_the_core_reports_on_checksums():
    wallet = read([{"chain": "base", "address": CHECKSUMMED}, {"chain": "tron", "address": ON["tron"]}])
    assert [address.checksum for address in wallet.addresses] == [Checksum.VALID, Checksum.VALID]


# --- spellings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "chain"),
    [
        *((chain, chain) for chain in ON),
        *((chain.upper(), chain) for chain in ON),
        *((chain.title(), chain) for chain in ON),
        ("ETH", "ethereum"),
        ("eth-mainnet", "ethereum"),
        ("ethereum_mainnet", "ethereum"),
        ("Ethereum Mainnet", "ethereum"),
        ("MATIC", "polygon"),
        ("POL", "polygon"),
        ("polygon-pos", "polygon"),
        ("Polygon PoS", "polygon"),
        ("SOL", "solana"),
        ("solana-mainnet-beta", "solana"),
        ("SPL", "solana"),
        ("TRX", "tron"),
        ("TRC20", "tron"),
        ("ARB", "arbitrum"),
        ("arbitrum-one", "arbitrum"),
        ("ARBITRUM_ONE", "arbitrum"),
        ("Arbitrum One", "arbitrum"),
        ("OP", "optimism"),
        ("OP Mainnet", "optimism"),
        ("optimistic-ethereum", "optimism"),
        ("AVAX", "avalanche"),
        ("avax-c", "avalanche"),
        ("AVAXC", "avalanche"),
        ("avalanche-c-chain", "avalanche"),
        ("Avalanche C-Chain", "avalanche"),
        ("eip155:1", "ethereum"),
        ("eip155:10", "optimism"),
        ("eip155:137", "polygon"),
        ("EIP155:8453", "base"),
        ("eip155:42161", "arbitrum"),
        ("eip155:43114", "avalanche"),
        ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", "solana"),
        ("tron:728126428", "tron"),
        pytest.param("137", "polygon", id="number as text"),
        (137, "polygon"),
        (8453, "base"),
        (728126428, "tron"),
        (" polygon ", "polygon"),
    ],
)
def test_every_spelling_with_one_meaning_is_understood(word, chain):
    wallet = read([{"chain": word, "address": ON[chain]}])
    assert told(wallet) == {chain: ON[chain]}
    assert wallet.address_on(chain) == ON[chain]
    assert drift(wallet) == []


@pytest.mark.parametrize("word", ["polygon-zkevm", "arbitrum-nova", "base-sepolia", "ethereum-sepolia", "erc20", "bsc"])
def test_a_chain_nobody_documented_keeps_its_own_name_and_stands_for_no_other(word):
    wallet = read([{"chain": word, "address": ONE}])
    assert told(wallet) == {word: ONE}
    assert [wallet.address_on(chain) for chain in ON] == [None] * 8
    assert drift(wallet) == [("depositAddresses.data.0", "value", word)]


@pytest.mark.parametrize("word", ["evm", "EVM", "eip155"])
def test_one_evm_address_stands_for_every_evm_chain_that_takes_deposits(word):
    wallet = read([{"chain": word, "address": ONE}, {"chain": "solana", "address": ON["solana"]}])
    assert told(wallet) == {**dict.fromkeys(EVM_CHAINS, ONE), "solana": ON["solana"]}
    assert drift(wallet) == []


def test_one_address_may_name_several_chains():
    wallet = read([{"chains": ["base", "MATIC"], "address": ONE}, {"networks": ["tron"], "address": ON["tron"]}])
    assert told(wallet) == {"base": ONE, "polygon": ONE, "tron": ON["tron"]}


@pytest.mark.parametrize(
    ("fields", "chain"),
    [
        ({"chain": "ethereum", "network": "mainnet"}, "ethereum"),
        ({"chain": "solana", "network": "mainnet-beta"}, "solana"),
        ({"chain": "polygon", "chainId": 137}, "polygon"),
        ({"chain": "evm", "network": "polygon"}, "polygon"),
        ({"blockchain": "base", "network": None}, "base"),
    ],
)
def test_several_fields_about_the_chain_must_agree(fields, chain):
    assert told(read([{**fields, "address": ON[chain]}])) == {chain: ON[chain]}


# --- never guessed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "where", "what"),
    [
        ({"chain": "ethereum", "network": "polygon", "address": ONE}, "chain", "value"),
        ({"chain": "ethereum", "network": "zksync", "address": ONE}, "chain", "value"),
        ({"chain": "ethereum", "network": "testnet", "address": ONE}, "chain", "value"),
        ({"chain": "polygon", "chainId": 80002, "address": ONE}, "chain", "value"),
        ({"chain": "solana", "network": "evm", "address": ONE}, "chain", "value"),
        ({"chain": 999999, "address": ONE}, "chain", "value"),
        ({"chain": {"id": "polygon"}, "address": ONE}, "chain", "value"),
        ({"chain": True, "address": ONE}, "chain", "value"),
        ({"chain": [], "address": ONE}, "chain", "value"),
        ({"address": ONE}, "chain", "missing"),
        ({"chain": "", "address": ONE}, "chain", "missing"),
        ({"chain": "mainnet", "address": ONE}, "chain", "missing"),
        ({"chain": "polygon"}, "address", "missing"),
        ({"chain": "polygon", "address": 7}, "address", "type"),
        ({"chain": "polygon", "address": [ONE]}, "address", "type"),
        ({"chain": "polygon", "address": {"hex": ONE}}, "address", "type"),
        ({"chain": "polygon", "address": ONE, "depositAddress": OTHER}, "address", "type"),
        ({"chain": "polygon", "address": ON["tron"]}, "", "value"),
        ({"chain": "tron", "address": ONE}, "", "value"),
        ({"chain": "solana", "address": ONE}, "", "value"),
        ({"chain": "solana", "address": "1" * 44}, "", "value"),
        ({"chain": "tron", "address": ON["tron"][:-1]}, "", "value"),
        # Its first byte is not Tron's, though it begins with a T and its checksum is right.
        ({"chain": "tron", "address": "TZJozAg1ruapycCicgz31GxvYJ1G1qELV7"}, "", "value"),
        ({"chain": "polygon", "address": ONE + " "}, "", "value"),
        ({"chain": "polygon", "address": ONE[:-1]}, "", "value"),
        ({"chain": "polygon", "address": ""}, "", "value"),
        ({"chain": "bsc", "address": "two words"}, "", "value"),
        ({"chain": "polygon", "address": f"eip155:137:{ONE}"}, "", "value"),
        ({"chain": "polygon", "address": ONE, "walletId": "wal_other"}, "", "value"),
        ({"chain": "polygon", "address": ONE, "status": "Disabled"}, "", "value"),
        ("0x1111111111111111111111111111111111111111", "", "type"),
        (None, "", "type"),
        (7, "", "type"),
        ([], "", "type"),
    ],
)
def test_an_entry_that_is_not_understood_is_left_out_and_reported(entry, where, what):
    wallet = read([entry, {"chain": "base", "address": ON["base"]}])
    assert told(wallet) == {"base": ON["base"]}
    place = ".".join(part for part in ("depositAddresses.data.0", where) if part)
    assert [(item.where, item.what) for item in wallet.drift] == [(place, what)]


@pytest.mark.parametrize(
    "data",
    [
        [{"chain": "polygon", "address": ONE}, {"chain": "MATIC", "address": OTHER}],
        [{"chain": "polygon", "address": ONE}, {"chain": "evm", "address": OTHER}],
        [{"chain": "polygon", "address": ONE, "memo": "1"}, {"chain": "polygon", "address": ONE, "memo": "2"}],
        {"polygon": ONE, "eip155:137": OTHER},
        {"items": [{"chain": "polygon", "address": ONE}], "addresses": {"polygon": OTHER}},
        {"polygon": [ONE, OTHER]},
        [
            {"chain": "polygon", "asset": "USDC", "address": ONE},
            {"chain": "polygon", "asset": "USDT", "address": OTHER},
        ],
    ],
    ids=["two spellings", "evm and polygon", "two memos", "an object", "two containers", "a list", "by asset"],
)
def test_two_different_addresses_for_one_chain_leave_the_chain_out(data):
    wallet = read(data)
    assert wallet.address_on("polygon") is None
    assert ("value", "polygon") in [(item.what, item.seen) for item in wallet.drift]


def test_an_ambiguous_chain_takes_no_other_chain_with_it():
    entries = [{"chain": "polygon", "address": ONE}, {"chain": "evm", "address": OTHER}]
    assert told(read(entries)) == dict.fromkeys([chain for chain in EVM_CHAINS if chain != "polygon"], OTHER)


def test_the_same_address_twice_is_one_whatever_the_letter_case_of_its_digits():
    entries = [{"chain": "base", "address": CHECKSUMMED}, {"chain": "BASE", "address": CHECKSUMMED.lower()}]
    wallet = read(entries)
    assert told(wallet) == {"base": CHECKSUMMED}
    assert drift(wallet) == []


def test_letter_case_counts_where_it_is_part_of_the_address():
    other = ON["solana"].replace("P", "p", 1)
    wallet = read([{"chain": "solana", "address": ON["solana"]}, {"chain": "solana", "address": other}])
    assert told(read([{"chain": "solana", "address": other}])) == {"solana": other}
    assert wallet.address_on("solana") is None


def test_a_field_of_any_name_in_an_object_by_chain_is_not_taken_for_a_chain():
    wallet = read({"polygon": ONE, "owner": OTHER, "hyperliquid": OTHER})
    assert told(wallet) == {"polygon": ONE}
    assert [item.seen for item in wallet.drift] == ["owner", "hyperliquid"]


@pytest.mark.parametrize("data", [{"walletId": "wal_other", "addresses": ENTRIES}, {"walletId": "wal_other", **ON}])
def test_another_wallets_addresses_are_not_taken(data):
    wallet = read(data)
    assert wallet.addresses == ()
    assert [item.where for item in wallet.drift] == ["depositAddresses.data.walletId"]


def test_a_list_that_goes_on_is_reported():
    for wallet in (read(ENTRIES, nextCursor="more"), read({"items": ENTRIES, "nextCursor": "more"})):
        assert told(wallet) == ON
        assert drift(wallet) == [("depositAddresses.nextCursor", "field", "nextCursor")]


@pytest.mark.parametrize("data", [None, "text", 7, True])
def test_data_of_no_known_form_is_reported(data):
    wallet = read(data)
    assert (wallet.addresses, drift(wallet)) == ((), [("depositAddresses.data", "type", "")])


def test_a_tron_address_with_a_wrong_checksum_is_returned_and_says_so():
    wrong = ON["tron"][:-1] + "7"
    (address,) = read([{"chain": "tron", "address": wrong}]).addresses
    assert (address.value, address.checksum) == (wrong, Checksum.WRONG)


# --- asking for them ----------------------------------------------------------------------------------------


def test_get_addresses_reads_them_by_the_wallets_id():
    server = Server(good(ENTRIES))
    with client(server) as ledger:
        addresses = ledger.get_addresses(HELD)
    assert {str(address.chain): address.value for address in addresses} == ON
    assert server.said == [ADDRESSES]


@pytest.mark.parametrize("data", [[], {"items": []}])
def test_get_addresses_tells_that_there_are_none_yet(data):
    with client(Server(good(data))) as ledger:
        assert ledger.get_addresses(HELD) == ()


def test_get_addresses_leaves_out_what_it_does_not_understand():
    with client(Server(good([{"chain": "polygon", "address": ONE}, {"address": OTHER}]))) as ledger:
        assert [address.value for address in ledger.get_addresses(HELD)] == [ONE]


@pytest.mark.parametrize("data", [None, "text", [{"address": ONE}], {"owner": ONE}, {"walletId": "wal_other"}])
def test_get_addresses_does_not_say_none_where_it_understood_nothing(data):
    with client(Server(good(data))) as ledger, pytest.raises(errors.MalformedResponse) as caught:
        ledger.get_addresses(HELD)
    assert (caught.value.outcome, caught.value.retryable) == ("not_applied", False)


# --- whatever comes -----------------------------------------------------------------------------------------

words = st.sampled_from([*ON, "evm", "MATIC", "mainnet", "eip155:137", "bsc", "", "137"])
values = st.sampled_from([*ON.values(), ONE, OTHER, "0x", "T" * 34, "1" * 40, ""])
names = ["chain", "chains", "network", "chainId", "address", "value", "depositAddress", "memo", "walletId", "status"]
odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | words | values,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*names, "items", "addresses", "depositAddresses", "nextCursor", *ON, "evm", "x"]),
            inner,
            max_size=6,
        )
        | st.fixed_dictionaries({"chain": words, "address": values})
    ),
    max_leaves=20,
)


@given(data=odd, beside=odd)
def test_whatever_the_addresses_look_like_the_wallet_comes_back(data, beside):
    wallet = read(data, nextCursor=beside)
    chains = [address.chain for address in wallet.addresses]
    assert len(chains) == len(set(chains))
    assert None not in chains


@given(order=st.permutations(ENTRIES), changed=st.sampled_from(list(ON)))
def test_no_address_ever_moves_to_another_chain(order, changed):
    entries = [
        {"chain": entry["chain"].upper(), "address": entry["address"]} if entry["chain"] == changed else entry
        for entry in order
    ]
    assert told(read(entries)) == ON

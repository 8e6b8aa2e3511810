"""Deposit addresses are checked before anybody deposits to them."""

from __future__ import annotations

import subprocess
import sys

import base58
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.doubles import TRON
from walletport.addresses import check_address
from walletport.errors import MalformedResponse
from walletport.models import Address, Chain, Checksum

# The test cases of https://eips.ethereum.org/EIPS/eip-55
EIP55_MIXED = [
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]
EIP55_ONE_CASE = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
]
SOLANA = ["11111111111111111111111111111111", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"]


def checked(chain: str, value: str) -> Checksum:
    """Return what is said of an address on a chain."""
    return check_address(Address(chain=Chain(chain), value=value)).checksum


def refused(chain: str, value: str) -> None:
    """Assert that a value cannot be an address of a chain, and that the message does not show it."""
    with pytest.raises(MalformedResponse, match=chain) as told:
        check_address(Address(chain=Chain(chain), value=value))
    assert value not in str(told.value)
    assert (told.value.outcome, told.value.retryable) == ("unknown", False)


@pytest.mark.parametrize("chain", ["ethereum", "polygon", "base", "ink", "eip155:5"])
@pytest.mark.parametrize("value", EIP55_MIXED)
def test_a_correct_evm_checksum_is_valid(chain: str, value: str) -> None:
    """On every chain of the family, one without a name here included."""
    assert checked(chain, value) is Checksum.VALID


@pytest.mark.parametrize("value", [*EIP55_ONE_CASE, "0x" + "1" * 40])
def test_an_evm_address_of_one_case_has_no_checksum(value: str) -> None:
    """It may be right or wrong; nobody can tell."""
    assert checked("ethereum", value) is Checksum.ABSENT


@pytest.mark.parametrize("value", EIP55_MIXED)
def test_an_evm_checksum_that_does_not_fit_is_reported(value: str) -> None:
    """Vendors' own samples are like that, so the wallet is not refused for it."""
    assert checked("polygon", value[:2] + value[2:].swapcase()) is Checksum.WRONG


@given(st.sampled_from(EIP55_MIXED), st.data())
def test_a_letter_of_another_case_is_a_wrong_checksum(value: str, data: st.DataObject) -> None:
    """Each single letter carries a part of the checksum."""
    place = data.draw(st.sampled_from([i for i, letter in enumerate(value) if i > 1 and letter.isalpha()]))
    assert checked("base", value[:place] + value[place].swapcase() + value[place + 1 :]) is Checksum.WRONG


def test_a_single_capital_is_a_checksum_already() -> None:
    """Wherever it stands, the first place and the last included."""
    value = "de709f2102306220921060314715629080e2fb77"
    for place, letter in enumerate(value):
        if letter.isalpha():
            changed = value[:place] + letter.upper() + value[place + 1 :]
            assert checked("base", "0x" + changed) is Checksum.WRONG
            assert checked("base", "0x" + changed.swapcase()) is Checksum.WRONG


@pytest.mark.parametrize(
    "value",
    [
        "0x" + "a" * 39,
        "0x" + "a" * 41,
        "0X" + "a" * 40,
        "a" * 40,
        "0x" + "g" * 40,
        " 0x" + "a" * 40,
        "0x" + "a" * 40 + "\n",
        "0x" + "\N{ARABIC-INDIC DIGIT ONE}" * 40,
        TRON,
        SOLANA[1],
        "pending",
    ],
)
def test_what_is_no_evm_address_is_malformed(value: str) -> None:
    """An address of another family on an EVM chain would swallow the deposit."""
    refused("polygon", value)


def test_a_correct_tron_checksum_is_valid() -> None:
    """The USDT contract's own address, and one that was just made."""
    assert checked("tron", TRON) is Checksum.VALID
    assert checked("tron:728126428", base58.b58encode_check(b"\x41" + bytes(20)).decode()) is Checksum.VALID


def test_a_tron_checksum_that_does_not_fit_is_reported() -> None:
    """One letter changed."""
    assert checked("tron", TRON[:-1] + "u") is Checksum.WRONG


@pytest.mark.parametrize(
    "value",
    [
        base58.b58encode_check(b"\x42" + bytes([255] * 20)).decode(),
        base58.b58encode_check(b"\x42" + bytes(20)).decode(),
        base58.b58encode_check(b"\x00" + bytes(20)).decode(),
        TRON[:-1],
        TRON + "t",
        TRON.lower(),
        TRON.replace("7", "0"),
        "41a614f803b6fd780986a42c78ec9c7f77e6ded13c",
        EIP55_MIXED[0],
        SOLANA[1],
    ],
)
def test_what_is_no_tron_address_is_malformed(value: str) -> None:
    """Another network's prefix, another length, another alphabet, the hexadecimal spelling."""
    refused("tron", value)


@pytest.mark.parametrize("value", SOLANA)
def test_a_solana_address_is_32_bytes_without_checksum(value: str) -> None:
    """32 to 44 letters of base58 can spell 32 bytes."""
    assert checked("solana", value) is Checksum.ABSENT


@pytest.mark.parametrize(
    "value",
    ["1" * 31, "1" * 33, "z" * 44, SOLANA[1] + "1", SOLANA[1][:-2], "O" * 40, "x" * 31, TRON, EIP55_MIXED[0]],
)
def test_what_is_no_solana_address_is_malformed(value: str) -> None:
    """Anything that does not spell exactly 32 bytes."""
    refused("solana", value)


@pytest.mark.parametrize("chain", ["stellar", "sui", "dogecoin", "bip122:000000000019d6689c085ae165831e93"])
def test_addresses_of_other_chains_pass_unchecked(chain: str) -> None:
    """No rule is known here, and no claim is made."""
    assert checked(chain, "anything at all") is Checksum.UNCHECKED


def test_an_address_without_chain_is_checked_as_its_wallets() -> None:
    """Its own chain counts first; where neither is known it passes."""
    bare = Address(chain=None, value=EIP55_MIXED[0])
    assert check_address(bare, Chain("polygon")).checksum is Checksum.VALID
    assert check_address(bare).checksum is Checksum.UNCHECKED
    with pytest.raises(MalformedResponse):
        check_address(bare, Chain("tron"))
    own = Address(chain=Chain("tron"), value=TRON)
    assert check_address(own, Chain("polygon")).checksum is Checksum.VALID


def test_an_adapters_own_claim_does_not_count() -> None:
    """What an adapter writes into ``checksum`` is replaced by what was found; the rest stays."""
    claimed = Address(chain=Chain("base"), value=EIP55_ONE_CASE[2], memo="7", checksum=Checksum.VALID)
    assert check_address(claimed) == claimed.model_copy(update={"checksum": Checksum.ABSENT})


@given(st.text(min_size=1), st.sampled_from(["polygon", "tron", "solana", "stellar"]))
def test_any_text_is_judged_or_malformed(value: str, chain: str) -> None:
    """No other error comes out of the check."""
    try:
        check_address(Address(chain=Chain(chain), value=value))
    except MalformedResponse:
        assert chain != "stellar"


def test_importing_the_check_imports_no_cryptography() -> None:
    """Programs that meet no such address do not pay for Keccak and base58."""
    heavy = ("Crypto", "base58", "eth_utils")
    code = f"import sys, walletport.addresses; print([m for m in sys.modules if m.split('.')[0] in {heavy}])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"

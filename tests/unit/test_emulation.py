"""What emulators are made of: memory of keys, ids and addresses."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from tests.support.toy import Toy
from tests.unit.doubles import FakeClock
from walletport.addresses import check_address
from walletport.errors import MalformedResponse
from walletport.models import Address, Chain, Checksum
from walletport.provider import Response
from walletport.provider.emulation import IdempotencyMemory, IncomingRequest, make_address, make_id

SCOPE = ("POST", "/wallets", "key-1")
WINDOW = timedelta(minutes=5)


def test_a_key_is_new_then_in_progress_then_replayed() -> None:
    """As a vendor with a memory behaves."""
    clock = FakeClock()
    memory = IdempotencyMemory(WINDOW, clock.now)
    assert memory.look(SCOPE, b"body") == ("new", None)
    assert memory.look(SCOPE, b"body") == ("in_progress", None)
    answer = Response(201)
    memory.record(SCOPE, answer)
    assert memory.look(SCOPE, b"body") == ("replay", answer)
    assert memory.look(SCOPE, b"other") == ("conflict", None)
    assert memory.look(("POST", "/wallets", "key-2"), b"body") == ("new", None)


def test_the_window_counts_from_the_first_use() -> None:
    """A replay does not prolong it; at its end the key is new again."""
    clock = FakeClock()
    memory = IdempotencyMemory(WINDOW, clock.now)
    memory.look(SCOPE, b"body")
    memory.record(SCOPE, Response(201))
    clock.passed = 299
    assert memory.look(SCOPE, b"body")[0] == "replay"
    clock.passed = 300
    assert memory.look(SCOPE, b"other") == ("new", None)


def test_a_memory_can_be_lost() -> None:
    """Of one key, where a vendor does not remember failures, or of all."""
    memory = IdempotencyMemory(WINDOW, FakeClock().now)
    memory.look(SCOPE, b"body")
    memory.forget(SCOPE)
    memory.forget(SCOPE)
    assert memory.look(SCOPE, b"body")[0] == "new"
    memory.forget_all()
    assert memory.look(SCOPE, b"other")[0] == "new"


@pytest.mark.parametrize(
    ("chain", "checksum"),
    [
        ("polygon", Checksum.ABSENT),
        ("eip155:5", Checksum.ABSENT),
        ("tron", Checksum.VALID),
        ("solana", Checksum.ABSENT),
        ("stellar", Checksum.UNCHECKED),
    ],
)
def test_made_up_addresses_pass_the_cores_own_check(chain: str, checksum: Checksum) -> None:
    """Whatever the seed."""
    for seed in range(200):
        made = Address(chain=Chain(chain), value=make_address(random.Random(seed), Chain(chain)))
        assert check_address(made).checksum is checksum


def test_ids_and_addresses_depend_on_the_seed_alone() -> None:
    """So that a run can be repeated."""
    assert make_id(random.Random(1), "wlt_", 22) == make_id(random.Random(1), "wlt_", 22)
    assert make_id(random.Random(1), "wlt_", 22) != make_id(random.Random(2), "wlt_", 22)
    made = make_id(random.Random(1), "wlt_", 22)
    assert made.startswith("wlt_")
    assert len(made) == 26
    assert made[4:].isalnum()
    first, second = (Toy.emulator()(FakeClock().now, seed) for seed in (1, 1))
    assert first.random.random() == second.random.random()


def test_an_incoming_request_reads_its_json_and_prints_no_secret() -> None:
    """By the same strict reader."""
    request = IncomingRequest("POST", ("wallets",), {}, {"x-api-key": "hidden"}, b'{"secret": "hidden"}')
    assert request.json() == {"secret": "hidden"}
    assert "hidden" not in repr(request)
    with pytest.raises(MalformedResponse):
        IncomingRequest("POST", (), {}, {}, b"{").json()

"""Errors travel: through pickles, between tasks, into journals."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator

import pytest

from tests.unit.transport.hand import Table, status
from tests.unit.transport.vendor import create, flow
from walletport import errors
from walletport.errors import ApprovalPending, CustomerNotEligible, NotFound, WalletportError


def kinds(root: type[WalletportError]) -> Iterator[type[WalletportError]]:
    yield root
    for child in root.__subclasses__():
        yield from kinds(child)


ALL = [kind for kind in dict.fromkeys(kinds(WalletportError)) if kind.__module__ == errors.__name__]


AGAIN = {
    "pickle": lambda error: pickle.loads(pickle.dumps(error)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "own copy": lambda error: error.copy(),
}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("way", ["pickle", "copy", "deepcopy", "own copy"])
def test_every_error_comes_back_with_all_its_fields(kind, way):
    facts = {
        "outcome": "applied",
        "retryable": True,
        "provider": "vendor",
        "operation": "create_wallet",
        "status_code": 418,
        "provider_code": "teapot",
        "request_id": "req-1",
        "retry_after": 1.5,
    }
    if kind is CustomerNotEligible:
        facts |= {"missing": ("kyc", "claim"), "link": "https://x.example/"}
    if kind is ApprovalPending:
        facts |= {"approval_id": "a1", "approval_url": "https://x.example/a1"}
    error = kind("one sentence", **facts)
    back = AGAIN[way](error)
    assert type(back) is kind
    assert (back.__dict__, back.args, str(back)) == (error.__dict__, error.args, str(error))
    assert {name: getattr(back, name) for name in facts} == facts


def test_the_tree_is_whole():
    assert len(ALL) == 23
    assert {kind.__name__ for kind in ALL} <= set(vars(errors))


def test_a_shared_failure_is_one_of_each_waiters_own():
    first = NotFound("x")
    second = first.copy()
    second.outcome = "unknown"
    assert first.outcome == "not_applied"
    assert second.__traceback__ is None


def test_an_error_in_flight_through_the_engine_pickles():
    failure = Table().play(flow(create()), status(422)).failure
    assert pickle.loads(pickle.dumps(failure)).__dict__ == failure.__dict__

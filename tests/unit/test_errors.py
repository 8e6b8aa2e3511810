"""The tree of errors: shape, defaults, storage, and what they never say."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from walletport import errors
from walletport.errors import (
    ApprovalPending,
    ConfigurationError,
    CustomerNotEligible,
    ErrorFacts,
    Outcome,
    ProviderError,
    RateLimited,
    WalletportError,
    worse,
)

# As users are promised it: name, parent, default outcome, whether sending again may help.
TREE = [
    ("WalletportError", "Exception", "not_applied", False),
    ("ConfigurationError", "WalletportError", "not_applied", False),
    ("UnsupportedOperation", "WalletportError", "not_applied", False),
    ("ProviderError", "WalletportError", "not_applied", False),
    ("InvalidRequest", "ProviderError", "not_applied", False),
    ("AuthenticationError", "ProviderError", "not_applied", False),
    ("PermissionDenied", "ProviderError", "not_applied", False),
    ("CustomerNotEligible", "ProviderError", "not_applied", False),
    ("NotFound", "ProviderError", "not_applied", False),
    ("RateLimited", "ProviderError", "not_applied", True),
    ("ProviderUnavailable", "ProviderError", "unknown", True),
    ("Conflict", "ProviderError", "unknown", False),
    ("IdempotencyConflict", "Conflict", "unknown", False),
    ("RequestInProgress", "Conflict", "unknown", True),
    ("AlreadyExists", "Conflict", "applied", False),
    ("MalformedResponse", "ProviderError", "unknown", True),
    ("TransportError", "WalletportError", "unknown", True),
    ("ConnectFailed", "TransportError", "not_applied", True),
    ("ConnectionLost", "TransportError", "unknown", True),
    ("RequestTimedOut", "TransportError", "unknown", True),
    ("ApprovalPending", "WalletportError", "applied", False),
    ("WebhookRejected", "WalletportError", "not_applied", False),
    ("OutcomeUnknown", "WalletportError", "unknown", False),
]
CLASSES = [getattr(errors, name) for name, *_ in TREE]
OUTCOMES: tuple[Outcome, ...] = ("not_applied", "unknown", "applied")
EXTRAS = {
    CustomerNotEligible: {"missing": ("kyc", "endorsement"), "link": "https://vendor.example/kyc"},
    ApprovalPending: {"approval_id": "wcm_1", "approval_url": "https://vendor.example/approve"},
}


def full(kind: type[WalletportError]) -> WalletportError:
    """Return an error of this class with every field set to something that is not its default."""
    return kind(
        "it failed",
        outcome="applied" if kind.default_outcome != "applied" else "unknown",
        retryable=not kind.default_retryable,
        provider="puppet",
        operation="create_wallet",
        status_code=418,
        provider_code="TEAPOT",
        request_id="req-1",
        retry_after=1.5,
        provision_id="p-1",
        **EXTRAS.get(kind, {}),
    )


@pytest.mark.parametrize(("name", "parent", "outcome", "retryable"), TREE)
def test_the_tree_is_as_promised(name: str, parent: str, outcome: str, retryable: object) -> None:
    """Each class stands below the one it is drawn below, and says by itself what is known of the order."""
    kind = getattr(errors, name)
    assert [base.__name__ for base in kind.__bases__] == [parent]
    made = kind("it failed")
    assert (made.outcome, made.retryable) == (outcome, retryable)


def test_no_class_is_missing_from_the_tree() -> None:
    """Every error of the module is in the table above and in the drawing."""
    found = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, Exception)}
    assert found == {name for name, *_ in TREE}
    drawn = errors.__doc__ or ""
    assert [name for name in found if name not in drawn] == []


@pytest.mark.parametrize("kind", CLASSES)
def test_every_error_carries_its_facts(kind: type[WalletportError]) -> None:
    """What is told about a failure is there as an attribute; what is not told is ``None``."""
    made = full(kind)
    assert (made.provider, made.operation, made.status_code) == ("puppet", "create_wallet", 418)
    assert (made.provider_code, made.request_id, made.retry_after) == ("TEAPOT", "req-1", 1.5)
    assert made.provision_id == "p-1"
    bare = kind("it failed")
    for name in ErrorFacts.__annotations__.keys() - {"outcome", "retryable"}:
        assert getattr(bare, name) is None


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize(
    "journey",
    [
        lambda error: pickle.loads(pickle.dumps(error)),
        lambda error: pickle.loads(pickle.dumps(error, protocol=0)),
        copy.copy,
        copy.deepcopy,
        lambda error: error.copy(),
    ],
    ids=["pickle", "old pickle", "copy", "deepcopy", "own copy"],
)
def test_every_error_survives_storage_and_copying(kind: type[WalletportError], journey) -> None:
    """All fields come back, those of the subclasses too, and the copy is another object without traceback."""
    try:
        raise full(kind)
    except WalletportError as error:
        made = error
    back = journey(made)
    assert type(back) is kind
    assert back is not made
    assert back.__dict__ == made.__dict__
    assert (str(back), back.args) == (str(made), made.args)
    assert back.__traceback__ is None


def test_a_copy_may_be_changed_without_changing_the_error() -> None:
    """Several tasks raise copies of one failure, and each names its own operation in it."""
    made = RateLimited("slow down")
    made.copy().operation = "get_wallet"
    assert made.operation is None


def test_the_text_holds_what_a_support_ticket_needs() -> None:
    """Provider, operation, message, status, code, request id, and the outcome where it is in doubt."""
    made = ProviderError(
        "it failed",
        provider="puppet",
        operation="create_wallet",
        status_code=500,
        provider_code="BOOM",
        request_id="req-1",
        outcome="unknown",
        retry_after=7.0,
    )
    assert str(made) == ("puppet create_wallet: it failed (status 500, code BOOM, request id req-1, outcome unknown)")
    assert str(ConfigurationError("type this")) == "type this"
    assert str(ConfigurationError("type this", provider="puppet")) == "puppet: type this"


def test_the_text_holds_nothing_but_that() -> None:
    """Links and what a customer lacks are fields; they may be personal, so they are not in the text."""
    made = CustomerNotEligible("not yet", missing=("passport",), link="https://kyc.example/?token=hidden")
    assert str(made) == "not yet"
    pending = ApprovalPending("a person must approve", approval_id="a-1", approval_url="https://x.example/hidden")
    assert str(pending) == "a person must approve (outcome applied)"


outcomes = st.sampled_from(OUTCOMES)


@given(outcomes, outcomes, outcomes)
def test_worse_is_a_join(first: Outcome, second: Outcome, third: Outcome) -> None:
    """However often and in whatever order outcomes are put together, the result is the same."""
    assert worse(first, worse(second, third)) == worse(worse(first, second), third)
    assert worse(first, second) == worse(second, first)
    assert worse(first, first) == first
    assert worse(first, second) in (first, second)


def test_worse_never_takes_back_a_doubt() -> None:
    """ "Not applied" after "unknown" stays unknown; "applied" beats both."""
    assert worse("not_applied", "unknown") == "unknown"
    assert worse("unknown", "applied") == "applied"
    assert worse("not_applied", "applied") == "applied"


def test_an_outcome_or_a_retry_of_none_means_the_default() -> None:
    """Facts collected from an answer may be absent; an explicit False is not absent."""
    assert errors.ConnectionLost("x", outcome=None, retryable=None).outcome == "unknown"
    assert errors.ConnectionLost("x", retryable=None).retryable is True
    assert errors.ConnectionLost("x", retryable=False).retryable is False

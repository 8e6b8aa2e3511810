"""Everything that can go wrong, in one tree.

::

    WalletportError
    ├── ConfigurationError        your settings: unknown provider, missing key, bad value
    ├── UnsupportedOperation      this provider cannot do that; nothing was sent
    ├── ProviderError             the provider answered, and the answer is no
    │   ├── InvalidRequest
    │   ├── AuthenticationError
    │   ├── PermissionDenied
    │   ├── CustomerNotEligible   KYC, endorsement, claim or feature is missing
    │   ├── NotFound
    │   ├── Conflict
    │   │   ├── IdempotencyConflict
    │   │   ├── RequestInProgress
    │   │   └── AlreadyExists
    │   ├── RateLimited
    │   ├── ProviderUnavailable
    │   └── MalformedResponse     the answer breaks the contract
    ├── TransportError            no usable answer
    │   ├── ConnectFailed         the provider was never reached
    │   ├── ConnectionLost
    │   └── RequestTimedOut
    ├── ApprovalPending           accepted, a person must approve first
    ├── WebhookRejected           a webhook that is not proved to come from the provider
    └── OutcomeUnknown            nobody can say whether a wallet exists

The question that decides what happens next is not *what* failed but *whether the order was applied all the
same*: every error answers it in ``outcome``. Messages never hold a credential, a header or a body.
"""

from __future__ import annotations

from typing import ClassVar, Literal, Self, TypeAlias, TypedDict, TypeVar, Unpack

Outcome: TypeAlias = Literal["not_applied", "applied", "unknown"]
"""Whether the provider carried the order out: certainly not, certainly, or nobody can say."""

_E = TypeVar("_E", bound="WalletportError")

_SEVERITY: dict[Outcome, int] = {"not_applied": 0, "unknown": 1, "applied": 2}


def worse(first: Outcome, second: Outcome) -> Outcome:
    """Return the outcome that forbids more: a later "not applied" never takes back an earlier doubt."""
    return first if _SEVERITY[first] >= _SEVERITY[second] else second


class ErrorFacts(TypedDict, total=False):
    """The keyword arguments that every error takes; see `WalletportError`."""

    outcome: Outcome | None
    retryable: bool | None
    provider: str | None
    operation: str | None
    status_code: int | None
    provider_code: str | None
    request_id: str | None
    retry_after: float | None
    provision_id: str | None


class WalletportError(Exception):
    """Base of everything this library raises on purpose; catch it at the edge of an application.

    Args:
        message: one sentence for a person; never a credential, a header or a body.
        outcome: whether the order was applied; the class's own default when absent.
        retryable: whether sending the same request again may help; the class's own default when absent.
        provider: name of the provider, filled in by the core.
        operation: the neutral operation, such as ``create_wallet``, filled in by the core.
        status_code: the HTTP status, where there was one.
        provider_code: the provider's own machine code, verbatim.
        request_id: the provider's name for this exchange, for a support ticket.
        retry_after: how long the provider asks to wait, in seconds.
        provision_id: the journal's id of the order, where it is one that was journaled.
    """

    default_outcome: ClassVar[Outcome] = "not_applied"
    default_retryable: ClassVar[bool] = False

    def __init__(self, message: str, **facts: Unpack[ErrorFacts]) -> None:
        super().__init__(message)
        self.message = message
        self.outcome: Outcome = facts.get("outcome") or self.default_outcome
        retryable = facts.get("retryable")
        self.retryable = self.default_retryable if retryable is None else retryable
        self.provider = facts.get("provider")
        self.operation = facts.get("operation")
        self.status_code = facts.get("status_code")
        self.provider_code = facts.get("provider_code")
        self.request_id = facts.get("request_id")
        self.retry_after = facts.get("retry_after")
        self.provision_id = facts.get("provision_id")

    def __str__(self) -> str:
        """Return the message with what a support ticket needs."""
        where = " ".join(part for part in (self.provider, self.operation) if part)
        facts = [
            f"{name} {value}"
            for name, value in (
                ("status", self.status_code),
                ("code", self.provider_code),
                ("request id", self.request_id),
            )
            if value is not None
        ]
        if self.outcome != "not_applied":
            facts.append(f"outcome {self.outcome}")
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} ({', '.join(facts)})" if facts else text

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by state, because the constructors take keywords only."""
        return _rebuild, (type(self), self.args, self.__dict__)

    def copy(self) -> Self:
        """Return an equal error without traceback, for raising the same failure in several tasks."""
        return _rebuild(type(self), self.args, self.__dict__)


def _rebuild(cls: type[_E], args: tuple[object, ...], state: dict[str, object]) -> _E:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(WalletportError):
    """Your settings are wrong; the message says what to type instead. Nothing was sent."""


class UnsupportedOperation(WalletportError):
    """This provider cannot express that; nothing was sent. The message gives the reason it declares."""


class ProviderError(WalletportError):
    """The provider answered, and the answer is no. Catch it to treat all refusals alike."""


class InvalidRequest(ProviderError):
    """The provider refuses what was asked, and will refuse it again unchanged."""


class AuthenticationError(ProviderError):
    """The provider does not accept the credentials."""


class PermissionDenied(ProviderError):
    """The credentials are good, but they, or this organisation, may not do that."""


class CustomerNotEligible(ProviderError):
    """This customer may not have a wallet yet.

    Args:
        missing: what is missing in the provider's own words: an endorsement, "kyc", "claim", a feature.
        link: where to send the customer to get it, when the provider gives such an address.
    """

    def __init__(
        self,
        message: str,
        *,
        missing: tuple[str, ...] = (),
        link: str | None = None,
        **facts: Unpack[ErrorFacts],
    ) -> None:
        super().__init__(message, **facts)
        self.missing = missing
        self.link = link


class NotFound(ProviderError):
    """The provider does not know this customer, wallet or path."""


class Conflict(ProviderError):
    """The request collides with something that exists; whether that is this order is not known here."""

    default_outcome: ClassVar[Outcome] = "unknown"


class IdempotencyConflict(Conflict):
    """The idempotency key was used before with another request, and that one may have been applied."""


class RequestInProgress(Conflict):
    """An earlier request for the same thing has not finished; ask again shortly with the same key."""

    default_retryable: ClassVar[bool] = True


class AlreadyExists(Conflict):
    """What was asked for exists already."""

    default_outcome: ClassVar[Outcome] = "applied"


class RateLimited(ProviderError):
    """Too many requests; this one was turned away at the door. ``retry_after`` says how long to wait."""

    default_retryable: ClassVar[bool] = True


class ProviderUnavailable(ProviderError):
    """The provider failed; whether before or after the work was done, its answer does not say."""

    default_outcome: ClassVar[Outcome] = "unknown"
    default_retryable: ClassVar[bool] = True


class MalformedResponse(ProviderError):
    """The provider's answer breaks its own contract, so nothing in it can be trusted."""

    default_outcome: ClassVar[Outcome] = "unknown"
    default_retryable: ClassVar[bool] = True


class TransportError(WalletportError):
    """No usable answer came back. Catch it to treat all network trouble alike."""

    default_outcome: ClassVar[Outcome] = "unknown"
    default_retryable: ClassVar[bool] = True


class ConnectFailed(TransportError):
    """The provider was never reached: not one byte of the request left."""

    default_outcome: ClassVar[Outcome] = "not_applied"


class ConnectionLost(TransportError):
    """The connection broke after the request began to leave."""


class RequestTimedOut(TransportError):
    """The request left and no whole answer came back in time."""


class ApprovalPending(WalletportError):
    """The provider took the order, and a person must approve it before there is a wallet.

    Args:
        approval_id: the provider's id of the pending approval, or ``None`` where it names none.
        approval_url: where to approve, or ``None``.
    """

    default_outcome: ClassVar[Outcome] = "applied"

    def __init__(
        self,
        message: str,
        *,
        approval_id: str | None = None,
        approval_url: str | None = None,
        **facts: Unpack[ErrorFacts],
    ) -> None:
        super().__init__(message, **facts)
        self.approval_id = approval_id
        self.approval_url = approval_url


class WebhookRejected(WalletportError):
    """A webhook whose signature, age or shape does not prove that the provider sent it; drop it."""


class OutcomeUnknown(WalletportError):
    """All honest means are spent, and nobody can say whether a wallet exists; a person must look."""

    default_outcome: ClassVar[Outcome] = "unknown"

"""The core's side of a flow: credentials, attempts, waits, and what is known of the outcome. No I/O.

The engine is a generator as well: it yields `Send`, `Sleep` and `TakeCredentialLock`, and a driver carries them out.
So retries and refreshes exist once, for sync and async, and are tested with neither.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeVar

from walletport.errors import (
    AuthenticationError,
    ConnectionLost,
    MalformedResponse,
    Outcome,
    ProviderError,
    RateLimited,
    TransportError,
    WalletportError,
    worse,
)
from walletport.provider import (
    Effect,
    Flow,
    OutgoingRequest,
    Request,
    Response,
    WalletProvider,
    error_for_status,
)
from walletport.transport.credentials import CredentialCache, Held
from walletport.transport.effects import Program, Send, Sleep
from walletport.transport.encoding import Encoder, check_headers
from walletport.transport.failures import place_of
from walletport.transport.limits import Budget, Limits, retry_after
from walletport.transport.pacing import Pacer
from walletport.transport.redaction import Redactor

if TYPE_CHECKING:
    from datetime import timedelta

    from walletport.provider import Credential, ProviderSettings

T = TypeVar("T")
_log = logging.getLogger("walletport")
# A vendor forgets keys and tokens while this machine sleeps; the ordinary monotonic clock of Linux stands still then.
_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """Tells the time; replaced in tests."""

    def now(self) -> datetime:
        """Return the time as aware UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never go back."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the time as aware UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back, and, on Linux, go on while the machine sleeps."""
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)


class Engine:
    """Carries out the flows of one provider account.

    Args:
        provider: says what to say.
        settings: the provider's settings, whose secrets never get into an error.
        base_urls: by host name, checked.
        limits: what one operation may cost.
        clock: tells the time.
        pacer: holds requests back; nobody does by default.
    """

    def __init__(  # noqa: PLR0917 - who, with what, where, how
        self,
        provider: WalletProvider,
        settings: ProviderSettings,
        base_urls: Mapping[str, str],
        limits: Limits,
        clock: Clock,
        pacer: Pacer | None = None,
    ) -> None:
        self.provider = provider
        self.limits = limits
        self.clock = clock
        self.pacer = pacer
        self._encoder = Encoder(base_urls, provider.capabilities.idempotency)
        self._redactor = Redactor(settings)
        self._credentials = CredentialCache(self._fetch_credential, clock.monotonic)

    def run(self, operation: str, start: Callable[[], Flow[T]]) -> Program[T]:
        """Carry out one operation.

        Args:
            operation: its neutral name, for errors.
            start: makes the flow.

        Raises:
            WalletportError: with provider, operation and outcome filled in, and no secret in it.
        """
        budget = Budget(self.limits, self.clock.monotonic())
        try:
            return (yield from self._drive(start(), budget))
        except WalletportError as error:
            error.provider = error.provider or self.provider.name
            error.operation = error.operation or operation
            self._redactor.clean(error)
            raise

    def redacted(self, text: str) -> str:
        """Return text without this account's secrets, the tokens it was given last included."""
        return self._redactor.text(text)

    def _drive(self, flow: Flow[T], budget: Budget) -> Program[T]:
        """Pump a flow to its end; an error it raises carries all the doubt that its requests left."""
        outcome: Outcome | None = None  # None until something was sent that can make a wallet
        answer: Response | WalletportError | None = None
        try:
            while True:
                request = _advance(flow, answer)
                try:
                    answer = yield from self._exchange(request, budget)
                    # Even a success leaves doubt until the flow has read the wallet out of it.
                    known: Outcome = "unknown"
                except WalletportError as error:
                    answer, known = error, error.outcome
                if request.effect is Effect.APPLIES:
                    outcome = worse(outcome or "not_applied", known)
        except StopIteration as stop:
            result: T = stop.value
            return result
        except WalletportError as error:
            if outcome is not None:
                error.outcome = worse(outcome, error.outcome)
            elif isinstance(error, ProviderError | TransportError):
                error.outcome = "not_applied"
            raise
        except Exception as error:  # noqa: BLE001 - an adapter may fail in any way
            # A flow that trips over an answer must not hide that a wallet may have been made.
            msg = f"the adapter could not read the answer ({place_of(error)})"
            raise MalformedResponse(msg, outcome=outcome or "not_applied", retryable=False) from None
        finally:
            flow.close()

    def _exchange(self, request: Request, budget: Budget) -> Program[Response]:
        """Send one request until it is answered, refused for good, or the budget is spent."""
        attempts = 0
        doubt: Outcome = "not_applied"
        refused: Held | None = None
        failure: WalletportError | None = None
        try:
            while True:
                held = (yield from self._credential(request, refused, doubt)) if request.authenticated else None
                # Waiting for a credential took time, and the provider may have forgotten the key meanwhile.
                if failure and not budget.allows(self.clock.monotonic(), self._window(request, doubt)):
                    raise failure
                attempts += 1
                try:
                    return (yield from self._attempt(request, held))
                except WalletportError as error:
                    failure = error
                doubt = worse(doubt, failure.outcome)
                failure.outcome = doubt if request.effect is Effect.APPLIES else "not_applied"
                _log.debug("%s: attempt %d ended in %s", self.provider.name, attempts, type(failure).__name__)
                if doubt != "not_applied" and not self._repeatable(request):
                    raise failure
                if refused is None and held and held.renewable and isinstance(failure, AuthenticationError):
                    refused, attempts = held, attempts - 1
                    continue
                if request.effect is Effect.APPLIES and not self.limits.repeats_creates:
                    raise failure
                wait = budget.wait_before(attempts + 1, failure, self.clock.monotonic(), self._window(request, doubt))
                if wait is None:
                    raise failure
                yield Sleep(wait)
        finally:
            failure = None  # its traceback holds this frame

    def _credential(self, request: Request, refused: Held | None, doubt: Outcome) -> Program[Held]:
        """Return a credential; where none can be had, the error says what the attempts before left in doubt."""
        try:
            return (yield from self._credentials.get(refused))
        except WalletportError as error:
            error.outcome = doubt if request.effect is Effect.APPLIES else "not_applied"
            raise

    def _attempt(self, request: Request, held: Held | None) -> Program[Response]:
        if self.pacer is not None:
            yield from self.pacer.turn()
        outgoing = self._prepare(request, held)
        try:
            response: Response = yield Send(outgoing, timeout=self.limits.timeout, signed=held is not None)
        except WalletportError:
            raise
        except Exception as error:  # noqa: BLE001 - a transport that fails in its own way may have sent the request
            msg = f"the transport failed ({place_of(error)})"
            raise ConnectionLost(msg, retryable=False) from None
        refusal = self._judge(request, response)
        if refusal is None:
            self._learn(limited=False, retry_after=None)
            return response
        refusal.status_code = refusal.status_code or response.status
        if refusal.retry_after is None:
            refusal.retry_after = retry_after(response, self.clock.now())
        self._learn(limited=isinstance(refusal, RateLimited), retry_after=refusal.retry_after)
        raise refusal

    def _learn(self, *, limited: bool, retry_after: float | None) -> None:
        if self.pacer is not None:
            self.pacer.answered(limited=limited, retry_after=retry_after)

    def _prepare(self, request: Request, held: Held | None) -> OutgoingRequest:
        """Return the next attempt, signed; whatever goes wrong here, nothing of it was sent."""
        try:
            outgoing = self._encoder.encode(request, self.clock.now())
            if held is not None:
                outgoing = self.provider.sign(outgoing, held.credential)
            check_headers(outgoing.headers)
        except WalletportError as error:
            error.outcome, error.retryable = "not_applied", False
            raise error.with_traceback(None) from None  # whose frames hold the headers
        except Exception as error:  # noqa: BLE001 - an adapter may fail in any way
            msg = f"the adapter could not make the request ({place_of(error)})"
            raise WalletportError(msg) from None
        return outgoing

    def _judge(self, request: Request, response: Response) -> WalletportError | None:
        """Return what is wrong with an answer, or ``None``."""
        if response.status < HTTPStatus.BAD_REQUEST and not response.ok:
            msg = "the provider answered with a redirect, which is not followed, or with no final status"
            return MalformedResponse(msg, retryable=False)
        try:
            error = self.provider.classify(request, response)
            if error is None and not response.ok and response.status not in request.accepts:
                error = error_for_status(response)
            if error is None and request.expects_json:
                response.json()
        except WalletportError as found:
            return found.with_traceback(None)  # whose frames hold the body
        except Exception as found:  # noqa: BLE001 - an adapter may fail in any way
            msg = f"the adapter could not read the answer ({place_of(found)})"
            return MalformedResponse(msg, retryable=False)
        return error

    def _repeatable(self, request: Request) -> bool:
        """Return whether the request may be sent again although it may have been carried out."""
        if request.repeatable is not None:
            return request.repeatable
        return request.effect is Effect.READS or self._keyed(request)

    def _keyed(self, request: Request) -> bool:
        return request.idempotency_key is not None and self.provider.capabilities.idempotency.place != "none"

    def _window(self, request: Request, doubt: Outcome) -> timedelta | None:
        """Return how long a repeat may rely on the key, or ``None`` where it need not."""
        if doubt == "not_applied" or not self._keyed(request):
            return None
        return self.provider.capabilities.idempotency.window

    def _fetch_credential(self) -> Program[tuple[Credential, bool]]:
        """Run the provider's login; a credential that took no call cannot be renewed by asking again."""
        budget = Budget(self.limits, self.clock.monotonic())
        answer: Response | WalletportError | None = None
        asked = False
        with closing(self.provider.authenticate()) as flow:
            try:
                while True:
                    # Never with a credential: whoever asks for one here would wait for itself.
                    request = replace(_advance(flow, answer), authenticated=False)
                    asked = True
                    try:
                        answer = yield from self._exchange(request, budget)
                    except WalletportError as error:
                        answer = error
            except StopIteration as stop:
                credential: Credential = stop.value
        self._redactor.learn(credential.token)
        return credential, asked


def _advance(flow: Flow[T], answer: Response | WalletportError | None) -> Request:
    """Give a flow its answer and return its next request; raises `StopIteration` with the result at its end."""
    if answer is None:
        return next(flow)
    if isinstance(answer, WalletportError):
        return flow.throw(answer)
    return flow.send(answer)

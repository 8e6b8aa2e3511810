"""The core's side of a flow: credentials, attempts, waits, and what is known of the outcome. No I/O.

The engine is a generator as well: it yields `Send`, `Sleep` and `TakeCredentialLock`, and a driver carries them out.
So retries and refreshes exist once, for sync and async, and are tested with neither.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, TypeVar

from walletport.errors import (
    AuthenticationError,
    MalformedResponse,
    Outcome,
    ProviderError,
    TransportError,
    WalletportError,
    worse,
)
from walletport.provider import Effect, Flow, Request, Response, WalletProvider, error_for_status
from walletport.transport.credentials import CredentialCache, Held
from walletport.transport.effects import Program, Send, Sleep
from walletport.transport.encoding import Encoder, check_headers
from walletport.transport.limits import Budget, Limits, retry_after
from walletport.transport.redaction import Redactor

if TYPE_CHECKING:
    from walletport.provider import Credential, ProviderSettings

T = TypeVar("T")
_log = logging.getLogger("walletport")


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
        """Return seconds that never go back."""
        return time.monotonic()


class Engine:
    """Carries out the flows of one provider account.

    Args:
        provider: says what to say.
        settings: the provider's settings, whose secrets never get into an error.
        base_urls: by host name, checked.
        limits: what one operation may cost.
        clock: tells the time.
    """

    def __init__(
        self,
        provider: WalletProvider,
        settings: ProviderSettings,
        base_urls: Mapping[str, str],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self.provider = provider
        self.limits = limits
        self.clock = clock
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
        except Exception as error:
            # A flow that trips over an answer must not hide that a wallet may have been made.
            msg = f"the adapter could not read the answer ({type(error).__name__})"
            raise MalformedResponse(msg, outcome=outcome or "not_applied", retryable=False) from error
        finally:
            flow.close()

    def _exchange(self, request: Request, budget: Budget) -> Program[Response]:
        """Send one request until it is answered, refused for good, or the budget is spent."""
        attempts = 0
        doubt: Outcome = "not_applied"
        refused: Held | None = None
        while True:
            held: Held | None = None
            try:
                if request.authenticated:
                    held = yield from self._credentials.get(refused)
                attempts += 1
                return (yield from self._attempt(request, held))
            except WalletportError as error:
                doubt = worse(doubt, error.outcome)
                error.outcome = doubt if request.effect is Effect.APPLIES else "not_applied"
                _log.debug("%s: attempt %d ended in %s", self.provider.name, attempts, type(error).__name__)
                if isinstance(error, AuthenticationError) and held and held.renewable and refused is None:
                    refused, attempts = held, attempts - 1
                    continue
                wait = self._wait(request, error, attempts + 1, doubt, budget)
                if wait is None:
                    raise
            yield Sleep(wait)

    def _attempt(self, request: Request, held: Held | None) -> Program[Response]:
        outgoing = self._encoder.encode(request, self.clock.now())
        if held is not None:
            outgoing = self.provider.sign(outgoing, held.credential)
            check_headers(outgoing.headers)
        response: Response = yield Send(outgoing, timeout=self.limits.timeout)
        error = self._judge(request, response)
        if error is None:
            return response
        error.status_code = error.status_code or response.status
        if error.retry_after is None:
            error.retry_after = retry_after(response, self.clock.now())
        raise error

    def _judge(self, request: Request, response: Response) -> WalletportError | None:
        """Return what is wrong with an answer, or ``None``."""
        if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
            return MalformedResponse("the provider answered with a redirect, which is not followed", retryable=False)
        try:
            error = self.provider.classify(request, response)
            if error is None and not response.ok:
                error = error_for_status(response)
            if error is None and request.expects_json:
                response.json()
        except WalletportError as found:
            return found
        return error

    def _wait(
        self, request: Request, error: WalletportError, attempt: int, doubt: Outcome, budget: Budget
    ) -> float | None:
        """Return the wait before the next attempt, or ``None`` where a repeat could do harm or cannot help."""
        policy = self.provider.capabilities.idempotency
        keyed = request.idempotency_key is not None and policy.place != "none"
        repeatable = request.effect is Effect.READS or keyed if request.repeatable is None else request.repeatable
        if doubt == "not_applied":
            return budget.wait_before(attempt, error, self.clock.monotonic(), None)
        if not repeatable:
            return None
        return budget.wait_before(attempt, error, self.clock.monotonic(), policy.window if keyed else None)

    def _fetch_credential(self) -> Program[tuple[Credential, bool]]:
        """Run the provider's login; a credential that took no call cannot be renewed by asking again."""
        flow = self.provider.authenticate()
        budget = Budget(self.limits, self.clock.monotonic())
        answer: Response | WalletportError | None = None
        asked = False
        try:
            while True:
                request = _advance(flow, answer)
                asked = True
                try:
                    answer = yield from self._exchange(request, budget)
                except WalletportError as error:
                    answer = error
        except StopIteration as stop:
            credential: Credential = stop.value
            self._redactor.learn(credential.token)
            return credential, asked
        finally:
            flow.close()


def _advance(flow: Flow[T], answer: Response | WalletportError | None) -> Request:
    """Give a flow its answer and return its next request; raises `StopIteration` with the result at its end."""
    if answer is None:
        return next(flow)
    if isinstance(answer, WalletportError):
        return flow.throw(answer)
    return flow.send(answer)

"""Wrong adapters of Toy: making wallets, keys, doubt."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import quote

from tests.support.toy import CUSTOMER, Toy
from tests.unit.testing.mutants import noticed_by
from walletport.errors import (
    AuthenticationError,
    ConnectionLost,
    InvalidRequest,
    MalformedResponse,
    NotFound,
    PermissionDenied,
    ProviderError,
    RateLimited,
    WalletportError,
)
from walletport.models import Wallet
from walletport.provider import Effect, Need


def _changing(flow, change):
    """Run a flow with each of its requests changed."""
    answer = None
    try:
        while True:
            request = next(flow) if answer is None else flow.send(answer)
            try:
                answer = yield change(request)
            except WalletportError as error:
                request = flow.throw(error)
                answer = yield change(request)
    except StopIteration as stop:
        return stop.value


@noticed_by(
    "the_wait_a_vendor_asks_for_is_kept",
    "the_key_travels_where_it_is_declared",
    "a_lost_answer_makes_one_wallet",
    "an_answer_lost_on_the_way_loses_no_order",
    "every_repeat_is_the_same_request",
    "an_order_repeated_makes_no_second_wallet",
    "a_key_is_good_to_the_end_of_its_window",
)
class DropsTheKey(Toy):
    """The create is sent without the order's key."""

    def create_wallet(self, order):
        return _changing(super().create_wallet(order), lambda it: replace(it, idempotency_key=None))


@noticed_by(
    "the_key_travels_where_it_is_declared",
    "a_lost_answer_makes_one_wallet",
    "an_answer_lost_on_the_way_loses_no_order",
    "every_repeat_is_the_same_request",
    "an_order_repeated_makes_no_second_wallet",
    "a_key_is_good_to_the_end_of_its_window",
)
class RepeatsWithoutAKey(Toy):
    """The create is sent without a key and called harmless to repeat."""

    def create_wallet(self, order):
        change = lambda it: replace(it, idempotency_key=None, repeatable=True)  # noqa: E731
        return _changing(super().create_wallet(order), change)


@noticed_by(
    "the_key_travels_where_it_is_declared",
    "a_lost_answer_makes_one_wallet",
    "an_answer_lost_on_the_way_loses_no_order",
    "every_repeat_is_the_same_request",
    "an_order_repeated_makes_no_second_wallet",
    "a_key_is_good_to_the_end_of_its_window",
    "a_lost_answer_makes_one_customer",
)
class NewKeyForEachAttempt(Toy):
    """Signing puts a fresh key into every attempt."""

    def sign(self, request, credential):
        signed = super().sign(request, credential)
        keyed = "Idempotency-Key" in request.headers
        return signed.with_headers({"Idempotency-Key": str(uuid.uuid4())}) if keyed else signed


@noticed_by(
    "the_key_travels_where_it_is_declared",
    "an_answer_lost_on_the_way_loses_no_order",
    "every_repeat_is_the_same_request",
    "an_order_repeated_makes_no_second_wallet",
    "a_key_is_good_to_the_end_of_its_window",
)
class NewKeyForEachCall(Toy):
    """The create makes up a key of its own."""

    def create_wallet(self, order):
        return super().create_wallet(order.model_copy(update={"idempotency_key": str(uuid.uuid4())}))


@noticed_by(
    "a_lost_answer_leaves_doubt",
    "a_failure_of_the_vendor_leaves_doubt",
    "a_failure_of_a_gateway_leaves_doubt",
    "an_answer_cut_short_leaves_doubt",
    "an_answer_lost_on_the_way_loses_no_order",
)
class RetriesByItself(Toy):
    """A lost answer is answered by another create, under another key."""

    def create_wallet(self, order):
        try:
            return (yield from super().create_wallet(order))
        except (ConnectionLost, ProviderError) as error:
            if error.outcome != "unknown":
                raise
            return (yield from super().create_wallet(order.model_copy(update={"idempotency_key": str(uuid.uuid4())})))


@noticed_by(
    "a_lost_answer_leaves_doubt",
    "a_late_answer_leaves_doubt",
    "a_failure_of_the_vendor_leaves_doubt",
    "a_failure_of_a_gateway_leaves_doubt",
    "an_answer_cut_short_leaves_doubt",
    "a_success_that_holds_no_wallet_leaves_doubt",
)
class CreateOnlyPrepares(Toy):
    """The create is said to prepare something, so a timeout becomes "not applied"."""

    def create_wallet(self, order):
        return _changing(super().create_wallet(order), lambda it: replace(it, effect=Effect.PREPARES))


@noticed_by(
    "a_failure_of_the_vendor_leaves_doubt",
    "a_failure_of_a_gateway_leaves_doubt",
    "the_wait_a_vendor_asks_for_is_kept",
    "every_repeat_is_the_same_request",
)
class FailureIsARefusal(Toy):
    """A 5xx is taken for a refusal."""

    def classify(self, request, response):
        if response.status >= 500:
            return InvalidRequest("the vendor refused", status_code=response.status)
        return super().classify(request, response)


@noticed_by("a_refusal_nobody_documented_is_an_error")
class RefusalIsAWallet(Toy):
    """A refusal with an unknown code is taken for a wallet that is on its way."""

    def create_wallet(self, order):
        try:
            return (yield from super().create_wallet(order))
        except ProviderError as error:
            if error.provider_code is not None or error.outcome != "not_applied":
                raise
            return Wallet(provider=self.name, id=f"pending-{order.idempotency_key}", customer_id=order.customer_id)


@noticed_by("an_answer_cut_short_leaves_doubt", "a_success_that_holds_no_wallet_leaves_doubt")
class EmptyAnswerIsAWallet(Toy):
    """A success that cannot be read is taken for a wallet whose id will come."""

    def create_wallet(self, order):
        try:
            return (yield from super().create_wallet(order))
        except MalformedResponse:
            return Wallet(provider=self.name, id="unknown", customer_id=order.customer_id, chain=order.chain)


@noticed_by("too_many_requests_say_how_long_to_wait", "the_wait_a_vendor_asks_for_is_kept")
class HurriesBack(Toy):
    """Whatever wait is asked for, the repeat comes at once."""

    def classify(self, request, response):
        if response.status == 429:
            return RateLimited("too many requests", retry_after=0)
        return super().classify(request, response)


@noticed_by("too_many_requests_say_how_long_to_wait")
class CallsRateLimitsUnavailable(Toy):
    """A 429 is taken for a failure that leaves doubt."""

    def classify(self, request, response):
        error = super().classify(request, response)
        if isinstance(error, RateLimited):
            error.outcome = "unknown"
        return error


@noticed_by("a_key_is_good_to_the_end_of_its_window")
class WindowTooLong(Toy):
    """The key is counted on for longer than the vendor remembers it."""

    capabilities = Toy.capabilities.model_copy(
        update={"idempotency": Toy.capabilities.idempotency.model_copy(update={"window": timedelta(days=1)})}
    )


@noticed_by(
    "the_key_travels_where_it_is_declared",
    "a_lost_answer_makes_one_wallet",
    "an_answer_lost_on_the_way_loses_no_order",
    "every_repeat_is_the_same_request",
    "an_order_repeated_makes_no_second_wallet",
    "a_key_is_good_to_the_end_of_its_window",
    "a_lost_answer_makes_one_customer",
)
class WrongPlaceOfTheKey(Toy):
    """The key is declared for the body and never put there."""

    capabilities = Toy.capabilities.model_copy(
        update={"idempotency": Toy.capabilities.idempotency.model_copy(update={"place": "body", "name": "requestId"})}
    )


@noticed_by(
    "an_order_arrives_as_it_was_given",
    "text_outside_ascii_arrives_unharmed",
    "an_order_that_was_carried_out_is_found",
    "an_order_whose_answer_was_lost_is_found",
)
class LosesTheReference(Toy):
    """The reference is declared and sent nowhere."""

    def create_wallet(self, order):
        return super().create_wallet(order.model_copy(update={"reference": None}))


@noticed_by("a_customer_id_is_data", "a_wallet_id_is_data")
class PathByHand(Toy):
    """The path is written as one text and split at its slashes."""

    def create_wallet(self, order):
        change = lambda it: replace(it, path=tuple(f"customers/{order.customer_id}/wallets".split("/")))  # noqa: E731
        return _changing(super().create_wallet(order), change)

    def get_wallet(self, wallet_id, customer_id):
        path = tuple(f"customers/{customer_id}/wallets/{wallet_id}".split("/"))
        return _changing(super().get_wallet(wallet_id, customer_id), lambda it: replace(it, path=path))


@noticed_by("a_customer_id_is_data", "a_wallet_id_is_data")
class EncodesTwice(Toy):
    """Ids are percent-encoded by hand, and then once more by the core."""

    def create_wallet(self, order):
        change = lambda it: replace(it, path=("customers", quote(order.customer_id, safe=""), "wallets"))  # noqa: E731
        return _changing(super().create_wallet(order), change)

    def get_wallet(self, wallet_id, customer_id):
        return super().get_wallet(quote(wallet_id, safe=""), customer_id)


@noticed_by(
    "two_customers_get_a_wallet_each",
    "what_may_be_left_out_can_be",
    "an_order_that_was_carried_out_is_found",
    "what_exists_already_is_adopted",
    "a_balance_is_of_the_wallet_that_was_asked_for",
)
class RemembersForEverybody(Toy):
    """The first wallet that was made is handed to whoever orders one after that."""

    first = None

    def create_wallet(self, order):
        wallet = yield from super().create_wallet(order)
        self.first = self.first or wallet
        return self.first.model_copy(update={"customer_id": order.customer_id})


@noticed_by("a_customer_who_may_not_have_one_is_told")
class DidNotMeanIt(Toy):
    """A customer who lacks something is told that the request was wrong."""

    def classify(self, request, response):
        error = super().classify(request, response)
        return (
            InvalidRequest("refused") if error is not None and error.provider_code == "customer_not_verified" else error
        )


@noticed_by("wrong_credentials_are_told", "a_token_that_ended_is_renewed", "a_refusal_for_good_ends")
class NeverRenews(Toy):
    """A 401 is taken for a lack of permission, so no new token is asked for."""

    def classify(self, request, response):
        error = super().classify(request, response)
        return PermissionDenied("not allowed") if isinstance(error, AuthenticationError) else error


@noticed_by("a_token_that_ended_is_renewed", "a_token_is_renewed_before_it_ends")
class KeepsItsToken(Toy):
    """The first token is kept in the adapter for ever."""

    kept = None

    def authenticate(self):
        if self.kept is None:
            self.kept = yield from super().authenticate()
        return self.kept


@noticed_by("wrong_credentials_are_told", "a_refusal_for_good_ends")
class LoopsOn401(Toy):
    """A create that is not let in is tried again without end."""

    def create_wallet(self, order):
        while True:
            try:
                return (yield from super().create_wallet(order))
            except AuthenticationError:
                continue


@noticed_by("a_token_is_renewed_before_it_ends")
class TokenWithoutEnd(Toy):
    """The token's end is not told."""

    def authenticate(self):
        return replace((yield from super().authenticate()), expires_in=None)


@noticed_by("one_token_serves_many_calls")
class TokenForEachCall(Toy):
    """The token is said to be good for no time at all."""

    def authenticate(self):
        return replace((yield from super().authenticate()), expires_in=timedelta(0))


class _ChangedCreate(Toy):
    """Changes every wallet that is made."""

    changes: ClassVar[dict[str, object]] = {}

    def create_wallet(self, order):
        return (yield from super().create_wallet(order)).model_copy(update=self.changes)


@noticed_by(
    "an_order_makes_one_wallet_and_returns_it", "a_lost_answer_makes_one_wallet", "what_exists_already_is_adopted"
)
class MadeWithoutAsset(_ChangedCreate):
    """The asset of a wallet that was made is not told."""

    changes: ClassVar[dict[str, object]] = {"asset": None}


@noticed_by("a_new_wallet_says_when_it_was_made")
class MadeLongAgo(_ChangedCreate):
    """Every wallet is said to have been made at the same time."""

    changes: ClassVar[dict[str, object]] = {"created_at": datetime(2020, 1, 1, tzinfo=UTC)}


@noticed_by("a_chain_the_vendor_does_not_serve_is_an_error")
class SecondBestChain(Toy):
    """A chain that is refused is replaced by another one."""

    def create_wallet(self, order):
        try:
            return (yield from super().create_wallet(order))
        except InvalidRequest as error:
            if error.provider_code != "bad_chain":
                raise
            return (yield from super().create_wallet(order.model_copy(update={"chain": "polygon"})))


@noticed_by("a_customer_nobody_knows_is_an_error")
class SecondBestCustomer(Toy):
    """A customer nobody knows gets a wallet of the house."""

    def create_wallet(self, order):
        try:
            return (yield from super().create_wallet(order))
        except NotFound as error:
            if error.provider_code != "customer_not_found":
                raise
            wallet = yield from super().create_wallet(order.model_copy(update={"customer_id": CUSTOMER}))
            return wallet.model_copy(update={"customer_id": order.customer_id})


@noticed_by("what_may_be_left_out_can_be")
class ChainMayBeLeftOut(Toy):
    """The chain is declared optional, and the vendor needs it."""

    capabilities = Toy.capabilities.model_copy(
        update={"order": Toy.capabilities.order.model_copy(update={"chain": Need.OPTIONAL})}
    )

"""Wrong adapters of Depot: signatures, two steps, adoption, addresses, base units, approvals, rotation."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from decimal import Decimal

from tests.support.depot import Depot
from tests.unit.testing.mutants import noticed_by
from walletport.errors import ApprovalPending, TransportError
from walletport.models import Wallet
from walletport.provider import no


@noticed_by("text_outside_ascii_arrives_unharmed")
class SignsItsOwnSpelling(Depot):
    """The signature is over the JSON as the adapter would write it, not over the final bytes."""

    def sign(self, request, credential):
        body = json.dumps(json.loads(request.body), separators=(",", ":")).encode() if request.body else b""
        return self._signed(request, credential, body)


@noticed_by(
    "a_lost_answer_makes_one_wallet",
    "an_answer_lost_on_the_way_loses_no_order",
    "an_order_repeated_makes_no_second_wallet",
    "a_key_is_good_to_the_end_of_its_window",
    "an_order_repeated_waits_for_the_same_approval",
)
class UsesANonceTwice(Depot):
    """The nonce of an order follows from its body, so a repeat has the same one."""

    def sign(self, request, credential):
        ordered = b"requestId" in request.body
        nonce = hashlib.sha256(request.body).hexdigest() if ordered else request.nonce
        return super().sign(replace(request, nonce=nonce), credential)


@noticed_by("what_exists_already_is_adopted")
class ExistingIsAnError(Depot):
    """A label that is taken is an error, although the answer carries the box."""

    def classify(self, request, response):
        return super().classify(replace(request, accepts=()), response)


@noticed_by("what_exists_already_is_adopted")
class AdoptsTheFirst(Depot):
    """A label that is taken leads to the person's first box."""

    def create_wallet(self, order):
        wallet = yield from super().create_wallet(order)
        page = yield from self.list_wallets(order.customer_id, None)
        return wallet if wallet.id == page.items[-1].id else page.items[0]


@noticed_by("a_wallet_is_not_read_as_another_customers")
class NamesWhoeverAsks(Depot):
    """A box is said to belong to whoever asks for it."""

    def get_wallet(self, wallet_id, customer_id):
        wallet = yield from super().get_wallet(wallet_id, customer_id)
        return wallet.model_copy(update={"customer_id": customer_id})


@noticed_by("a_wallet_becomes_ready", "every_address_is_told")
class DropsTheMemo(Depot):
    """An address is told without its memo."""

    def _address(self, place):
        return super()._address(place).model_copy(update={"memo": None})


@noticed_by("a_wallet_becomes_ready", "every_address_is_told")
class TellsOneAddress(Depot):
    """Of several addresses only the first is told."""

    def get_addresses(self, wallet):
        return (yield from super().get_addresses(wallet))[:1]


@noticed_by("a_wallet_becomes_ready", "every_address_is_told")
class HidesSeveralAddresses(Depot):
    """Several addresses are denied, and told."""

    capabilities = Depot.capabilities.model_copy(update={"several_addresses": no("a box has one address")})


@noticed_by("a_balance_is_exact", "a_balance_is_of_the_wallet_that_was_asked_for")
class ForgetsTheDecimals(Depot):
    """Base units are taken for whole units."""

    def _balance(self, held):
        return super()._balance(held).model_copy(update={"available": Decimal(held.units)})


@noticed_by("a_balance_is_exact")
class DividesByAFloat(Depot):
    """Base units are divided as floats."""

    def _balance(self, held):
        return super()._balance(held).model_copy(update={"available": Decimal(str(held.units / 10**held.decimals))})


@noticed_by("a_create_that_waits_for_approval_says_so", "an_order_repeated_waits_for_the_same_approval")
class PendingIsAWallet(Depot):
    """A create that waits for an approval is taken for a wallet."""

    def create_wallet(self, order):
        try:
            return (yield from super().create_wallet(order))
        except ApprovalPending as pending:
            return Wallet(provider=self.name, id=pending.approval_id, customer_id=order.customer_id)


@noticed_by("a_create_that_waits_for_approval_says_so")
class LosesTheApproval(Depot):
    """A create that waits does not say for what."""

    def create_wallet(self, order):
        try:
            return (yield from super().create_wallet(order))
        except ApprovalPending:
            msg = "somebody must approve"
            raise ApprovalPending(msg) from None


@noticed_by("a_rotated_wallet_has_another_address")
class RotatesToTheOld(Depot):
    """A rotation returns the wallet that it replaced."""

    def rotate_wallet(self, wallet, idempotency_key):
        yield from super().rotate_wallet(wallet, idempotency_key)
        return wallet


@noticed_by("a_lost_answer_rotates_once")
class RotatesAgain(Depot):
    """A rotation whose answer was lost is given again under another key."""

    def rotate_wallet(self, wallet, idempotency_key):
        request = next(super().rotate_wallet(wallet, idempotency_key))
        try:
            response = yield replace(request, repeatable=False)
        except TransportError:
            return (yield from super().rotate_wallet(wallet, f"{idempotency_key}-2"))
        return (yield from self._all(response))

    def _all(self, response):
        number = response.json_object()["boxes"][0]
        return (yield from self.get_wallet(f"{number['vault']}:{number['number']}", None))

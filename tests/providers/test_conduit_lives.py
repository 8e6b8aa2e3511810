"""Conduit: adapter and emulator go through whole lives of wallets, and every exchange keeps the contract."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from tests.support.contract import Contract
from tests.support.emulated import ManualClock, answers_of, emulated
from walletport import Client, errors
from walletport.models import EventType, WalletStatus
from walletport_conduit import Conduit
from walletport_conduit.emulator import CUSTOMER, ConduitEmulator

SECRET = "whsec_" + "ab" * 32
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ORDER = {"customer_id": CUSTOMER, "chain": "polygon", "reference": "order-1"}


class World:
    """A client, the emulator behind it, their clock, and answers that get lost on the way back."""

    def __init__(self, **knobs):
        self.clock = ManualClock()
        given, self.emulator = emulated(Conduit, self.clock, contract="conduit")
        for name, value in knobs.items():
            setattr(self.emulator, name, value)
        self._answer = answers_of(self.emulator, "conduit")
        self.lost = 0
        self.client = Client(Conduit, max_attempts=1, **{**given, "transport": httpx.MockTransport(self._handle)})

    def _handle(self, request):
        answer = self._answer(request)
        if self.lost and request.method == "POST":
            self.lost -= 1
            raise httpx.ReadError("the connection broke")
        return answer

    def made(self):
        return len(self.emulator.wallets())


def test_a_wallet_is_pending_without_address_first_and_active_with_one_later():
    world = World(activation_delay=timedelta(seconds=30))
    made = world.client.create_wallet(**ORDER)
    assert (made.status, made.addresses) == (WalletStatus.PENDING, ())
    world.clock.advance(timedelta(seconds=29))
    assert world.client.get_wallet(made.id, customer_id=CUSTOMER).status is WalletStatus.PENDING
    world.clock.advance(timedelta(seconds=1))
    wallet = world.client.get_wallet(made.id, customer_id=CUSTOMER)
    assert wallet.status is WalletStatus.ACTIVE
    assert wallet.address_on("polygon") == world.client.get_addresses(wallet)[0].value
    assert world.client.wait_until_ready(wallet).id == made.id


def test_the_same_order_again_is_the_same_wallet_within_the_window_and_after_it():
    world = World()
    ids = set()
    for minutes in (0, 1, 10, 10**5):
        world.clock.advance(timedelta(minutes=minutes))
        ids.add(world.client.create_wallet(**ORDER, idempotency_key="order-1").id)
    assert len(ids) == world.made() == 1


def test_an_answer_that_was_lost_is_found_by_its_reference_with_no_key_at_all():
    world = World()
    world.lost = 1
    with pytest.raises(errors.ConnectionLost):
        world.client.create_wallet(**ORDER)
    world.emulator.keys.forget_all()
    assert world.client.find_wallet(**ORDER).id == world.emulator.wallets()[0].wallet_id


def test_a_result_that_was_never_recorded_is_adopted_by_its_reference():
    world = World(unrecorded=1)
    with pytest.raises(errors.ProviderUnavailable) as caught:
        world.client.create_wallet(**ORDER, idempotency_key="order-1")
    assert caught.value.outcome == "unknown"
    wallet = world.client.create_wallet(**ORDER, idempotency_key="order-1")
    assert (wallet.id, world.made()) == (world.emulator.wallets()[0].wallet_id, 1)


def test_a_result_that_was_never_recorded_and_has_no_reference_stays_unknown():
    world = World(unrecorded=1)
    order = {"customer_id": CUSTOMER, "chain": "polygon", "idempotency_key": "order-1"}
    with pytest.raises(errors.ProviderUnavailable):
        world.client.create_wallet(**order)
    with pytest.raises(errors.RequestInProgress) as caught:
        world.client.create_wallet(**order)
    assert (caught.value.outcome, world.made()) == ("unknown", 1)


def test_a_wallet_whose_chain_was_not_opened_is_opened_by_the_same_request():
    world = World(activation_failures=1, activation_delay=timedelta(0))
    with pytest.raises(errors.ProviderUnavailable) as caught:
        world.client.create_wallet(**ORDER, idempotency_key="order-1")
    assert (caught.value.outcome, world.made()) == ("applied", 1)
    wallet = world.client.create_wallet(**ORDER, idempotency_key="order-1")
    assert (wallet.status, world.made()) == (WalletStatus.ACTIVE, 1)


def test_an_admins_approval_is_waited_for_and_its_wallet_adopted():
    world = World(approval_required=True)
    with pytest.raises(errors.ApprovalPending) as first:
        world.client.create_wallet(**ORDER)
    assert (first.value.outcome, world.made()) == ("applied", 0)
    with pytest.raises(errors.ApprovalPending) as second:
        world.client.create_wallet(**ORDER)
    assert (second.value.outcome, second.value.provider_code) == ("unknown", "WALLET_AWAITING_ADMIN_APPROVAL")
    assert world.client.find_wallet(**ORDER) is None
    wallet_id = world.emulator.approve(first.value.approval_id)
    assert world.client.create_wallet(**ORDER).id == wallet_id
    assert world.made() == 1


def test_the_same_key_with_another_body_is_a_conflict():
    world = World()
    world.client.create_wallet(**ORDER, idempotency_key="order-1")
    with pytest.raises(errors.IdempotencyConflict) as caught:
        world.client.create_wallet(**{**ORDER, "chain": "base"}, idempotency_key="order-1")
    assert (caught.value.outcome, world.made()) == ("unknown", 1)


def test_a_reference_that_another_customers_wallet_has_is_not_adopted():
    world = World(duplicate_code="CONFLICT")
    other = world.emulator.add_customer()
    world.client.create_wallet(**{**ORDER, "customer_id": other})
    with pytest.raises(errors.Conflict):
        world.client.create_wallet(**ORDER)
    assert world.client.find_wallet(**ORDER) is None
    assert world.made() == 1


def test_the_catalogues_code_for_a_reference_in_use_is_understood():
    """The create operation does not list it, so this one exchange is not held against the contract."""
    given, emulator = emulated(Conduit)
    emulator.duplicate_code = "DUPLICATE_CLIENT_REFERENCE_ID"
    with Client(Conduit, max_attempts=1, **given) as conduit:
        conduit.create_wallet(**{**ORDER, "customer_id": emulator.add_customer()})
        with pytest.raises(errors.AlreadyExists) as caught:
            conduit.create_wallet(**ORDER)
    assert caught.value.outcome == "unknown"


@pytest.mark.parametrize("rotation", ["new", "old", "same"])
def test_a_rotation_leaves_one_present_wallet_that_the_order_still_leads_to(rotation):
    world = World(rotation=rotation, activation_delay=timedelta(0))
    old = world.client.create_wallet(**ORDER)
    new = world.client.rotate_wallet(old)
    assert new.address != old.address
    assert world.client.find_wallet(**ORDER).id == new.id
    assert world.client.create_wallet(**ORDER).id == new.id
    listed = list(world.client.list_wallets(customer_id=CUSTOMER))
    assert [wallet.id for wallet in listed if wallet.replaced_by is None] == [new.id]


def test_only_an_active_and_empty_wallet_is_rotated():
    world = World()
    wallet = world.client.create_wallet(**ORDER)
    with pytest.raises(errors.Conflict) as caught:
        world.client.rotate_wallet(wallet)
    assert (caught.value.provider_code, caught.value.outcome) == ("WALLET_NOT_ROTATABLE", "not_applied")
    world.clock.advance(timedelta(seconds=1))
    world.emulator.set_balance(wallet.id, "USDC", Decimal("12.50"))
    with pytest.raises(errors.Conflict) as caught:
        world.client.rotate_wallet(wallet)
    assert caught.value.provider_code == "WALLET_ROTATION_BLOCKED_BALANCE"


def test_a_planted_refusal_is_answered_once_and_leaves_no_wallet():
    world = World(refusals=[(409, "WALLET_PROVIDER_CONFLICT")])
    with pytest.raises(errors.Conflict) as caught:
        world.client.create_wallet(**ORDER)
    assert (caught.value.outcome, world.made()) == ("not_applied", 0)
    assert world.client.create_wallet(**ORDER).id


def test_customers_are_read_with_what_they_lack():
    world = World()
    lacking = world.emulator.add_customer(eligible=False)
    assert world.client.get_customer(CUSTOMER).eligible is True
    assert world.client.get_customer(lacking).missing == ("crypto_wallet",)
    world.emulator.claim(lacking)
    assert world.client.get_customer(lacking).eligible is True


@pytest.mark.parametrize("form", ["wallet", "nested", "ids"])
def test_the_webhook_of_a_new_wallet_keeps_the_contract_and_is_read(form):
    world = World(event_data=form)
    wallet = world.client.create_wallet(**ORDER)
    headers, body = world.emulator.webhook(wallet.id, SECRET)
    Contract.load("conduit").check_webhook(body, headers)
    event = Conduit.parse_webhook(headers, body, (SECRET,), world.clock.now(), unverified=False)
    assert (event.type, event.wallet_id, event.customer_id) == (EventType.WALLET_CREATED, wallet.id, CUSTOMER)
    assert (event.wallet is None) is (form == "ids")


def test_the_older_forms_of_a_webhook_keep_the_contract_too():
    emulator = ConduitEmulator(lambda: NOW)
    emulator.signature, emulator.event_time_field = "body", "created_at"
    headers, body = emulator.event("claim.completed", {"customerId": CUSTOMER}, SECRET)
    Contract.load("conduit").check_webhook(body, headers)

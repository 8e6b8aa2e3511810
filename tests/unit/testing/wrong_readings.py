"""Wrong adapters of Toy: reading, lists, look-ups, customers, webhooks, secrets."""

from __future__ import annotations

import base64
import itertools
import json
import logging
import uuid
from datetime import timedelta, timezone
from decimal import Decimal

from tests.support.toy import CUSTOMER, Toy, ToyEmulator, ToySettings
from tests.unit.testing.mutants import noticed_by
from walletport.errors import NotFound, WalletportError
from walletport.models import Balance, Chain, Customer, CustomerStatus, EventType, Page, Wallet, WalletStatus
from walletport.provider import YES, ProviderSettings, Request, WalletProvider, no
from walletport.provider.signatures import verify_timestamped


def able(**changes):
    """Return Toy's declarations with some changed."""
    return Toy.capabilities.model_copy(update=changes)


class _ChangedReading(Toy):
    """Changes every wallet that is read or listed, but none that is made."""

    def change(self, wallet):
        raise AssertionError

    def get_wallet(self, wallet_id, customer_id):
        return self.change((yield from super().get_wallet(wallet_id, customer_id)))

    def list_wallets(self, customer_id, cursor):
        page = yield from super().list_wallets(customer_id, cursor)
        return page.model_copy(update={"items": tuple(self.change(wallet) for wallet in page.items)})


@noticed_by("a_status_nobody_documented_is_unknown")
class UnknownIsActive(_ChangedReading):
    """A status nobody documented is taken for active."""

    def change(self, wallet):
        status = WalletStatus.ACTIVE if wallet.status is WalletStatus.UNKNOWN else wallet.status
        return wallet.model_copy(update={"status": status})


@noticed_by("a_status_nobody_documented_is_unknown")
class LosesTheVendorsWord(_ChangedReading):
    """Only known words are kept as the vendor's."""

    def change(self, wallet):
        known = wallet.status is not WalletStatus.UNKNOWN
        return wallet.model_copy(update={"provider_status": wallet.provider_status if known else "unknown"})


@noticed_by("a_wallet_reads_as_the_vendor_has_it", "a_list_holds_the_customers_own_wallets_only")
class WrongChain(_ChangedReading):
    """Every wallet that is read is said to be on one chain."""

    def change(self, wallet):
        return wallet.model_copy(update={"chain": Chain("solana")})


@noticed_by("a_field_nobody_documented_is_kept")
class DropsRaw(_ChangedReading):
    """The vendor's own object is not kept."""

    def change(self, wallet):
        return wallet.model_copy(update={"raw": {}})


@noticed_by("a_field_nobody_documented_is_kept")
class TidiesRaw(_ChangedReading):
    """What is kept is not the vendor's object as it came."""

    def change(self, wallet):
        return wallet.model_copy(update={"raw": {**wallet.raw, "customer": wallet.customer_id}})


@noticed_by("a_read_wallet_says_when_it_was_made")
class NaiveTimes(_ChangedReading):
    """Times have no zone."""

    def change(self, wallet):
        return wallet.model_copy(update={"created_at": wallet.created_at.replace(tzinfo=None)})


@noticed_by("a_read_wallet_says_when_it_was_made")
class LocalTimes(_ChangedReading):
    """The vendor's UTC is read as the time of some other place."""

    def change(self, wallet):
        elsewhere = wallet.created_at.replace(tzinfo=timezone(timedelta(hours=2)))
        return wallet.model_validate({**wallet.model_dump(), "created_at": elsewhere})


@noticed_by("a_wallet_nobody_knows_is_not_found", "a_wallet_id_is_data")
class NothingIsNotFound(Toy):
    """Where a wallet is not found, the customer's first one is given."""

    def get_wallet(self, wallet_id, customer_id):
        try:
            return (yield from super().get_wallet(wallet_id, customer_id))
        except NotFound:
            page = yield from super().list_wallets(customer_id, None)
            return page.items[0].model_copy(update={"id": wallet_id})


@noticed_by("a_failure_to_read_is_an_error")
class FailureIsAPendingWallet(Toy):
    """A wallet that cannot be read is said to be pending."""

    def get_wallet(self, wallet_id, customer_id):
        try:
            return (yield from super().get_wallet(wallet_id, customer_id))
        except NotFound:
            raise
        except WalletportError:
            return Wallet(provider=self.name, id=wallet_id, customer_id=customer_id, status=WalletStatus.PENDING)


@noticed_by("a_list_is_whole_over_its_pages")
class LosesTheLastPage(Toy):
    """The second page is taken for the last."""

    def list_wallets(self, customer_id, cursor):
        page = yield from super().list_wallets(customer_id, cursor)
        return page if cursor is None else page.model_copy(update={"next_cursor": None})


@noticed_by("a_list_is_whole_over_its_pages", "a_list_that_breaks_off_is_an_error")
class RepeatsAPageForEver(Toy):
    """The cursor is never sent, and always new."""

    turns = itertools.count()

    def list_wallets(self, customer_id, cursor):
        page = yield from super().list_wallets(customer_id, None)
        return page.model_copy(update={"next_cursor": page.next_cursor and f"page-{next(self.turns)}"})


@noticed_by("a_list_that_breaks_off_is_an_error")
class BrokenListIsShort(Toy):
    """A page that cannot be read is taken for the end."""

    def list_wallets(self, customer_id, cursor):
        try:
            return (yield from super().list_wallets(customer_id, cursor))
        except WalletportError:
            return Page(items=())


@noticed_by(
    "a_list_is_whole_over_its_pages",
    "a_list_holds_the_customers_own_wallets_only",
    "a_customer_without_wallets_has_an_empty_list",
)
class ListsOneCustomerOnly(Toy):
    """Whoever is asked for, one customer's list is read and called theirs."""

    def list_wallets(self, customer_id, cursor):
        page = yield from super().list_wallets(CUSTOMER, cursor)
        theirs = tuple(wallet.model_copy(update={"customer_id": customer_id}) for wallet in page.items)
        return page.model_copy(update={"items": theirs})


@noticed_by("an_error_is_no_proof_of_absence")
class ErrorIsAbsence(Toy):
    """A look-up that fails says that there is no wallet."""

    def find_wallet(self, order):
        try:
            return (yield from super().find_wallet(order))
        except WalletportError:
            return None


@noticed_by("an_order_that_was_carried_out_is_found")
class FindsTheFirst(Toy):
    """A look-up takes the customer's first wallet, whatever the reference."""

    def find_wallet(self, order):
        page = yield from super().list_wallets(order.customer_id, None)
        return next((wallet for wallet in page.items if wallet.chain == order.chain), None)


@noticed_by("an_order_that_was_carried_out_is_found", "an_order_whose_answer_was_lost_is_found")
class NeverFinds(Toy):
    """A look-up is declared and always says that there is none."""

    def find_wallet(self, order):
        yield from super().find_wallet(order)


@noticed_by("a_balance_is_exact")
class FloatsAmounts(Toy):
    """An amount goes through a float."""

    def get_balances(self, wallet):
        exact = yield from super().get_balances(wallet)
        return tuple(Balance(asset=one.asset, available=Decimal(float(one.available))) for one in exact)


@noticed_by("a_balance_is_exact")
class RoundsAmounts(Toy):
    """Amounts are rounded to cents."""

    def get_balances(self, wallet):
        exact = yield from super().get_balances(wallet)
        return tuple(one.model_copy(update={"available": round(one.available, 2)}) for one in exact)


@noticed_by("a_balance_that_cannot_be_read_is_an_error")
class NoAnswerIsNothing(Toy):
    """A balance that cannot be read is nothing."""

    def get_balances(self, wallet):
        try:
            return (yield from super().get_balances(wallet))
        except WalletportError:
            return ()
        except KeyError:
            return ()


@noticed_by("a_rotated_wallet_has_another_address", "a_lost_answer_rotates_once")
class ClaimsRotation(Toy):
    """Rotation is declared and not there."""

    capabilities = able(rotate_wallet=YES)


@noticed_by("every_address_is_told", "addresses_that_cannot_be_read_are_an_error")
class ClaimsAddresses(Toy):
    """Reading addresses is declared and not there."""

    capabilities = able(get_addresses=YES)


@noticed_by(
    "a_balance_is_exact", "a_balance_is_of_the_wallet_that_was_asked_for", "a_balance_that_cannot_be_read_is_an_error"
)
class DeniesAndSends(Toy):
    """Balances are denied, and the adapter would ask for them."""

    capabilities = able(get_balances=no("Toy shows no balances"))


@noticed_by(
    "its_declarations_are_complete",
    "a_balance_is_exact",
    "a_balance_is_of_the_wallet_that_was_asked_for",
    "a_balance_that_cannot_be_read_is_an_error",
)
class DeniesWithoutReason(Toy):
    """Balances are denied without a word."""

    capabilities = able(get_balances=no(""))
    get_balances = WalletProvider.get_balances


@noticed_by(
    "a_webhook_says_which_wallet_it_is_about",
    "a_webhook_read_twice_is_the_same_event",
    "a_webhook_with_a_wrong_signature_is_rejected",
    "a_webhook_whose_body_was_changed_is_rejected",
    "an_old_webhook_is_rejected",
    "a_secret_can_be_rotated",
    "a_webhook_read_without_proof_says_so",
    "an_event_nobody_documented_is_unknown",
    "a_rejected_webhook_tells_no_secret",
)
class DeniesAndReadsWebhooks(Toy):
    """Webhooks are denied, and the adapter would read them."""

    capabilities = able(webhooks=no("Toy sends none"))


@noticed_by("a_customer_reads_as_the_vendor_has_it")
class EverybodyIsEligible(Toy):
    """Whether a customer may have a wallet is not looked at."""

    def get_customer(self, customer_id):
        return (yield from super().get_customer(customer_id)).model_copy(update={"eligible": True})


@noticed_by("a_lost_answer_makes_one_customer")
class MakesCustomersTwice(Toy):
    """A customer is made without a key and called harmless to repeat."""

    def create_customer(self, profile, idempotency_key):
        request = Request("POST", ("customers",), json={"email": profile.email}, repeatable=True)
        answer = (yield request).json_object()
        return (yield from self.get_customer(str(answer["id"])))


@noticed_by("a_customer_nobody_knows_is_not_found")
class UnknownCustomerIsNew(Toy):
    """A customer nobody knows is said to be a new one."""

    def get_customer(self, customer_id):
        try:
            return (yield from super().get_customer(customer_id))
        except NotFound:
            return Customer(provider=self.name, id=customer_id)


class _Webhook(Toy):
    """Reads a webhook without proof, and says that it was proved."""

    @classmethod
    def parse_webhook(cls, headers, body, secrets, now, *, unverified):
        event = super().parse_webhook(headers, body, secrets, now, unverified=True)
        return event.model_copy(update={"verified": not unverified})


@noticed_by(
    "a_webhook_with_a_wrong_signature_is_rejected",
    "a_webhook_whose_body_was_changed_is_rejected",
    "an_old_webhook_is_rejected",
)
class TakesAnySignature(_Webhook):
    """A webhook's signature is not looked at."""


@noticed_by("an_old_webhook_is_rejected")
class TakesOldWebhooks(_Webhook):
    """A webhook may be of any age."""

    @classmethod
    def parse_webhook(cls, headers, body, secrets, now, *, unverified):
        if not unverified:
            verify_timestamped(headers.get("toy-signature"), body, secrets, now, timedelta(days=3650))
        return super().parse_webhook(headers, body, secrets, now, unverified=unverified)


@noticed_by("a_webhook_whose_body_was_changed_is_rejected")
class SignsAnotherSpelling(_Webhook):
    """The signature is checked over the JSON written anew instead of the bytes that came."""

    @classmethod
    def parse_webhook(cls, headers, body, secrets, now, *, unverified):
        if not unverified:
            again = json.dumps(json.loads(body)).encode()
            verify_timestamped(headers.get("toy-signature"), again, secrets, now)
        return super().parse_webhook(headers, body, secrets, now, unverified=unverified)


@noticed_by("a_secret_can_be_rotated")
class OneSecretOnly(Toy):
    """Of two secrets only the first is tried."""

    @classmethod
    def parse_webhook(cls, headers, body, secrets, now, *, unverified):
        return super().parse_webhook(headers, body, secrets[:1], now, unverified=unverified)


@noticed_by("a_webhook_read_without_proof_says_so")
class AlwaysVerified(Toy):
    """A webhook that was read without proof is called verified."""

    @classmethod
    def parse_webhook(cls, headers, body, secrets, now, *, unverified):
        event = super().parse_webhook(headers, body, secrets, now, unverified=unverified)
        return event.model_copy(update={"verified": True})


@noticed_by("an_event_nobody_documented_is_unknown")
class EveryEventIsACreate(Toy):
    """An event nobody documented is taken for a wallet that was made."""

    @classmethod
    def parse_webhook(cls, headers, body, secrets, now, *, unverified):
        event = super().parse_webhook(headers, body, secrets, now, unverified=unverified)
        return event.model_copy(update={"type": EventType.WALLET_CREATED})


@noticed_by("a_webhook_read_twice_is_the_same_event")
class NewIdForEachReading(Toy):
    """An event's id is made up when it is read."""

    @classmethod
    def parse_webhook(cls, headers, body, secrets, now, *, unverified):
        event = super().parse_webhook(headers, body, secrets, now, unverified=unverified)
        return event.model_copy(update={"id": str(uuid.uuid4())})


@noticed_by("a_rejected_webhook_tells_no_secret")
class TellsTheWebhooksSecret(Toy):
    """A rejected webhook's error shows the secret that was tried."""

    @classmethod
    def parse_webhook(cls, headers, body, secrets, now, *, unverified):
        try:
            return super().parse_webhook(headers, body, secrets, now, unverified=unverified)
        except WalletportError as error:
            error.message = f"{error.message} (tried {secrets})"
            error.args = (error.message,)
            raise


@noticed_by("no_error_tells_a_credential")
class TellsTheKeyEncoded(Toy):
    """An error holds the key as Basic authentication writes it, which no redaction knows."""

    def classify(self, request, response):
        if response.status in {401, 422}:
            told = base64.b64encode(self._key.get_secret_value().encode()).decode()
            error = super().classify(request, response)
            return type(error)(f"the vendor did not take {told}", status_code=response.status)
        return super().classify(request, response)


@noticed_by("no_log_line_tells_a_credential")
class LogsTheKey(Toy):
    """The key is in a log line."""

    def authenticate(self):
        logging.getLogger("toy").debug("signing in with %s", self._key.get_secret_value())
        return (yield from super().authenticate())


class _OpenSettings(ProviderSettings):
    key: str


@noticed_by("its_settings_print_no_secret")
class SecretInTheOpen(Toy):
    """The key is a plain text among the settings."""

    settings_type = _OpenSettings

    def __init__(self, settings):
        super().__init__(ToySettings(key=settings.key))


@noticed_by("the_vendors_words_stay_out_of_errors")
class RepeatsTheVendorsWords(Toy):
    """The vendor's sentence becomes the error's."""

    def classify(self, request, response):
        error = super().classify(request, response)
        if error is not None and not error.retryable:
            error.message = response.body.decode()
            error.args = (error.message,)
        return error


@noticed_by("an_order_that_never_was_is_not_found")
class FindsAmongOthers(Toy):
    """A look-up that finds nothing goes on among another customer's wallets."""

    def find_wallet(self, order):
        found = yield from super().find_wallet(order)
        if found is not None:
            return found
        page = yield from super().list_wallets(CUSTOMER, None)
        return next((wallet.model_copy(update={"customer_id": order.customer_id}) for wallet in page.items), None)


@noticed_by("a_customer_is_made_and_returned")
class CallsCustomersByTheirEmail(Toy):
    """A new customer's id is taken from the profile."""

    def create_customer(self, profile, idempotency_key):
        made = yield from super().create_customer(profile, idempotency_key)
        return made.model_copy(update={"id": profile.email})


@noticed_by("a_customer_that_cannot_be_read_is_an_error")
class UnreadableCustomerIsPending(Toy):
    """A customer that cannot be read is said to be pending."""

    def get_customer(self, customer_id):
        try:
            return (yield from super().get_customer(customer_id))
        except NotFound:
            raise
        except (WalletportError, KeyError):
            return Customer(provider=self.name, id=customer_id, status=CustomerStatus.PENDING)


class _Forgetful(ToyEmulator):
    def customers(self):
        return [one for one in super().customers() if one != CUSTOMER]


@noticed_by("its_emulator_keeps_its_books")
class ForgetsItsCustomer(Toy):
    """The emulator does not list the customer that it says is there."""

    @classmethod
    def emulator(cls):
        return _Forgetful

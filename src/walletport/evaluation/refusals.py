"""The probes of refusals: what a wrong chain, customer and credential are answered with; and of webhooks."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Final

from pydantic import SecretStr, ValidationError

from walletport.errors import (
    AuthenticationError,
    ConfigurationError,
    PermissionDenied,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
    TransportError,
    UnsupportedOperation,
    WalletportError,
    WebhookRejected,
)
from walletport.evaluation.bench import Bench
from walletport.evaluation.orders import Order
from walletport.evaluation.probes import Probe, finding, told
from walletport.evaluation.report import Finding, Verdict
from walletport.provider import Need
from walletport.webhooks import parse_webhook

_NO_CUSTOMER: Final = "walletport-no-such-customer"
_NO_CHAIN: Final = "walletport-no-such-chain"
_CHANGED: Final = 8  # characters at the end of a secret
_OTHERS: Final = {"0": "1", "a": "b", "A": "B"}


async def wrong_chain(bench: Bench) -> Finding:
    """Order a wallet on a chain that the provider does not have."""
    fields, order = bench.capabilities.order, bench.orders.next()
    emulator = bench.subject.emulator
    chain = (emulator.uncreatable_chain if emulator is not None else None) or _NO_CHAIN
    if fields.chain is Need.REFUSED or fields.chains_fixed:
        reason = "the provider cannot be told a chain, so a wrong one is refused here before anything is sent"
        return finding("wrong_chain", Verdict.NOT_OFFERED, reason)
    return await _refused(bench, "wrong_chain", "a chain that does not exist there", _with(order, chain=chain))


async def wrong_customer(bench: Bench) -> Finding:
    """Order a wallet for a customer that does not exist."""
    order = _with(bench.orders.next(), customer_id=_NO_CUSTOMER)
    return await _refused(bench, "wrong_customer", "a customer that does not exist", order)


async def _refused(bench: Bench, kind: str, what: str, order: Order) -> Finding:
    mark = bench.driver.sent
    try:
        wallet = await bench.create(order)
    except (TransportError, RateLimited):
        raise
    except (UnsupportedOperation, ConfigurationError) as error:
        return finding(kind, Verdict.NOT_OFFERED, f"{what} is refused here before anything is sent: {error.message}")
    except WalletportError as error:
        if isinstance(error, ProviderUnavailable) and not bench.times_of("create").samples:
            raise  # good orders fail as well, so this says nothing about a bad one
        evidence = bench.evidence(since=mark)
        clear = isinstance(error, ProviderError) and not isinstance(error, ProviderUnavailable)
        if clear and error.outcome == "not_applied":
            return finding(kind, Verdict.HOLDS, f"{what} is refused: {told(error)}", evidence)
        sentence = f"{what} is answered in a way that leaves open whether a wallet was made: {told(error)}"
        return finding(kind, Verdict.BROKEN, sentence, evidence)
    return finding(kind, Verdict.BROKEN, f"{what} got a wallet: {wallet.id}", bench.evidence(since=mark))


async def wrong_credential(bench: Bench) -> Finding:
    """Read with a credential whose last characters are others."""
    able, settings = bench.capabilities, bench.subject.account.settings
    changed = {
        name: SecretStr(_other_secret(value.get_secret_value()))
        for name in type(settings).model_fields
        if isinstance(value := getattr(settings, name), SecretStr)
    }
    if not changed:
        return finding("wrong_credential", Verdict.NOT_TRIED, "the account has no secret that could be wrong")
    try:
        wrong = type(settings).model_validate({**dict(settings), **changed})
        operations, driver = bench.open_with(wrong)
    except (ValidationError, ConfigurationError):
        reason = "a changed credential is refused here before anything is sent"
        return finding("wrong_credential", Verdict.NOT_TRIED, reason)
    customer = bench.orders.next().customer_id
    try:
        if able.get_customer.usable:
            await driver.drive(operations.get_customer(customer))
        elif able.list_wallets.usable:
            await driver.drive(operations.list_wallets(customer, None))
        else:
            reason = "there is no read to try it on, and an order is not sent for that"
            return finding("wrong_credential", Verdict.NOT_TRIED, reason)
    except (AuthenticationError, PermissionDenied) as error:
        evidence = driver.exchanges
        bench.note_refusal(error, evidence[-1:])
        sentence = f"a wrong credential is refused: {told(error)}"
        return finding("wrong_credential", Verdict.HOLDS, sentence, evidence)
    except (TransportError, RateLimited, ProviderUnavailable):
        raise
    except WalletportError as error:
        sentence = f"a wrong credential is answered with something else: {told(error)}"
        return finding("wrong_credential", Verdict.BROKEN, sentence, driver.exchanges)
    finally:
        await driver.close()
    evidence = driver.exchanges
    return finding("wrong_credential", Verdict.BROKEN, "a wrong credential was accepted", evidence)


async def webhooks(bench: Bench) -> Finding:
    """Verify the emulator's webhook with the right secret, with a wrong one, and with a changed body."""
    able, sandbox, emulator = bench.capabilities.webhooks, bench.subject.sandbox, bench.subject.emulator
    if not able.usable:
        return finding("webhook_signatures", Verdict.NOT_OFFERED, able.reason or "the provider sends no webhooks")
    if sandbox is None or emulator is None:
        reason = "a webhook cannot be asked for; it takes an address that the vendor can reach"
        return finding("webhook_signatures", Verdict.NOT_TRIED, reason)
    wallet = await bench.create(bench.orders.next())
    # The form of a secret is the vendor's: base64 is taken by all that are known.
    secret = "whsec_" + secrets.token_hex(16)
    with sandbox.lock:
        try:
            headers, body = emulator.webhook(wallet.id, secret)
        except Exception as error:  # noqa: BLE001 - a stranger's emulator may fail in any way
            reason = f"the emulator could not make a webhook ({type(error).__name__})"
            return finding("webhook_signatures", Verdict.NOT_TRIED, reason)
        now = sandbox.clock()
    return _verified(bench, headers, body, secret, now)


def _verified(bench: Bench, headers: object, body: bytes, secret: str, now: datetime) -> Finding:
    given = dict(headers) if isinstance(headers, dict) else {}
    try:
        parse_webhook(bench.kind, given, body, secret, now=now)
    except WebhookRejected as error:
        # A provider whose webhooks nobody can prove says so beforehand, in the same words.
        known = error.message in bench.capabilities.webhooks.reason
        verdict = Verdict.NOT_OFFERED if known else Verdict.BROKEN
        return finding("webhook_signatures", verdict, f"webhooks cannot be verified: {error.message}")
    except WalletportError as error:
        return finding("webhook_signatures", Verdict.BROKEN, f"a signed webhook could not be read: {told(error)}")
    forged = [
        name
        for name, wrong_body, wrong_secret in (
            ("under another secret", body, secret[:-4] + "0000"),
            ("with a changed body", body.replace(b"e", b"3"), secret),
        )
        if _accepted(bench, given, wrong_body, wrong_secret, now)
    ]
    if forged:
        return finding("webhook_signatures", Verdict.BROKEN, f"a webhook was accepted {' and '.join(forged)}")
    sentence = "a signed webhook is verified; one under another secret and one with a changed body are refused"
    return finding("webhook_signatures", Verdict.HOLDS, sentence)


def _accepted(bench: Bench, headers: dict[str, str], body: bytes, secret: str, now: datetime) -> bool:
    try:
        parse_webhook(bench.kind, headers, body, secret, now=now)
    except WalletportError:
        return False
    return True


def _with(order: Order, *, customer_id: str | None = None, chain: str | None = None) -> Order:
    return Order(
        customer_id=customer_id or order.customer_id,
        chain=chain or order.chain,
        asset=order.asset,
        reference=order.reference,
        key=order.key,
    )


def _other_secret(secret: str) -> str:
    """Return a secret of the same form that is another one."""
    head, tail = secret[:-_CHANGED], secret[-_CHANGED:]
    return head + "".join(_other(character) for character in tail)


def _other(character: str) -> str:
    first = "0" if character.isdigit() else "a" if character.islower() else "A"
    return (_OTHERS[first] if character == first else first) if character.isalnum() else character


REFUSALS: Final = (
    Probe("wrong_chain", "is a chain that does not exist refused clearly?", 1, wrong_chain),
    Probe("wrong_customer", "is a customer that does not exist refused clearly?", 1, wrong_customer),
    Probe("wrong_credential", "is a wrong credential refused clearly?", 0, wrong_credential),
    Probe("webhook_signatures", "do webhooks verify, and forged ones not?", 1, webhooks),
)

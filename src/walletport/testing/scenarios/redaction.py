"""What must never be told: credentials, and the vendor's own words."""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from walletport.errors import WalletportError, WebhookRejected
from walletport.provider import Json, Response
from walletport.settings import is_secret
from walletport.testing.bench import Bench, expect, outcome_of
from walletport.testing.judging import Trouble, changing, dumped
from walletport.testing.scenario import scenario
from walletport.testing.vendor import Runaway
from walletport.webhooks import parse_webhook

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from walletport.testing.vendor import Exchange

_CANARY: Final = "kit canary <b>sings</b>"
_LONG: Final = 16


def _secrets(bench: Bench) -> list[str]:
    """Return every text that gives a credential away: itself, its halves, and how Basic authentication writes it."""
    fields = bench.provider.settings_type.model_fields
    found: list[str] = []
    for name, value in bench.emulator.settings.items():
        if is_secret(fields, name):
            encoded = base64.b64encode(value.encode()).decode().rstrip("=")
            halves = (value[: len(value) // 2], value[len(value) // 2 :]) if len(value) >= _LONG else ()
            found += [value, encoded, *halves]
    return found


def _told(error: BaseException) -> str:
    """Return all that an error and those behind it tell."""
    texts: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        texts += [str(seen), repr(seen), repr(seen.args), repr(vars(seen)), *getattr(seen, "__notes__", ())]
        seen = seen.__cause__ or seen.__context__
    return "\n".join(texts)


async def _errors(bench: Bench) -> list[WalletportError]:
    """Return the errors of a create in every kind of trouble."""
    order = bench.order()
    step = await bench.creating_step(order)
    found: list[WalletportError] = []
    troubles: list[Trouble] = ["drop-after", "500", "429:seconds=1", "html-502", Response(401), *_echoes(bench)]
    for trouble in troubles:
        async with bench.fresh() as fresh:
            fresh.vendor.plan(trouble, since=step)
            found += await _failed(fresh.create(order, fresh.open(max_attempts=1)))
    stranger, _ = bench.stranger()
    for singing in (_some, _all):
        bench.vendor.rewrite = singing
        for unlucky in (stranger, bench.emulator.add_customer(eligible=False)):
            found += await _failed(bench.create(bench.order(unlucky)))
        if bench.able.get_customer.usable:
            found += await _failed(bench.account.get_customer(stranger))
        if bench.able.list_wallets.usable:
            found += await _failed(bench.account.list_wallets(customer_id=stranger))
    return found


def _echoes(bench: Bench) -> Iterator[Response]:
    """Make refusals that repeat what they were sent, and more than that."""
    yield Response(400, {"content-type": "text/html"}, f"<h1>{_CANARY}</h1>".encode())
    for secret in bench.emulator.settings.values():
        told: Json = {"code": secret, "type": secret, "message": secret, "detail": secret}
        yield Response(422, {"content-type": "application/json"}, dumped({"error": told, "request_id": secret}))
        yield Response(422, {"content-type": "application/json", "x-request-id": secret}, dumped(told))


async def _failed(called: Awaitable[object]) -> list[WalletportError]:
    """Return the error that a call ends in, if it does; a call without end is another scenario's business."""
    try:
        ended = await outcome_of(called)
    except Runaway:
        return []
    return [ended] if isinstance(ended, WalletportError) else []


def _some(exchange: Exchange, response: Response) -> Response:
    """Put other words into a refusal's sentences."""
    sing = changing(lambda value: _CANARY if isinstance(value, str) and " " in value else value)
    return response if response.ok else sing(exchange, response)


def _all(exchange: Exchange, response: Response) -> Response:
    """Put other words into all that a refusal says, its code too."""
    sing = changing(lambda value: _CANARY if isinstance(value, str) else value)
    return response if response.ok else sing(exchange, response)


@contextmanager
def _logged() -> Iterator[list[str]]:
    """Collect everything that is logged meanwhile, whatever its level."""
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(f"{record.getMessage()} {record.exc_info}")

    root, handler = logging.getLogger(), Collector(logging.NOTSET)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.NOTSET)
    try:
        yield lines
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@scenario("create_wallet")
async def no_error_tells_a_credential(bench: Bench) -> None:
    """Neither whole nor in part, nor encoded, nor in what stands behind the error."""
    secrets = _secrets(bench)
    for error in await _errors(bench):
        told = _told(error)
        expect(not any(secret in told for secret in secrets), f"{type(error).__name__} tells a credential")


@scenario("create_wallet")
async def no_log_line_tells_a_credential(bench: Bench) -> None:
    """At any level, whether things go well or wrong."""
    with _logged() as lines:
        await bench.create(bench.order())
        await _errors(bench)
    secrets = _secrets(bench)
    expect(not any(secret in line for line in lines for secret in secrets), "a log line tells a credential")


@scenario("create_wallet")
async def the_vendors_words_stay_out_of_errors(bench: Bench) -> None:
    """A sentence of the vendor's can hold anything, so no error's message repeats it."""
    for error in await _errors(bench):
        expect(_CANARY not in _told(error), f"{type(error).__name__} repeats a sentence of the vendor's")


@scenario("webhooks", modes=("sync",))
async def a_rejected_webhook_tells_no_secret(bench: Bench) -> None:
    """Nor the body, which anybody can have written."""
    wallet_id = bench.emulator.add_wallet(bench.emulator.default_customer)
    right, other = bench.emulator.webhook_secrets
    headers, body = bench.emulator.webhook(wallet_id, right)
    with _logged() as lines:
        for given, sent in ((other, body), (right, body + b" "), (right, b"{"), (right, b"")):
            try:
                parse_webhook(bench.provider, headers, sent, given, now=bench.clock.now())
            except WalletportError as error:
                told = _told(error) if isinstance(error, WebhookRejected) else str(error)
                leaks = (right, other, right.removeprefix("whsec_"), other.removeprefix("whsec_"), wallet_id)
                expect(not any(leak in told for leak in leaks), f"{type(error).__name__} tells a secret or the body")
    expect(not any(secret in line for line in lines for secret in (right, other)), "a log line tells a secret")

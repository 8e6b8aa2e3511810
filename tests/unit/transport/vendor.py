"""A vendor with no wallets at all, only requests: its operations are whatever requests a test wants to send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import ClassVar

from pydantic import SecretStr

from walletport.capabilities import YES, Capabilities, Idempotency, Need, OrderFields
from walletport.errors import ErrorFacts, WalletportError
from walletport.provider import (
    Credential,
    Effect,
    Environment,
    Flow,
    OutgoingRequest,
    ProviderSettings,
    Request,
    Response,
    WalletProvider,
    code_of,
    error_for_status,
    request_id_of,
)

API_KEY = "vk_live_3f9c1d7a5b"
API_SECRET = "vs_live_77e0a2c4d6"
BASE = "https://api.vendor.example/v1"
BY_HEADER = Idempotency(place="header", name="Idempotency-Key", window=timedelta(minutes=5))
NO_KEY = Idempotency(place="none")


class VendorSettings(ProviderSettings):
    api_key: SecretStr = SecretStr(API_KEY)
    api_secret: SecretStr = SecretStr(API_SECRET)


class Vendor(WalletProvider):
    """Speaks whatever flow it is handed; logs in only if told to."""

    name: ClassVar[str] = "vendor"
    title: ClassVar[str] = "Vendor"
    environments: ClassVar[Mapping[str, Environment]] = {"sandbox": Environment({"api": BASE})}
    settings_type: ClassVar[type[ProviderSettings]] = VendorSettings
    capabilities: ClassVar[Capabilities] = Capabilities(
        create_wallet=YES,
        get_wallet=YES,
        list_wallets=YES,
        find_wallet=YES,
        get_balances=YES,
        get_addresses=YES,
        rotate_wallet=YES,
        create_customer=YES,
        get_customer=YES,
        several_addresses=YES,
        webhooks=YES,
        approval=YES,
        order=OrderFields(chain=Need.OPTIONAL, asset=Need.OPTIONAL, reference=Need.OPTIONAL),
        idempotency=BY_HEADER,
    )

    def __init__(self, *, logs_in: bool = False, idempotency: Idempotency = BY_HEADER) -> None:
        self.settings = VendorSettings()
        self.logs_in = logs_in
        self.capabilities = type(self).capabilities.model_copy(update={"idempotency": idempotency})

    def authenticate(self) -> Flow[Credential]:
        if not self.logs_in:
            return Credential(self.settings.api_key)
        # `authenticated` is left at its default: an adapter that forgets it must not lock itself out.
        response = yield Request("POST", ("token",), effect=Effect.PREPARES, repeatable=True)
        answer = response.json_object()
        return Credential(SecretStr(str(answer["token"])), timedelta(seconds=int(str(answer["life"]))))

    def sign(self, request: OutgoingRequest, credential: Credential) -> OutgoingRequest:
        return request.with_headers(
            {"Authorization": f"Bearer {credential.token.get_secret_value()}", "X-Nonce": request.nonce}
        )

    def classify(self, request: Request, response: Response) -> WalletportError | None:
        if response.ok:
            return None
        facts: ErrorFacts = {"request_id": request_id_of(response.header("x-request-id"))}
        try:
            facts["provider_code"] = code_of(response.json_object().get("code"))
        except WalletportError:
            facts["provider_code"] = None
        return error_for_status(response, **facts)


def flow(*requests: Request) -> Callable[[], Flow[str]]:
    """Return a flow that sends these requests one after the other and catches nothing."""

    def start() -> Flow[str]:
        for request in requests:  # noqa: UP028 - a tuple takes no answers
            yield request
        return "done"

    return start


def create(*, key: str | None = "key-1", effect: Effect = Effect.APPLIES, repeatable: bool | None = None) -> Request:
    """Return a request that makes a wallet."""
    return Request(
        "POST",
        ("customers", "c1", "wallets"),
        json={"chain": "polygon"},
        idempotency_key=key,
        effect=effect,
        repeatable=repeatable,
    )


READ = Request("GET", ("customers", "c1"))
PREPARE = Request("POST", ("terms",), json={"accept": True}, effect=Effect.PREPARES)

"""All that a plugin author needs: the protocol, the values its flows speak in, and help with vendors' JSON.

A plugin imports this package, `walletport.models`, `walletport.capabilities` and `walletport.errors`, and nothing
else of walletport.
"""

from walletport.capabilities import (
    YES,
    Ability,
    Answer,
    Capabilities,
    Idempotency,
    Need,
    OrderFields,
    RateLimit,
    depends,
    no,
    not_documented,
    not_implemented,
)
from walletport.provider.messages import (
    Credential,
    Effect,
    Flow,
    Json,
    JsonObject,
    OutgoingRequest,
    Request,
    Response,
    read_json,
)
from walletport.provider.protocol import WalletProvider, refuse_key_of_other_environment
from walletport.provider.settings import Environment, ProviderSettings
from walletport.provider.statuses import code_of, error_for_status, request_id_of

__all__ = [
    "YES",
    "Ability",
    "Answer",
    "Capabilities",
    "Credential",
    "Effect",
    "Environment",
    "Flow",
    "Idempotency",
    "Json",
    "JsonObject",
    "Need",
    "OrderFields",
    "OutgoingRequest",
    "ProviderSettings",
    "RateLimit",
    "Request",
    "Response",
    "WalletProvider",
    "code_of",
    "depends",
    "error_for_status",
    "no",
    "not_documented",
    "not_implemented",
    "read_json",
    "refuse_key_of_other_environment",
    "request_id_of",
]

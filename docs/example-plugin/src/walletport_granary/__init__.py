"""Granary: a made-up custodian. This page is all that it documents, and what the plugin is written from.

**Hosts.** The API is at ``https://api.granary.example/v3``, the login at ``https://login.granary.example/v3``. Client
ids start with ``live_``, and with ``test_`` in the sandbox, whose hosts are ``*.sandbox.granary.example``.

**Login.** ``POST login:/sessions {"clientId", "clientSecret"} -> {"session", "validFor": seconds}``. Every request to
the API carries three headers::

    Granary-Session:   the session
    Granary-Nonce:     a value that was never sent before; one that was is answered with 401
    Granary-Signature: HMAC-SHA256 in hex, keyed with the client secret, over method, path and query from "/v3" on as
                       they are sent, nonce and body, with a line feed after each of the first three

**Holders** are admitted in the console, once their documents were checked::

    GET  /holders/{id}   -> {"id", "state": "cleared" | "in_review" | "blocked", "missing": ["passport", ...]}

**Vaults** come before accounts; a holder has one::

    POST /vaults         {"holderId"} -> 201 {"id", "holderId"}
                         409 vault_exists {"vault": {...}}     the holder has this one already

**Accounts** have one address each, on one network. They are numbered from 0 in their vault, so vault and number name
one. An account keeps its address for life; it can be closed, and is never removed::

    POST /vaults/{id}/accounts   {"requestId", "accounts": [{"network", "label"}, ...]} -> 201 {"accounts": [...]}
                                 All are opened, or none. ``label`` is the caller's own, at most 64 characters, and may
                                 be empty; a vault has one account for each network and label.
                                 409 account_exists {"account": {...}}     this one is open already; none was opened
                                 409 request_id_reused, request_running; 403 holder_not_cleared {"missing"};
                                 422 network_unknown
    GET  /vaults/{id}/accounts/{index}            -> account
    GET  /vaults/{id}/accounts/{index}/holdings   -> {"holdings": [{"asset", "units", "decimals", "reserved"}]}
    GET  /accounts?page=&holderId=                -> {"accounts": [...], "page", "pages"}     from page 1, oldest first

    account: {"vaultId", "index", "holderId", "network": "POLYGON", "label", "address": null while it is opening,
              "state": "opening" | "open" | "frozen" | "closed", "openedAt": seconds since 1970}

``units`` and ``reserved`` are whole numbers of the asset's smallest unit.

**Request ids** are 1 to 36 letters, digits and dashes. For 24 hours the same id with the same body is answered as it
was the first time. A request is broken off after 20 seconds.

**Errors** are ``{"code", "traceId"}``. More than 10 requests in a second are answered with 429 and ``Retry-After``.

**Webhooks** carry ``{"id", "type": "account.opened" | "account.changed", "at": seconds, "account": {...}}`` and
``Granary-Webhook: t=<seconds>,v1=<HMAC-SHA256 in hex over "<t>.<body>">``.
"""

from walletport_granary.provider import Granary

__all__ = ["Granary"]

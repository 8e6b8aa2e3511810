"""What can be found out about an order at its provider; nothing here sends one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from walletport.errors import (
    ConfigurationError,
    InvalidRequest,
    MalformedResponse,
    NotFound,
    UnsupportedOperation,
    WalletportError,
)
from walletport.operations import Pages
from walletport.transport.effects import Program

if TYPE_CHECKING:
    from walletport.journal import ProvisionRow
    from walletport.models import Wallet
    from walletport.provisioning.account import AccountAtWork


def look_for(account: AccountAtWork, row: ProvisionRow) -> Program[Wallet | None]:
    """Return an order's wallet, if the provider can be asked and shows one; whatever goes wrong shows none."""
    if not account.policy(row.kind).can_find:
        return None
    try:
        found = yield from account.operations.find_wallet(
            row.customer_id or "", row.chain, row.asset, row.sent_reference, row.approval_id
        )
    except WalletportError:
        return None
    return found


def read_wallet(account: AccountAtWork, row: ProvisionRow, wallet_id: str) -> Program[Wallet]:
    """Return the wallet that a person says is an order's, as the provider shows it.

    Raises:
        ConfigurationError: the provider shows no such wallet to this customer, or it is not what was ordered.
        UnsupportedOperation: this provider has no way to look.
        WalletportError: the provider could not be asked.
    """
    try:
        wallet = yield from _shown(account, row.customer_id, wallet_id)
    except (InvalidRequest, NotFound, MalformedResponse) as error:
        if error.retryable:
            raise
        msg = f"account {account.name!r} shows no wallet {wallet_id!r} of this order's customer: nothing was recorded"
        raise ConfigurationError(msg) from error
    for what, is_for, asked in (
        ("customer", wallet.customer_id, row.customer_id),
        ("chain", wallet.chain, row.chain),
        ("asset", wallet.asset, row.asset),
    ):
        if is_for is not None and asked is not None and is_for != asked:
            msg = f"wallet {wallet_id!r} is for another {what} than the order: nothing was recorded"
            raise ConfigurationError(msg)
    return (yield from _with_addresses(account, wallet))


def _shown(account: AccountAtWork, customer_id: str | None, wallet_id: str) -> Program[Wallet]:
    operations, able = account.operations, account.capabilities
    if able.get_wallet.usable:
        return (yield from operations.get_wallet(wallet_id, customer_id))
    if not able.list_wallets.usable:
        why = able.get_wallet.reason or "this provider shows nobody a wallet"
        msg = f"the wallet cannot be held against the order, so it is not recorded: {why}"
        raise UnsupportedOperation(msg, provider=account.provider)
    pages, more = Pages(account.provider), True
    while more:
        page = yield from operations.list_wallets(customer_id, pages.cursor)
        for wallet in page.items:
            if wallet.id == wallet_id:
                return wallet
        more = pages.advance(page)
    msg = "the customer's list holds no such wallet"
    raise NotFound(msg, provider=account.provider)


def _with_addresses(account: AccountAtWork, wallet: Wallet) -> Program[Wallet]:
    """Read the addresses where the wallet itself does not tell them; it counts without them too."""
    if wallet.addresses or not account.capabilities.get_addresses.usable:
        return wallet
    try:
        addresses = yield from account.operations.get_addresses(wallet)
    except WalletportError:
        return wallet
    return wallet.model_copy(update={"addresses": addresses})

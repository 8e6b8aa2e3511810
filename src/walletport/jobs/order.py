"""One line of a file of orders."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from walletport.models import AssetCode, Chain, CustomerProfile
from walletport.settings import CheckedModel

PERSONAL: Final = ("email", "first_name", "last_name")
"""What goes to a provider to make a customer, and is kept nowhere."""


def _storable(text: str) -> str:
    """Refuse what no database keeps as text."""
    if "\0" in text or not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            text = "\0"
    if "\0" in text:
        msg = "holds characters that are no text"
        raise ValueError(msg)
    return text


OrderText = Annotated[str, Field(pattern=r"\S"), AfterValidator(_storable)]
OrderChain = Annotated[Chain, AfterValidator(_storable)]
OrderAsset = Annotated[AssetCode, Field(min_length=1), AfterValidator(_storable)]


def profile_of(line: CheckedModel) -> CustomerProfile | None:
    """Return what a provider is told to make the customer, if a line says anything about them."""
    told = {name: getattr(line, name) for name in PERSONAL}
    return CustomerProfile.model_validate(told) if any(told.values()) else None


class BulkOrder(CheckedModel):
    """One order of many.

    Args:
        user: the application's own id of its customer.
        chain: the chain the deposit address must be on.
        asset: the asset the wallet must hold.
        reference: the application's own; tells two orders for the same chain and asset apart.
        account: skips the routes.
        customer_id: the provider's id of the customer, at ``account``.
        email: makes the customer where there is none, as do the names; kept nowhere.
        first_name: the same.
        last_name: the same.
    """

    user: OrderText = Field(description="a text that is not empty")
    chain: OrderChain | None = Field(default=None, description="a chain's name")
    asset: OrderAsset | None = Field(default=None, description="an asset's code")
    reference: OrderText | None = Field(default=None, description="a text that is not empty")
    account: OrderText | None = Field(default=None, description="an account's name")
    customer_id: OrderText | None = Field(default=None, description="a text that is not empty")
    email: OrderText | None = Field(default=None, repr=False, description="a text that is not empty")
    first_name: OrderText | None = Field(default=None, repr=False, description="a text that is not empty")
    last_name: OrderText | None = Field(default=None, repr=False, description="a text that is not empty")

    @property
    def profile(self) -> CustomerProfile | None:
        """What a provider is told to make the customer, if the order says anything about them."""
        return profile_of(self)


COLUMNS: Final = tuple(BulkOrder.model_fields)

"""One line of a file of customers, or of users."""

from __future__ import annotations

from typing import Final

from pydantic import Field

from walletport.addresses import check_address
from walletport.errors import ConfigurationError, MalformedResponse
from walletport.jobs.order import OrderAsset, OrderChain, OrderText, profile_of
from walletport.models import Address, CustomerProfile
from walletport.settings import CheckedModel


class SwitchedCustomer(CheckedModel):
    """A customer of the custodian that is left.

    Args:
        user: the application's own id of its customer.
        customer_id: the provider's id of the customer, at the account that is left.
        chain: the chain that the wallet is for.
        asset: the asset that it is for.
        address: its deposit address; where the wallet was made elsewhere, this is what there is to watch.
        target_customer_id: the provider's id of the customer, at the account they go to.
        email: makes the customer there where there is none, as do the names; kept nowhere.
        first_name: the same.
        last_name: the same.
    """

    user: OrderText = Field(description="a text that is not empty")
    customer_id: OrderText | None = Field(default=None, description="a text that is not empty")
    chain: OrderChain | None = Field(default=None, description="a chain's name")
    asset: OrderAsset | None = Field(default=None, description="an asset's code")
    address: OrderText | None = Field(default=None, description="a text that is not empty")
    target_customer_id: OrderText | None = Field(default=None, description="a text that is not empty")
    email: OrderText | None = Field(default=None, repr=False, description="a text that is not empty")
    first_name: OrderText | None = Field(default=None, repr=False, description="a text that is not empty")
    last_name: OrderText | None = Field(default=None, repr=False, description="a text that is not empty")

    @property
    def profile(self) -> CustomerProfile | None:
        """What the provider is told to make the customer, if the line says anything about them."""
        return profile_of(self)

    @property
    def problem(self) -> str | None:
        """What is wrong with the line by itself."""
        if self.address is None:
            return None
        try:
            check_address(Address(chain=self.chain, value=self.address))
        except MalformedResponse:
            return f"the address is not an address on {self.chain}"
        return None


COLUMNS: Final = tuple(SwitchedCustomer.model_fields)
REQUIRED: Final = ("user", "customer_id", "chain")
USERS: Final = ("user",)


def read_line(values: object) -> SwitchedCustomer | str:
    """Return a line, or what is wrong with it."""
    try:
        line = SwitchedCustomer.model_validate(values)
    except ConfigurationError as error:
        return "; ".join(error.message.split("\n"))
    return line.problem or line

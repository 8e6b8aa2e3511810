"""Everything that is asked of any provider, asked of Acme."""

from __future__ import annotations

import pytest

from walletport.testing import ProviderConformance, Subject
from walletport_acme import Acme
from walletport_acme.unwritten import left


class TestAcme(ProviderConformance):
    """What only this vendor does belongs into a file beside this one."""

    def subject(self) -> Subject:
        """Return what is tested; the emulator is the provider's own."""
        return Subject(provider=Acme)

    def test_nothing_is_left_to_write(self) -> None:
        """Name it all, whatever the other tests got to."""
        found = left()
        if found:
            pytest.fail("still to be written:\n" + "\n".join(found), pytrace=False)

"""Everything that is asked of any provider, asked of Granary."""

from __future__ import annotations

from walletport.testing import ProviderConformance, Subject
from walletport_granary import Granary


class TestGranary(ProviderConformance):
    """Nothing of Granary's own stands here: see ``test_granary.py``."""

    def subject(self) -> Subject:
        """Return what is tested; the emulator is the provider's own."""
        return Subject(provider=Granary)

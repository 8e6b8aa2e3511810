"""The conformance kit: what every provider must do, whichever vendor is behind it.

A plugin's test suite needs one class with one method::

    from walletport.testing import ProviderConformance, Subject

    class TestAcme(ProviderConformance):
        def subject(self) -> Subject:
            return Subject(provider=Acme)

The kit talks to the plugin's emulator in the same process, with a clock and faults of its own, through both clients.
It believes the emulator's books rather than the adapter. What is put to the test follows from the declared
capabilities: an ability that is declared must work, one that is denied must raise `UnsupportedOperation` before
anything is sent. A scenario that does not apply becomes the test of the denial; none is skipped, none can be
replaced, and a run that leaves one out fails.

`run` does the same without pytest and returns a `Report`.
"""

from walletport.testing.catalogue import SCENARIOS
from walletport.testing.conformance import ProviderConformance
from walletport.testing.running import Report, Result, run
from walletport.testing.scenario import Scenario
from walletport.testing.subject import Subject

__all__ = ["SCENARIOS", "ProviderConformance", "Report", "Result", "Scenario", "Subject", "run"]

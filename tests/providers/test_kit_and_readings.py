"""The vendors' pages contradict each other: under every reading that an emulator has, the kit passes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from walletport.provider import WalletProvider
from walletport.provider.emulation import Emulator
from walletport.testing import Subject, run
from walletport_conduit import Conduit
from walletport_ledger_so import LedgerSo
from walletport_polygon_oms import PolygonOms

SOON = timedelta(seconds=5)
READINGS: dict[type[WalletProvider], tuple[dict[str, object], ...]] = {
    Conduit: (
        {"key_scope": "organisation"},
        {"key_required": False},
        {"replay_failures": True},
        {"feature_refuses_create": False},
        {"custodial": True},
        {"unclaimed_status": 422},
        {"bad_key_code": "API_KEY_EXPIRED"},
        {"second_create": "existing"},
        {"rotation": "old"},
        {"rotation": "same"},
        {"nulls": "null"},
        {"upper_case": True},
        {"pagination": "number", "lists_in_pages": False},  # numbered pages come twenty at a time
        {"event_data": "nested"},
        {"event_data": "ids"},
        {"event_time_field": "created_at"},
        {"signature": "body", "webhook_proof": "body"},
        {"activation_delay": timedelta(0)},
    ),
    LedgerSo: (
        {"times": "epoch_ms"},
        {"list_envelope": "flat"},
        {"page_sizes": (20, 100)},
        {"capability_form": "crypto_wallets"},
        {"capability_form": "names"},
        {"address_form": "items"},
        {"address_form": "by_chain"},
        {"error_form": "typed"},
        {"error_form": "text"},
        {"no_kyc": "denied"},
        {"no_kyc": "ignored"},
        {"second_create": "existing"},
        {"replay_failures": True},
        {"new_status": "pending"},
        {"activation_delay": SOON},
        {"address_delay": SOON},
        {"event_data": "envelope"},
        {"signature": "svix"},
    ),
    PolygonOms: (
        {"duplicate_pair": "same"},
        {"duplicate_pair": "new"},
        {"endorsement_form": "objects"},
        {"endorsements_on_create": "empty"},
        {"wallet_form": "guide"},
        {"address_delay": SOON},
        {"error_body": "none"},
        {"error_body": "html"},
        {"key_is_bearer": True},
    ),
}
COSTLY = (
    # The older body has no code, so nobody can tell which conflict it is, nor that a claim is missing.
    (
        Conduit,
        {"error_form": "older"},
        {
            "a_customer_who_may_not_have_one_is_told",
            "an_order_that_was_carried_out_is_found",
            "what_exists_already_is_adopted",
        },
    ),
    # A conflict names no wallet, and there is no look-up that would.
    (LedgerSo, {"second_create": "conflict"}, {"what_exists_already_is_adopted"}),
    # The paging parameter is on no page: a vendor with another name for it gives the first page for ever.
    (
        PolygonOms,
        {"cursor_parameter": "after"},
        {"a_list_is_whole_over_its_pages", "a_list_that_breaks_off_is_an_error"},
    ),
)
CASES = [
    *((provider, reading, set()) for provider, readings in READINGS.items() for reading in readings),
    *COSTLY,
]


def named(provider: type[WalletProvider], reading: dict[str, object]) -> str:
    return f"{provider.name}: {', '.join(f'{name} {value}' for name, value in reading.items())}"


def emulator_of(provider: type[WalletProvider], reading: dict[str, object]) -> type[Emulator]:
    """Return the provider's emulator, switched to a reading."""
    kind = provider.emulator()
    assert kind is not None

    class Switched(kind):
        def __init__(self, clock, seed=0):
            super().__init__(clock, seed)
            for name, value in reading.items():
                assert hasattr(self, name)
                setattr(self, name, value)

    return Switched


@pytest.mark.parametrize(
    ("provider", "reading", "lost"), [pytest.param(*case, id=named(case[0], case[1])) for case in CASES]
)
def test_the_kit_passes_under_every_reading(provider, reading, lost):
    """Or loses exactly what no client could have under that one."""
    report = run(Subject(provider, emulator_of(provider, reading)), modes=("sync",))
    assert report.failed == lost, str(report)

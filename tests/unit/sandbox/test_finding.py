"""Which emulators a sandbox finds, and where it puts them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.support.installed import install
from tests.support.toy import Toy, ToyEmulator
from walletport.errors import ConfigurationError
from walletport.provider.emulation import Emulator
from walletport.sandbox import Sandbox


class Bare(Toy):
    """A provider without an emulator."""

    name = "bare"

    @classmethod
    def emulator(cls) -> None:
        return None


class Faulty(Toy):
    """A provider whose emulator does not start."""

    name = "faulty"

    @classmethod
    def emulator(cls) -> type[Emulator]:
        msg = "no such file"
        raise FileNotFoundError(msg)


def test_installed_providers_are_found_and_those_that_fail_are_left_out_with_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    here = "tests.unit.sandbox.test_finding"
    targets = {
        "toy": "tests.support.toy:Toy",
        "bare": f"{here}:Bare",
        "faulty": f"{here}:Faulty",
        "gone": "no.where:It",
    }
    install(tmp_path, targets)
    monkeypatch.syspath_prepend(str(tmp_path))
    sandbox = Sandbox()
    assert "toy" in sandbox.emulators
    assert not {"bare", "faulty", "gone"} & set(sandbox.emulators)
    assert "bare" not in sandbox.failed
    assert sandbox.failed["faulty"] == "the emulator of 'faulty' does not start: FileNotFoundError: no such file"
    assert "cannot be imported" in sandbox.failed["gone"]


def test_an_installed_provider_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(tmp_path, {"toy": "tests.support.toy:Toy"})
    monkeypatch.syspath_prepend(str(tmp_path))
    assert set(Sandbox(["toy"]).emulators) == {"toy"}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ([Bare], "provider 'bare' has no emulator: leave it out"),
        ([Faulty], "does not start: FileNotFoundError"),
        (["toi"], "no provider is called 'toi'"),
        ([], "no installed provider has an emulator"),
    ],
)
def test_a_wanted_emulator_that_is_not_there_is_one_clear_sentence(wanted: list[str | type[Toy]], told: str):
    with pytest.raises(ConfigurationError, match=told):
        Sandbox(wanted)


def mounted(at: str, called: str) -> type[Toy]:
    """Make a provider whose emulator is mounted somewhere else."""
    emulator = type("Emulator", (ToyEmulator,), {"mount": at})
    return type("Mounted", (Toy,), {"name": called, "emulator": classmethod(lambda cls: emulator)})


def test_two_emulators_cannot_share_an_address():
    with pytest.raises(ConfigurationError, match="'toy' and 'twin' are both mounted at '/toy/v1'"):
        Sandbox([Toy, mounted("/toy/v1", "twin")])


@pytest.mark.parametrize("mount", ["", "/", "acme", "/acme/", "/_sandbox"])
def test_a_mount_must_be_a_path_of_its_own(mount: str):
    with pytest.raises(ConfigurationError, match="use a path such as /acme/v1"):
        Sandbox([mounted(mount, "acme")])


@pytest.mark.parametrize("inner_first", [True, False])
def test_the_longest_mount_wins(*, inner_first: bool):
    inner = mounted("/toy/v1/customers", "inner")
    with Sandbox([inner, Toy] if inner_first else [Toy, inner]) as sandbox:
        for path in ("customers/1", "token"):
            httpx.get(f"{sandbox.url}/toy/v1/{path}", trust_env=False)
        assert [seen.provider for seen in sandbox.requests] == ["inner", "toy"]


def test_a_client_of_an_emulator_that_is_not_here_is_one_clear_sentence():
    with (
        Sandbox([Toy]) as sandbox,
        pytest.raises(ConfigurationError, match="no emulator of 'acme' is here: there are toy"),
    ):
        sandbox.client("acme")

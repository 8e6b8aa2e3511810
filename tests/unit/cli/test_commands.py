"""Every command, its output for people and for machines, and its exit status."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import unicodedata

import httpx
import pytest

from tests.support.installed import install
from tests.unit.cli.running import Shell
from walletport import __version__


def unsafe(text: str) -> set[str]:
    """Return the characters of a printed text that could steer a terminal."""
    return {c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp"} and c != "\n"}


# ------------------------------------------------------------------------------------------------ version and usage


def test_the_version_is_printed(shell: Shell):
    assert shell.run("--version").stdout == f"walletport {__version__}\n"
    assert json.loads(shell.run("--version", "--json").stdout) == {"version": __version__}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Usage: walletport"),
        (["--json", "providers"], "write it behind the command, as in: walletport providers --json"),
        (["prividers"], "providers"),
        (["providers", "--jsn"], "--json"),
        (["sandbox", "--port", "70000"], "'--port': Input should be less than or equal to 65535"),
        (["sandbox", "--fault", "drop"], "write one of drop-before, drop-after"),
        (["sandbox", "--fault", "500:[red]=1"], "'[red]=1' in fault '500:[red]=1' is not understood: write kind"),
    ],
)
def test_wrong_usage_is_status_2_and_says_what_to_type(shell: Shell, arguments: list[str], told: str):
    done = shell.run(*arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_every_kind_of_fault_within_80_columns(shell: Shell):
    done = shell.run("sandbox", "--help")
    assert done.returncode == 0
    assert "drop-before" in done.stdout
    assert "html-502" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


# -------------------------------------------------------------------------------------------------------- providers


def test_providers_are_listed_with_their_owners_and_what_is_wrong_with_them(shell: Shell):
    done = shell.run("providers")
    assert done.returncode == 0
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.strip()}
    assert rows["toy"] == ["toy", "Toy", "Custody", "acme-wallets", "1.2.3", "ok"]
    assert rows["broken"] == ["broken", "-", "acme-wallets", "1.2.3", "broken"]
    assert "broken: provider 'broken' of acme-wallets 1.2.3 cannot be imported: ModuleNotFoundError" in done.stdout
    assert "brings a provider called 'twice': one-owner and other-owner" in done.stdout


def test_providers_for_machines(shell: Shell):
    found = {one["name"]: one for one in json.loads(shell.run("providers", "--json").stdout)["providers"]}
    assert found["toy"] == {
        "name": "toy",
        "title": "Toy Custody",
        "distribution": "acme-wallets",
        "version": "1.2.3",
        "state": "ok",
        "reason": "",
    }
    assert found["broken"]["state"] == "broken"
    assert "No module named 'no'" in found["broken"]["reason"]
    assert found["twice"]["state"] == "conflict"


# ----------------------------------------------------------------------------------------------------- capabilities


def test_capabilities_are_a_matrix_with_the_reasons_below(shell: Shell):
    done = shell.run("capabilities", "toy", "rude")
    assert done.returncode == 0
    matrix = {line.split()[0]: line for line in done.stdout.splitlines() if line.strip()}
    assert matrix["create_wallet"].split() == ["create_wallet", "yes", "yes"]
    assert "only an order with a reference can be looked up" in done.stdout
    assert "polygon, base, tron, solana" in done.stdout
    assert "header Idempotency-Key (optional), at most 64 characters" in done.stdout
    assert "10 min" in done.stdout


def test_capabilities_of_all_tell_which_could_not_be_read(shell: Shell):
    done = shell.run("capabilities")
    assert done.returncode == 0
    assert "broken is left out (broken): provider 'broken' of acme-wallets" in done.stdout
    assert "twice is left out (conflict): " in done.stdout


def test_capabilities_for_machines(shell: Shell):
    (toy,) = json.loads(shell.run("capabilities", "toy", "--json").stdout)["providers"]
    assert toy["capabilities"]["rotate_wallet"] == {"answer": "they cannot", "reason": "Toy has no rotation"}
    assert toy["capabilities"]["order"]["chain"] == "required"
    assert toy["capabilities"]["idempotency"]["window"] == "PT10M"


@pytest.mark.parametrize("name", ["toi", "broken", "twice"])
def test_a_named_provider_that_does_not_load_is_one_sentence_and_status_1(shell: Shell, name: str):
    done = shell.run("capabilities", name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("walletport: ")
    assert done.stderr.count("\n") == 1
    assert name in done.stderr


def test_an_error_for_machines_is_json_on_standard_error(shell: Shell):
    done = shell.run("capabilities", "toi", "--json")
    assert (done.returncode, done.stdout) == (1, "")
    error = json.loads(done.stderr)["error"]
    assert error["type"] == "ConfigurationError"
    assert error["outcome"] == "not_applied"
    assert "did you mean 'toy'?" in error["message"]


# ------------------------------------------------------------------------------------------------------------- demo


def test_the_demo_provisions_one_user_and_shows_the_wallet(shell: Shell):
    done = shell.run("demo", "toy")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {line[:12].strip(): line[12:].strip() for line in done.stdout.splitlines()}
    assert rows["wallet"].startswith("toy-wallet-")
    assert rows["chain"] == "polygon"
    assert len(rows["address"]) == 42
    assert rows["status"] == "active"
    assert rows["custody"] == "custodial"
    assert rows["balances"] == "0.000001 usdc"
    assert rows["until ready"].endswith(" ms")
    assert done.stdout.splitlines()[-1].startswith("Next: `walletport ")


def test_the_demo_for_machines_tells_what_was_made(shell: Shell):
    done = shell.run("demo", "toy", "rude", "--chain", "tron", "--asset", "usdt", "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert told["order"] == {"chain": "tron", "asset": "usdt"}
    toy, rude = told["providers"]
    assert (toy["provider"], rude["provider"]) == ("toy", "rude")
    assert (toy["wallet"]["chain"], toy["wallet"]["asset"], toy["wallet"]["status"]) == ("tron", "usdt", "active")
    assert toy["wallet"]["addresses"][0]["checksum"] == "valid"
    assert toy["balances"] == [
        {"asset": "usdc", "available": "0.000001", "pending": None, "frozen": None, "chain": None}
    ]
    assert toy["error"] is None
    assert toy["create_seconds"] <= toy["ready_seconds"]


def test_each_provider_is_passed_only_what_its_orders_carry(shell: Shell):
    told = json.loads(shell.run("demo", "toy", "rude", "--json").stdout)["providers"]
    assert [(one["wallet"]["asset"], one["wallet"]["reference"]) for one in told] == [
        ("usdc", "walletport-demo"),
        (None, None),
    ]


def test_the_demo_works_at_every_provider_that_comes_along(shell: Shell):
    shutil.rmtree(shell.site)
    done = shell.run("demo", "--json")
    told = json.loads(done.stdout)["providers"]
    assert len(told) >= 3
    assert [one["error"] for one in told] == [None] * len(told)
    assert {one["wallet"]["status"] for one in told} == {"active"}
    assert all("polygon" in {each["chain"] for each in one["wallet"]["addresses"]} for one in told)
    assert done.returncode == 0


def test_a_provider_that_fails_shows_its_error_and_the_others_go_on(shell: Shell):
    done = shell.run("demo", "--json")
    assert done.returncode == 1
    told = {one["provider"]: one for one in json.loads(done.stdout)["providers"]}
    assert told["toy"]["wallet"]["status"] == "active"
    assert told["broken"]["error"]["type"] == "ConfigurationError"
    assert "one-owner and other-owner" in told["twice"]["error"]["message"]


def test_a_chain_the_vendor_refuses_is_an_error_in_its_column(shell: Shell):
    done = shell.run("demo", "toy", "--chain", "dogecoin")
    assert (done.returncode, done.stderr) == (1, "")
    words = " ".join(done.stdout.split())
    assert "InvalidRequest: toy create_wallet: the request was refused as invalid (status 400, code bad_chain" in words


def test_a_long_error_does_not_make_a_column_as_wide_as_itself(shell: Shell):
    done = shell.run("demo", "toy", "--chain", "dogecoin")
    assert max(len(line) for line in done.stdout.splitlines()[1:-1]) < 80


def test_a_demo_of_an_unknown_provider_is_one_sentence(shell: Shell):
    done = shell.run("demo", "toi")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean 'toy'?" in done.stderr


def test_a_narrow_table_keeps_every_character_of_an_address(shell: Shell):
    whole = json.loads(shell.run("demo", "toy", "--json").stdout)["providers"][0]["wallet"]
    for columns in ("40", "80", "160"):
        lines = shell.run("demo", "toy", COLUMNS=columns).stdout.splitlines()
        assert max(map(len, lines)) <= int(columns)
        shown = "".join(line[12:].strip() for line in lines)
        assert whole["addresses"][0]["value"] in shown
        assert whole["id"] in shown


# ------------------------------------------------------------------------------------------------ hostile vendors


@pytest.mark.parametrize("arguments", [["providers"], ["capabilities", "rude"], ["demo", "rude"]])
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_vendor_writes_cannot_steer_the_terminal(shell: Shell, arguments: list[str], form: str):
    done = shell.run(*arguments, *(["--json"] if form == "json" else []))
    assert done.returncode == 0
    assert unsafe(done.stdout) == set()
    assert "[red]" in done.stdout, "markup is shown, not obeyed"
    assert ":smile:" in done.stdout, "no character is put in the place of a word"


def test_a_terminal_that_lacks_a_character_does_not_end_the_program(shell: Shell):
    done = shell.run("demo", "rude", PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\ufffd" in done.stdout


def test_a_reader_that_has_enough_ends_the_program_quietly(shell: Shell):
    process = shell.start("capabilities", "toy")
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdout.close()
        assert process.stderr.read() == ""


# ---------------------------------------------------------------------------------------------------------- sandbox


def test_the_sandbox_tells_machines_where_it_is_and_ends_quietly_on_ctrl_c(shell: Shell):
    process = shell.start("sandbox", "toy", "--port", "0", "--fault", "503:times=1", "--json")
    with process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        base_url = ready["providers"]["toy"]["base_url"]
        assert base_url == f"{ready['url']}/toy/v1"
        answers = [httpx.get(f"{base_url}/x", trust_env=False).status_code for _ in range(2)]
        assert answers == [503, 401]
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (130, "", "")


def test_the_sandbox_tells_people_what_to_pass(shell: Shell):
    process = shell.start("sandbox", "toy", "--port", "0")
    with process:
        assert process.stdout is not None
        lines = []
        while not lines or not lines[-1].strip().endswith("/_sandbox/wallets"):
            lines.append(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=10)
    text = "".join(lines)
    assert "The sandbox is at http://127.0.0.1:" in text
    assert "toy-customer-1" in text
    assert "toy_key_" in text


def test_a_port_in_use_is_one_sentence_and_status_1(shell: Shell):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = shell.run("sandbox", "toy", "--port", str(port))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (f"walletport: port {port} on 127.0.0.1 is in use: take another one, or 0 for any free one\n")


def test_ctrl_c_in_the_middle_of_a_demo_is_status_130_and_no_traceback(shell: Shell):
    install(shell.site, {"impatient": "tests.unit.cli.rude:Impatient"}, "impatient-people")
    done = shell.run("demo", "impatient")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")

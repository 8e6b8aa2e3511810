"""`walletport new-provider`: what is written, what it is called, and that nothing half done stays."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.support.installed import install
from tests.unit.cli.running import Shell
from walletport.cli.scaffold import check_name, filled_in, write
from walletport.errors import ConfigurationError

ACME = re.compile("acme", re.IGNORECASE)
KIT = "import sys, pytest; sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '--rootdir=.', 'tests']))"


def new(shell: Shell, *arguments: object) -> tuple[int, str, str]:
    done = shell.run("new-provider", *map(str, arguments))
    return done.returncode, done.stdout, done.stderr


def contents(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "kind", "title"),
    [
        ("blue-vault", "BlueVault", "Blue Vault"),
        ("acme", "Acme", "Acme"),
        ("acme-2", "Acme2", "Acme 2"),
        ("macmeter", "Macmeter", "Macmeter"),
        ("wallet", "WalletCustody", "Wallet"),
        ("none", "NoneCustody", "None"),
        ("exception", "ExceptionCustody", "Exception"),
        ("x2y", "X2y", "X2y"),
        ("a" * 40, "A" + "a" * 39, "A" + "a" * 39),
    ],
)
def test_everything_is_called_by_its_name(name: str, kind: str, title: str):
    """Package, class, entry point and title; nothing of the template's own name is left, and it is all Python."""
    module = name.replace("-", "_")
    written = filled_in(name)
    for path, text in written.items():
        if path.endswith(".py"):
            ast.parse(text)
        left = (path + text).replace(name, "").replace(module, "").replace(kind, "").replace(title, "")
        assert not ACME.search(left), path
    project = tomllib.loads(written["pyproject.toml"])["project"]
    assert project["name"] == f"walletport-{name}"
    assert project["entry-points"]["walletport.providers"] == {name: f"walletport_{module}:{kind}"}
    assert f'title: ClassVar[str] = "{title}"\n' in written[f"src/walletport_{module}/provider.py"]
    assert f'__all__ = ["{kind}"]' in written[f"src/walletport_{module}/__init__.py"]
    assert f"tests/test_{module}_conformance.py" in written


def test_it_says_what_it_wrote_and_what_to_type_next(shell: Shell, tmp_path: Path):
    folder = tmp_path / "my plugin"
    status, told, _ = new(shell, "blue-vault", folder)
    assert status == 0
    assert all(path in told for path in contents(folder))
    assert f"Next: cd '{folder}' && pip install -e '.[test]' && pytest" in told


def test_machines_are_told_the_same(shell: Shell, tmp_path: Path):
    folder = tmp_path / "empty"
    folder.mkdir()
    status, told, _ = new(shell, "blue-vault", folder, "--json")
    said = json.loads(told)
    assert (status, said["provider"], said["folder"]) == (0, "blue-vault", str(folder))
    assert said["files"] == sorted(contents(folder)) == sorted(filled_in("blue-vault"))
    assert said["next"][-1] == "pytest"


WRONG = ["Acme", "1acme", "a--b", "acme-", "a_b", "a b", "é", "a/../b", "a" * 41, "acme\n", ""]


@pytest.mark.parametrize("name", WRONG)
def test_a_name_that_cannot_be_one_is_refused(name: str):
    with pytest.raises(ConfigurationError, match="cannot be a provider's name: write at most 40 small letters"):
        check_name(name)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("Acme", "'Acme' cannot be a provider's name: write at most 40"),
        ("twice", "a provider called 'twice' is installed already, by "),
    ],
)
def test_a_refusal_is_one_sentence_and_writes_nothing(name: str, sentence: str, shell: Shell, tmp_path: Path):
    """Whatever state the provider is in that has the name: two of one name would hide each other."""
    status, told, error = new(shell, name, tmp_path / "new", "--json")
    assert (status, told) == (1, "")
    assert json.loads(error)["error"]["message"].startswith(sentence)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_holds_something_is_left_alone(shell: Shell, tmp_path: Path):
    folder = tmp_path / "full"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine", "utf-8")
    status, _, error = new(shell, "blue-vault", folder)
    assert (status, error) == (1, f"walletport: {folder} is not empty: name a new folder, or an empty one\n")
    assert contents(folder) == {"mine.txt": "mine"}


@pytest.mark.parametrize("place", ["a-file", "nowhere/new"])
def test_a_place_where_no_folder_can_be_is_told_in_a_sentence(place: str, tmp_path: Path):
    (tmp_path / "a-file").write_text("mine", "utf-8")
    with pytest.raises(ConfigurationError, match=r"cannot be written .*: name a folder that can be made"):
        write(tmp_path / place, filled_in("blue-vault"))
    assert contents(tmp_path) == {"a-file": "mine"}


BREAKS = {"full": OSError(28, "No space left on device"), "ctrl-c": KeyboardInterrupt()}


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("breaks", BREAKS.values(), ids=BREAKS)
def test_nothing_half_done_stays(breaks: BaseException, *, is_there: bool, tmp_path: Path):
    """The disk is full after some files, or somebody presses Ctrl-C."""
    folder = tmp_path / "new"
    if is_there:
        folder.mkdir()

    class Breaking(dict[str, str]):
        def items(self):
            yield from list(super().items())[:6]
            raise breaks

    with pytest.raises(ConfigurationError if isinstance(breaks, OSError) else KeyboardInterrupt):
        write(folder, Breaking(filled_in("blue-vault")))
    assert folder.exists() is is_there
    assert not is_there or list(folder.iterdir()) == []


def test_a_fresh_folder_is_a_provider_whose_tests_fail_by_naming_what_is_missing(shell: Shell, tmp_path: Path):
    """It loads, it declares, it runs beside the others, and each failure is a sentence about what to write."""
    folder = tmp_path / "new"
    assert new(shell, "blue-vault", folder)[0] == 0
    install(tmp_path, {"blue-vault": "walletport_blue_vault:BlueVault"}, "walletport-blue-vault")
    written = {"PYTHONPATH": f"{folder / 'src'}:{shell.environment()['PYTHONPATH']}"}
    tried = json.loads(shell.run("demo", "blue-vault", "--json", **written).stdout)["providers"][0]
    assert "still to be written, provider.py create_wallet: yield Request" in tried["error"]["message"]
    done = shell.python(KIT, folder, **written)
    failures = re.split(r"^_{3,} .* _{3,}$", done.stdout.partition("= FAILURES =")[2], flags=re.MULTILINE)[1:]
    assert len(failures) > 100
    assert [failure for failure in failures if "still to be written" not in failure] == []
    for method in ("create_wallet", "parse_webhook", "authenticate", "sign", "error_of", "handle", "set_balance"):
        assert re.search(rf"^line \d+ of \w+\.py {method}: ", done.stdout, re.MULTILINE), method
    assert "Traceback" not in done.stdout

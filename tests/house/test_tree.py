"""Tests that read the code: what the tree promises is so."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

from walletport.cli.markdown import capabilities_as_markdown
from walletport.plugins import GROUP, providers

ROOT = Path(__file__).resolve().parents[2]
CORE = sorted((ROOT / "src" / "walletport").rglob("*.py"))
PROVIDER_FILES = ("__init__.py", "provider.py", "wire.py", "errors.py", "auth.py", "webhooks.py", "emulator.py")
LONGEST_FILE = 450
STRANGERS = (ROOT / "docs/example-plugin/src", ROOT / "src/walletport/cli/provider-template/src")
FOR_PLUGINS = re.compile(r"walletport\.(provider(\..+)?|models|errors|capabilities)")


def entry_points() -> dict[str, str]:
    """Return the in-tree providers' packages by entry-point name."""
    found = importlib.metadata.entry_points(group=GROUP)
    return {e.name: e.value.partition(":")[0] for e in found if e.dist is not None and e.dist.name == "walletport"}


def test_the_core_knows_no_provider_by_name() -> None:
    """No provider's name stands anywhere in the core, comments included."""
    names = re.compile("|".join(name.replace("-", "[-_. ]?") + r"\b" for name in entry_points()), re.IGNORECASE)
    told = [
        f"{path.relative_to(ROOT)}: {match[0]}" for path in CORE for match in names.finditer(path.read_text("utf-8"))
    ]
    assert told == []


def test_every_folder_of_providers_is_registered_and_looks_alike() -> None:
    """Each provider's package has an entry point and the same file names."""
    folders = sorted(path.name for path in (ROOT / "providers").iterdir() if path.is_dir() and path.name[0] not in "._")
    assert folders == sorted(entry_points().values())
    for folder in folders:
        present = {path.name for path in (ROOT / "providers" / folder).iterdir()}
        assert set(PROVIDER_FILES) <= present, folder


@pytest.mark.parametrize("name", sorted(entry_points()))
def test_every_provider_has_a_page_a_contract_tests_and_cassettes(name: str) -> None:
    """A provider without its page, its contract, its tests and its cassettes is not done."""
    module = name.replace("-", "_")
    assert (ROOT / "docs" / "providers" / f"{name}.md").is_file()
    assert (ROOT / "tests" / "contracts" / f"{name}.yaml").is_file()
    assert list((ROOT / "tests" / "providers").glob(f"test_{module}*.py"))
    kit = ROOT / "tests" / "providers" / f"test_{module}_conformance.py"
    assert "(ProviderConformance)" in kit.read_text("utf-8")
    assert list((ROOT / "cassettes" / name).glob("*.yaml"))


@pytest.mark.parametrize(
    "path",
    [*CORE, *sorted((ROOT / "providers").rglob("*.py")), *sorted(STRANGERS[0].rglob("*.py"))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_files_stay_small(path: Path) -> None:
    """A file past this length holds two ideas."""
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


def test_nothing_is_left_to_do() -> None:
    """No marker of unfinished work stands in the code."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|NotImplementedError|for demonstration", re.IGNORECASE)
    told = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for folder in ("src", "providers", "benchmarks", "docs")
        for path in (ROOT / folder).rglob("*.py")
        for match in marks.finditer(path.read_text("utf-8"))
    ]
    assert told == []


def test_what_plugin_authors_import_holds_no_any() -> None:
    """The rooms a plugin may import are typed without `Any`."""
    rooms = [
        *(ROOT / "src" / "walletport" / f"{name}.py" for name in ("models", "capabilities", "errors")),
        *(ROOT / "src" / "walletport" / "provider").glob("*.py"),
    ]
    for path in rooms:
        names = {node.id for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Name)}
        assert "Any" not in names, path.name


@pytest.mark.parametrize("folder", STRANGERS, ids=["example", "template"])
def test_what_a_stranger_writes_imports_what_any_plugin_may(folder: Path) -> None:
    """Four rooms of the core, and itself; import-linter cannot see what is not installed."""
    paths = sorted(folder.rglob("*.py"))
    own = {path.parent.name for path in paths}
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    others = {name for name in named if name.partition(".")[0] not in {*sys.stdlib_module_names, *own, "pydantic"}}
    assert others
    assert {name for name in others if not FOR_PLUGINS.fullmatch(name)} == set()


def test_every_link_between_pages_leads_somewhere() -> None:
    """Relative links in the README and the docs point at files that exist."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    broken = [
        f"{page.name}: {target}"
        for page in pages
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text("utf-8"))
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_the_table_of_capabilities_is_what_the_code_declares() -> None:
    """The page is generated; `walletport capabilities --markdown > docs/capabilities.md` makes it anew."""
    in_tree = [one for one in providers() if one.distribution == "walletport"]
    assert (ROOT / "docs" / "capabilities.md").read_text("utf-8") == capabilities_as_markdown(in_tree)

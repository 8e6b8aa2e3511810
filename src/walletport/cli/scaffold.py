"""`walletport new-provider`: a folder to begin a provider with, whose tests name what is left to write."""

from __future__ import annotations

import builtins
import keyword
import re
import shlex
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from walletport.cli.options import AsJson
from walletport.cli.output import Output, errors_shown, print_json
from walletport.errors import ConfigurationError
from walletport.plugins import providers

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST: Final = 40
_TEMPLATE: Final = "provider-template"
# The template is a working plugin called Acme; whatever is spelt so is replaced, the longer spellings first.
_SPELLINGS: Final = re.compile(r'title: ClassVar\[str\] = "Acme"|walletport_acme|test_acme|walletport-acme|acme|Acme')
_WORDS: Final = re.compile(r"\b[A-Z]\w*")


def new_provider(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the provider is to be called, such as acme-pay.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write; new, or empty.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Write a folder to begin a provider with.

    It can be installed at once, and its tests name what is left to write.
    """
    with errors_shown(as_json=as_json):
        check_name(name)
        written = filled_in(name)
        write(folder, written)
    steps = [f"cd {shlex.quote(str(folder))}", "pip install -e '.[test]'", "pytest"]
    if as_json:
        print_json({"provider": name, "folder": str(folder.resolve()), "files": sorted(written), "next": steps})
        return
    output = Output()
    output.line(f"Provider {name} begins in {folder}:")
    for path in sorted(written):
        output.line(f"  {path}")
    output.line()
    output.line(f"Next: {' && '.join(steps)}")
    output.line("The tests name what is left to write.")


def check_name(name: str) -> None:
    """Refuse a name that no provider can have, or that one has already.

    Raises:
        ConfigurationError: the message says what to type.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        msg = (
            f"{name!r} cannot be a provider's name: write at most {_LONGEST} small letters, digits and single dashes, "
            "with a letter first, as in acme-pay"
        )
        raise ConfigurationError(msg)
    taken = next((one for one in providers() if one.name == name), None)
    if taken is not None:
        msg = f"a provider called {name!r} is installed already, by {taken.distribution}: choose another name"
        raise ConfigurationError(msg)


def filled_in(name: str) -> dict[str, str]:
    """Return what is to be written, by path below the folder.

    Args:
        name: the provider's name, checked.
    """
    template = dict(_template(files(__package__) / _TEMPLATE))
    words = [word.capitalize() for word in name.split("-")]
    kind, module = "".join(words), "_".join(name.split("-"))
    taken = {*keyword.kwlist, *dir(builtins), *(word for text in template.values() for word in _WORDS.findall(text))}
    if kind in taken - {"Acme"}:
        kind += "Custody"  # a class called Wallet would hide the one that is imported
    spelt = {
        'title: ClassVar[str] = "Acme"': f'title: ClassVar[str] = "{" ".join(words)}"',
        "Acme": kind,
        "walletport_acme": f"walletport_{module}",
        "test_acme": f"test_{module}",
        "walletport-acme": f"walletport-{name}",
        "acme": name,
    }

    def fill(text: str) -> str:
        return _SPELLINGS.sub(lambda found: spelt[found[0]], text)

    return {fill(path): fill(text) for path, text in template.items()}


def _template(folder: Traversable, above: str = "") -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name != "__pycache__":  # installers compile what they install
                yield from _template(entry, f"{above}{entry.name}/")
        else:
            yield above + entry.name, entry.read_text("utf-8")


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder that is new or empty; where that fails, nothing of it stays.

    Args:
        folder: where; what is above it must be there.
        texts: by path below it, what is to stand there.

    Raises:
        ConfigurationError: the folder holds something, or cannot be written; the message says what to do.
    """
    made: list[Path] = []
    try:
        _begin(folder, made)
        for path, text in texts.items():
            _write(folder, path, text, made)
    except BaseException as error:
        for leftover in reversed(made):
            leftover.rmdir() if leftover.is_dir() else leftover.unlink(missing_ok=True)
        if not isinstance(error, OSError):
            raise
        msg = f"{folder} cannot be written ({error.strerror or error}): name a folder that can be made"
        raise ConfigurationError(msg) from error


def _begin(folder: Path, made: list[Path]) -> None:
    if not folder.is_dir():
        folder.mkdir()
        made.append(folder)
    elif any(folder.iterdir()):
        msg = f"{folder} is not empty: name a new folder, or an empty one"
        raise ConfigurationError(msg)


def _write(folder: Path, path: str, text: str, made: list[Path]) -> None:
    target = folder / path
    for parent in reversed(target.relative_to(folder).parents[:-1]):
        if not (folder / parent).is_dir():
            (folder / parent).mkdir()
            made.append(folder / parent)
    made.append(target)
    target.write_text(text, "utf-8")

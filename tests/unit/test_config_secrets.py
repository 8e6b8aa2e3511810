"""Secrets of the configuration: had from where they are kept, and never shown, whatever goes wrong."""

from __future__ import annotations

import json
import pickle
import string
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.strongbox import KEY, Strongbox, StrongboxSettings, installed, refused, write
from walletport.config import Account, Config, load_config
from walletport.errors import ConfigurationError
from walletport.routing import Route

HOW = 'write api_key = { env = "BOX_API_KEY" } or { file = "PATH" }'
UNREADABLE = "the secret file cannot be read: "


@pytest.fixture(scope="module", autouse=True)
def strongbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install the provider that the files name."""
    with installed(tmp_path_factory.mktemp("site")):
        yield


@pytest.mark.parametrize("content", ["test_abc", "test_abc\n", " \ttest_abc \r\n\r\n"], ids=repr)
def test_space_around_a_secret_is_no_part_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    """Editors and secret stores put line ends behind it."""
    monkeypatch.setenv("BOX_KEY", content)
    (tmp_path / "key").write_bytes(content.encode())
    text = '[accounts.box]\nprovider = "strongbox"\napi_key = { env = "BOX_KEY" }\npin = { file = "key" }'
    box = load_config(write(tmp_path, text)).accounts["box"].settings
    assert isinstance(box, StrongboxSettings)
    assert box.pin is not None
    assert (box.api_key.get_secret_value(), box.pin.get_secret_value()) == ("test_abc", "test_abc")


def test_a_secrets_file_may_have_an_absolute_path(tmp_path: Path) -> None:
    """As a secret that is mounted into a container."""
    (tmp_path / "mounted").write_text(KEY, "utf-8")
    (tmp_path / "etc").mkdir()
    text = f'[accounts.box]\nprovider = "strongbox"\napi_key = {{ file = {json.dumps(str(tmp_path / "mounted"))} }}'
    assert load_config(write(tmp_path / "etc", text)).accounts["box"].name == "box"


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (f'"{KEY}"', f"a secret must not stand in this file: {HOW}"),
        (f'["{KEY}"]', f"a secret must not stand in this file: {HOW}"),
        ("12345678", f"cannot be used as given: {HOW} (the dashboard, under Keys)"),
        ('{ env = "NOT_SET" }', "the environment variable NOT_SET is not set: export it, or name another"),
        ('{ env = "EMPTY" }', "the environment variable EMPTY is empty: give it the secret, or name another"),
        ('{ env = "live_9c" }', "the environment variable named here is not set: export it, or name another"),
        ('{ file = "none" }', f"{UNREADABLE}No such file or directory; a relative path starts at {{}}"),
        ('{ file = "." }', f"{UNREADABLE}Is a directory; a relative path starts at {{}}"),
        ('{ file = "\\u0000" }', f"{UNREADABLE}it cannot be one; a relative path starts at {{}}"),
        ('{ file = "blank" }', "the secret file is empty: write the secret into it, or name another"),
        ('{ file = "latin" }', f"{UNREADABLE}it is not UTF-8; a relative path starts at {{}}"),
        ('{ file = "/dev/zero" }', f"{UNREADABLE}it holds more than 64 KiB; a relative path starts at {{}}"),
        ("{ }", 'must name where the secret is: write { env = "NAME" } or { file = "PATH" }'),
        ('{ env = "A", file = "b" }', 'must name where the secret is: write { env = "NAME" } or { file = "PATH" }'),
        ('{ vault = "A" }', 'must name where the secret is: write { env = "NAME" } or { file = "PATH" }'),
        ('{ env = "" }', 'must name where the secret is: write { env = "NAME" } or { file = "PATH" }'),
        ("{ env = 5 }", 'must name where the secret is: write { env = "NAME" } or { file = "PATH" }'),
        ('{ env = "SHORT" }', f"cannot be used as given: {HOW} (the dashboard, under Keys)"),
    ],
)  # fmt: skip
def test_a_secret_that_cannot_be_had_is_one_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, line: str
) -> None:
    """It says where the secret should be, and is not called missing on top of that."""
    monkeypatch.setenv("EMPTY", " \n")
    monkeypatch.setenv("SHORT", "abc")
    (tmp_path / "blank").write_text("\n", "utf-8")
    (tmp_path / "latin").write_bytes(b"\xe9\xe9\xe9\xe9")
    path = write(tmp_path, f'[accounts.box]\nprovider = "strongbox"\napi_key = {typed}')
    assert refused(path) == [f"accounts.box.api_key: {line.format(tmp_path) if line.endswith('{}') else line}"]


def test_a_missing_secret_says_what_to_type(tmp_path: Path) -> None:
    """The suggested variable is named after the account."""
    path = write(tmp_path, '[accounts.box-live]\nprovider = "strongbox"')
    (told,) = refused(path)
    assert told == (
        'accounts.box-live.api_key: is missing: write api_key = { env = "BOX_LIVE_API_KEY" } or { file = "PATH" } '
        "(the dashboard, under Keys)"
    )


keys = st.text(string.ascii_letters + string.digits + "+/=-.~", min_size=16, max_size=60)


def everything_told(error: ConfigurationError) -> str:
    """Return all that an error tells: texts, pickle, and what the chain of exceptions behind it would print."""
    chain, found = [], [error.__cause__, error.__context__]
    while found:
        if (behind := found.pop()) is not None:
            chain.append(repr(behind) + repr(getattr(behind, "errors", str)()))
            found += [behind.__cause__, behind.__context__]
    printed = traceback.format_exception(error)
    return "\n".join([str(error), repr(error), repr(vars(error)), *printed, *chain, repr(pickle.dumps(error))])


PLACES = (
    "api_key = {secret}",
    "api_key = [{secret}]",
    "api_key = {{ env = {secret} }}",
    "api_key = {{ file = {secret} }}",
    "api_key = {{ value = {secret} }}",
    "api_key = {{ env = 'BOX_KEY', file = {secret} }}",
    "pin = {secret}",
    "older_keys = [{{ env = 'BOX_KEY' }}, {secret}]",
    "region = [{secret}]",
    "strict = {secret}",
    "apikey = {secret}",
    "environment = {secret}",
    "timeout = {secret}",
    "max_attempts = {secret}",
    "base_url = {{ api = {secret} }}",
    "base_url = 'https://u:{bare}@api.example.com'",
)


@given(secret=keys, place=st.sampled_from(PLACES))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_secret_typed_in_any_place_is_not_shown(tmp_path: Path, secret: str, place: str) -> None:
    """Whatever is wrong with the line it stands in."""
    line = place.format(secret=json.dumps(secret), bare=secret.replace("/", ""))
    path = write(tmp_path, f'[accounts.box]\nprovider = "strongbox"\n{line}\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOX_KEY", KEY)
        with pytest.raises(ConfigurationError) as told:
            load_config(path)
    assert secret not in everything_told(told.value)
    assert secret.replace("/", "") not in everything_told(told.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda secret: Config(accounts={}, journl=secret),
        lambda secret: Config(accounts={"box": secret}),
        lambda secret: Config(accounts={"box": {"name": secret}}),
        lambda secret: Config(accounts={"box": Account.of("box", Strongbox, api_key=KEY)}, journal=secret),
        lambda secret: Config(accounts={}, routes=[{"split": {"box": secret}}]),
        lambda secret: Account.of("box", Strongbox, api_key=[secret], region=5),
        lambda secret: Account.of("box", Strongbox, api_key=KEY, timeout=secret),
        Route.model_validate,
    ],
    ids=range(8),
)
def test_what_was_typed_in_code_is_not_kept_behind_the_error(make: Callable[[str], object]) -> None:
    """Pydantic's own error holds what it was given, so it is left behind."""
    secret = "live_3a51f099c2"
    with pytest.raises(ConfigurationError) as told:
        make(secret)
    assert secret not in everything_told(told.value)


FAULTS = (
    "",
    'environment = "production"',
    "timeout = 0",
    "regoin = 1",
    "strict = 'perhaps'",
    "base_url = 'x'",
    "pin = { env = 'BAD_PIN' }",
    "older_keys = { env = 'BOX_KEY' }",
    "[[routes]]\nsplit = { bix = 0 }",
)


@given(secret=keys, prefix=st.sampled_from(["", "test_", "live_"]), fault=st.sampled_from(FAULTS), filed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_secret_that_was_read_is_not_shown(
    tmp_path: Path, secret: str, prefix: str, fault: str, *, filed: bool
) -> None:
    """Neither by an error nor by the configuration itself, nor by what is dumped of it."""
    (tmp_path / "key").write_text(prefix + secret, "utf-8")
    source = "{ file = 'key' }" if filed else "{ env = 'BOX_KEY' }"
    path = write(tmp_path, f'[accounts.box]\nprovider = "strongbox"\napi_key = {source}\n{fault}')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BOX_KEY", prefix + secret)
        patch.setenv("BAD_PIN", "bad" + secret)
        try:
            config = load_config(path)
        except ConfigurationError as error:
            shown = everything_told(error)
        else:
            shown = f"{config!r} {config} {config.accounts} {config.model_dump()} {config.model_dump_json()}"
            assert "settings" not in config.model_dump()["accounts"]["box"]
            assert config.accounts["box"].settings.model_dump()["api_key"].get_secret_value() == prefix + secret
    assert secret not in shown
    assert "box" in shown

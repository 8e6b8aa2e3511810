"""The configuration: what a file may say, and that every mistake in it is answered at once with what to type."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.strongbox import BOX, KEY, Strongbox, StrongboxSettings, installed, refused, write
from walletport.config import Account, Config, load_config
from walletport.errors import ConfigurationError
from walletport.routing import Route

KEYS = "api_key, pin, older_keys, region, strict, provider, environment, base_url, timeout, max_attempts, rate_limit"
ROUTES = "routes: must be tables: write [[routes]] above the keys of each route"
WEIGHTS = "accounts with their weights, whole numbers from 1 to 1000000000: write split = { NAME = 90, OTHER = 10 }"
JOURNAL = "journal: must be the URL of an SQLite or PostgreSQL database: write journal = "
SPLIT = "[[routes]]\nsplit = { box = 1 }\n"


@pytest.fixture(scope="module", autouse=True)
def strongbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Install the provider that the files name."""
    with installed(tmp_path_factory.mktemp("site")):
        yield


@pytest.fixture
def box_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variable that most files name."""
    monkeypatch.setenv("BOX_KEY", KEY)


# ---------------------------------------------------------------------------------------------- what a file may say


def test_a_whole_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything there is to say, said."""
    monkeypatch.setenv("LIVE_KEY", "live_77aa12")
    monkeypatch.setenv("WALLETPORT_OLD", "old-1")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "key").write_text("test_from_file\n", "utf-8")
    config = load_config(
        write(
            tmp_path,
            """
            journal = "postgresql+psycopg://walletport@db.example/walletport"

            [accounts.live]
            provider = "strongbox"
            environment = "production"
            api_key = { env = "LIVE_KEY" }
            older_keys = [{ env = "WALLETPORT_OLD" }, { file = "secrets/key" }]
            region = "us"
            strict = true
            timeout = 5
            max_attempts = 2
            rate_limit = 50

            [accounts.trial-2]
            provider = "strongbox"
            api_key = { file = "secrets/key" }

            [accounts.trial-2.base_url]
            api = "http://127.0.0.1:8700/strongbox/"

            [[routes]]
            chains = ["polygon", "eip155:8453"]
            assets = ["USDC"]
            split = { live = 90, trial-2 = 10 }
            failover = ["trial-2"]

            [[routes]]
            split = { live = 1 }
            """,
        )
    )
    assert config.journal == "postgresql+psycopg://walletport@db.example/walletport"
    assert list(config.accounts) == ["live", "trial-2"]
    live, trial = config.accounts.values()
    assert (live.name, live.provider, live.environment, live.base_url) == ("live", "strongbox", "production", None)
    assert (live.timeout, live.max_attempts, live.production, live.kind) == (5.0, 2, True, Strongbox)
    assert (live.rate_limit, trial.rate_limit) == (50.0, None)
    assert isinstance(live.settings, StrongboxSettings)
    assert live.settings.api_key.get_secret_value() == "live_77aa12"
    assert [key.get_secret_value() for key in live.settings.older_keys] == ["old-1", "test_from_file"]
    assert (live.settings.region, live.settings.strict) == ("us", True)
    assert (trial.environment, trial.production) == ("sandbox", False)
    assert trial.base_url == {"api": "http://127.0.0.1:8700/strongbox"}
    assert (trial.timeout, trial.max_attempts) == (30.0, 4)
    first, second = config.routes
    assert (first.chains, first.assets) == (("polygon", "base"), ("usdc",))
    assert (dict(first.split), first.failover) == ({"live": 90, "trial-2": 10}, ("trial-2",))
    assert (second.chains, second.assets, second.failover) == (None, None, ())


@pytest.mark.usefixtures("box_key")
def test_a_file_need_not_say_much(tmp_path: Path) -> None:
    """One account is enough; the journal lies beside the file."""
    config = load_config(write(tmp_path, BOX))
    assert config.journal == f"sqlite:///{tmp_path}/walletport.db"
    assert config.routes == ()
    assert config.accounts["box"].environment == "sandbox"


@pytest.mark.usefixtures("box_key")
def test_several_accounts_need_no_route(tmp_path: Path) -> None:
    """Every order can name its account."""
    assert (
        len(
            load_config(write(tmp_path, BOX + BOX.replace("box", "other").replace("strongother", "strongbox"))).accounts
        )
        == 2
    )


@pytest.mark.usefixtures("box_key")
def test_a_configuration_made_in_code_is_the_same_as_the_file(tmp_path: Path) -> None:
    """`Account.of` takes what `Client` takes, a provider's class included."""
    from_file = load_config(
        write(tmp_path, f'journal = "sqlite:////var/w.db"\n{BOX}region = "us"\n[[routes]]\nsplit = {{ box = 1 }}')
    )
    for provider in ("strongbox", Strongbox):
        in_code = Config(
            journal="sqlite:////var/w.db",
            accounts={"box": Account.of("box", provider, api_key=KEY, region="us")},
            routes=(Route(split={"box": 1}),),
        )
        assert in_code == from_file
    assert Config(accounts=in_code.accounts).journal == "sqlite:///walletport.db"


def test_an_account_made_of_a_class_keeps_the_class() -> None:
    """So a provider that is not installed can be configured in code."""
    kind = type("Own", (Strongbox,), {"name": "own"})
    account = Account.of("mine", kind, api_key=KEY)
    assert (account.provider, account.kind) == ("own", kind)


@pytest.mark.usefixtures("box_key")
def test_a_configuration_cannot_be_changed(tmp_path: Path) -> None:
    """Frozen, with nothing extra."""
    config = load_config(write(tmp_path, BOX))
    for changed in (config, config.accounts["box"]):
        with pytest.raises(ValueError, match="frozen"):
            changed.journal = changed.timeout = 1
    with pytest.raises(ConfigurationError, match="journl: no such key: did you mean journal"):
        Config(accounts=config.accounts, journl="x")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("sqlite:///walletport.db", "sqlite:///{folder}/walletport.db"),
        ("sqlite:///data/w.db?timeout=5", "sqlite:///{folder}/data/w.db?timeout=5"),
        ("sqlite+pysqlite:///w.db", "sqlite+pysqlite:///{folder}/w.db"),
        ("sqlite:////var/lib/w.db", "sqlite:////var/lib/w.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///file:w.db?uri=true", "sqlite:///file:w.db?uri=true"),
        ("postgresql:///w", "postgresql:///w"),
        ("postgresql+psycopg://u:p@h:5432/w", "postgresql+psycopg://u:p@h:5432/w"),
    ],
)
@pytest.mark.usefixtures("box_key")
def test_a_journals_relative_file_lies_in_the_folder_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, meant: str
) -> None:
    """Wherever the program was started."""
    path = write(tmp_path, f'journal = "{written}"\n{BOX}')
    assert load_config(path).journal == meant.format(folder=tmp_path)
    monkeypatch.chdir(tmp_path)
    assert load_config(path.name).journal == meant.format(folder=tmp_path)


@pytest.mark.usefixtures("box_key")
def test_a_journals_url_may_be_a_secret_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It often holds a password."""
    monkeypatch.setenv("JOURNAL", "postgresql://u:hunter2hunter2@h/w")
    config = load_config(write(tmp_path, f'journal = {{ env = "JOURNAL" }}\n{BOX}'))
    assert config.journal == "postgresql://u:hunter2hunter2@h/w"
    assert "hunter2" not in repr(config) + str(config) + config.model_dump_json()


@pytest.mark.parametrize(
    ("lines", "real"),
    [
        ("", False),
        ('environment = "production"', True),
        ('base_url = "http://127.0.0.1:8700"', False),
        ('base_url = "https://api.strongbox.example/v1/"', True),
        ('base_url = { api = "https://api.strongbox.example/v1" }', True),
        ('base_url = { auth = "https://auth.strongbox.example" }', False),
        ('environment = "production"\nbase_url = "http://127.0.0.1:8700"', True),
    ],
    ids=repr,
)
def test_an_account_says_whether_its_wallets_are_real(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, *, real: bool
) -> None:
    """By its environment, and by an address that only a production environment has."""
    monkeypatch.setenv("BOX_KEY", "a-key-of-no-environment")
    assert load_config(write(tmp_path, BOX + lines)).accounts["box"].production is real


@pytest.mark.usefixtures("box_key")
def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Some editors write one."""
    path = tmp_path / "walletport.toml"
    path.write_bytes(b"\xef\xbb\xbf" + BOX.encode())
    assert list(load_config(path).accounts) == ["box"]


# ------------------------------------------------------------------------------------------------------- one mistake


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "accounts: is missing: write [accounts.NAME], and the account's keys below it"),
        ("[accounts]", "accounts: is missing: write [accounts.NAME], and the account's keys below it"),
        ("accounts = 3", "accounts: is missing: write [accounts.NAME], and the account's keys below it"),
        ("[accounts]\nbox = 1", "accounts.box: must be a table: write [accounts.box], and the account's keys below it"),
        (
            BOX.replace("accounts.box", 'accounts."my box"'),
            'accounts."my box": must be named with letters, digits, - and _: write [accounts.main]',
        ),
        (f"jurnal = 1\n{BOX}", "jurnal: no such key: did you mean journal? known are accounts, routes, journal"),
        (f"{BOX}\n[acounts.x]", "acounts: no such key: did you mean accounts? known are accounts, routes, journal"),
        (
            '[accounts.box]\napi_key = { env = "BOX_KEY" }',
            'accounts.box.provider: is missing: write provider = "NAME" (`walletport providers` lists the names)',
        ),
        (
            "[accounts.box]\nprovider = 3",
            'accounts.box.provider: must be a text: write provider = "NAME" (`walletport providers` lists the names)',
        ),
        (
            BOX.replace('"strongbox"', '"strangebox"'),
            "accounts.box.provider: no provider is called 'strangebox': did you mean 'strongbox'? installed are ",
        ),
        (
            BOX.replace('"strongbox"', '"torn"'),
            "accounts.box.provider: provider 'torn' of strongbox-wallets 1.0 cannot be imported: ImportError: two line",
        ),
        (f'{BOX}regoin = "eu"', f"accounts.box.regoin: no such key: did you mean region? known are {KEYS}"),
        (f'{BOX}apikey = {{ env = "NOT_SET" }}', "accounts.box.apikey: no such key: did you mean api_key?"),
        (f'{BOX}enviroment = "x"', f"accounts.box.enviroment: no such key: did you mean environment? known are {KEYS}"),
        (f'{BOX}"a\\nb" = "x"', f'accounts.box."a\\nb": no such key: known are {KEYS}'),
        (f'{BOX}region = ""', 'accounts.box.region: is empty: write region = "..." (eu or us)'),
        (f"{BOX}region = 5", 'accounts.box.region: cannot be used as given: write region = "..." (eu or us)'),
        (f'{BOX}strict = "perhaps"', "accounts.box.strict: cannot be used as given: write strict = true"),
        (
            f'{BOX}environment = "sandbx"',
            'accounts.box.environment: must be one of sandbox, production: write environment = "sandbox"',
        ),
        (
            f"{BOX}environment = 1",
            'accounts.box.environment: must be one of sandbox, production: write environment = "sandbox"',
        ),
        (
            f'{BOX}environment = "production"',
            "accounts.box.api_key: is a key for sandbox, but the environment is production: say environment='sandbox'",
        ),
        (
            f'{BOX}base_url = "http://api.example.com"',
            "accounts.box.base_url: must start with https:// (plain http is for this machine only), not http://api.ex",
        ),
        (
            f'{BOX}base_url = "api.example.com"',
            "accounts.box.base_url: is not a URL: write it like https://api.example.com/v1",
        ),
        (
            f"{BOX}base_url = 8700",
            "accounts.box.base_url: must be a URL, or a table of hosts and their URLs: write base_url = ",
        ),
        (
            f'{BOX}base_url = {{ app = "https://api.example.com" }}',
            "accounts.box.base_url.app: no such host: did you mean api? known are api, auth",
        ),
        (f"{BOX}timeout = 0", "accounts.box.timeout: must be a number of seconds above 0: write timeout = 30"),
        (f"{BOX}timeout = inf", "accounts.box.timeout: must be a number of seconds above 0: write timeout = 30"),
        (f"{BOX}timeout = nan", "accounts.box.timeout: must be a number of seconds above 0: write timeout = 30"),
        (f'{BOX}timeout = "5"', "accounts.box.timeout: must be a number of seconds above 0: write timeout = 30"),
        (f"{BOX}timeout = true", "accounts.box.timeout: must be a number of seconds above 0: write timeout = 30"),
        (f"{BOX}max_attempts = 0", "accounts.box.max_attempts: must be a whole number above 0: write max_attempts = 4"),
        (f"{BOX}rate_limit = 0", "accounts.box.rate_limit: must be a number of requests per second above 0: write"),
        (f"{BOX}rate_limit = '50'", "accounts.box.rate_limit: must be a number of requests per second above 0: write"),
        (f"{BOX}max_attempts = true", "accounts.box.max_attempts: must be a whole number above 0: write"),
        (f"{BOX}max_attempts = 1.5", "accounts.box.max_attempts: must be a whole number above 0: write"),
        (f"routes = 1\n{BOX}", ROUTES),
        (f"{BOX}[routes]\nsplit = {{ box = 1 }}", ROUTES),
        (f"{BOX}[[routes]]", "routes.1.split: is missing: write split = { NAME = 90, OTHER = 10 }"),
        (f"{BOX}[[routes]]\nsplit = {{}}", f"routes.1.split: must be {WEIGHTS}"),
        (f"{BOX}[[routes]]\nsplit = {{ box = 0 }}", f"routes.1.split.box: must be {WEIGHTS}"),
        (f"{BOX}[[routes]]\nsplit = {{ box = 0.5 }}", f"routes.1.split.box: must be {WEIGHTS}"),
        (f"{BOX}[[routes]]\nsplit = {{ bix = 1 }}", "routes.1.split.bix: no such account: did you mean box?"),
        (
            f'{BOX}{SPLIT}failover = ["bix"]',
            "routes.1.failover: no such account: did you mean box? known are box",
        ),
        (
            f"{BOX}{SPLIT}ramp = {{ account = 'bix', percent = [0, 50], start = 2027-01-01T00:00:00Z, days = 7 }}",
            "routes.1.ramp.account: no such account: did you mean box? known are box",
        ),
        (
            f"{BOX}{SPLIT}ramp = {{ account = 'box', percent = [0, 50], start = 2027-01-01T00:00:00Z, days = 7 }}",
            "routes.1.ramp.account: must not be in split: the ramp says what its share is",
        ),
        (
            f"{BOX}{SPLIT}name = 'one'\n{SPLIT}{SPLIT}name = 'one'",
            "routes.3.name: route 1 has this name already: give each a name of its own",
        ),
        (
            f'{BOX}{SPLIT}attributes = {{ country = "DE" }}',
            "routes.1.attributes.country: must be names, each with a list of the texts that match, or be left out",
        ),
        (
            f'{BOX}{SPLIT}failover = ["box", "box"]',
            "routes.1.failover: names an account twice: write each once, the one to try first at the front",
        ),
        (
            f"{BOX}{SPLIT}{SPLIT}chains = []",
            "routes.2.chains: must be a list of chains, or be left out for all: write chains = ",
        ),
        (f'{BOX}{SPLIT}chains = [""]', "routes.1.chains: must be a list of chains, or be left out for all: wr"),
        (f'{BOX}{SPLIT}chain = "x"', "routes.1.chain: no such key: did you mean chains? known are chains, a"),
        (f'journal = "mysql://h/w"\n{BOX}', JOURNAL),
        (f'journal = "postgres://h/w"\n{BOX}', JOURNAL),
        (f'journal = "walletport.db"\n{BOX}', JOURNAL),
        (f"journal = 5\n{BOX}", JOURNAL),
        (f'journal = "sqlite://w.db"\n{BOX}', 'journal: needs three slashes: write journal = "sqlite:///walletport.db"'),
        (f'journal = {{ env = "UNSET" }}\n{BOX}', "journal: the environment variable UNSET is not set: export it"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("box_key")
def test_a_mistake_is_one_line_with_its_key_and_what_to_type(tmp_path: Path, text: str, line: str) -> None:
    """One line for one mistake: no mistake is told twice."""
    (told,) = refused(write(tmp_path, text))
    assert told.startswith(line)


def test_a_provider_may_say_that_settings_do_not_fit_without_naming_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it says stands under the account's settings, without the secret it was so rude as to repeat."""
    monkeypatch.setenv("BOX_KEY", KEY)
    monkeypatch.setenv("PIN", "bad-pin-8841")
    assert refused(write(tmp_path, f'{BOX}pin = {{ env = "PIN" }}')) == [
        "accounts.box.settings: no PIN looks like [redacted]"
    ]


@pytest.mark.usefixtures("box_key")
def test_a_base_url_of_ones_own_takes_any_key(tmp_path: Path) -> None:
    """The emulators' addresses belong to no environment of the vendor's."""
    text = f'{BOX}environment = "production"\nbase_url = "http://127.0.0.1:8700"'
    assert load_config(write(tmp_path, text)).accounts["box"].environment == "production"


# ------------------------------------------------------------------------------------------------------ all mistakes


def test_all_mistakes_come_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever mends a file reads it once; a mistake in one place hides none in another."""
    monkeypatch.setenv("BOX_KEY", KEY)
    path = write(
        tmp_path,
        """
        journal = "mysql://h/w"
        color = "red"

        [accounts.one]
        provider = "strongbox"
        environment = "production"
        api_key = { env = "BOX_KEY" }
        timeout = 0
        max_attempts = "many"
        base_urls = "x"

        [accounts.two]
        provider = "stringbox"
        api_key = { env = "NOT_SET" }
        base_url = "ftp://x"

        [accounts.three]
        provider = "strongbox"
        environment = "staging"
        api_key = "live_1234567"
        pin = { file = "none" }
        region = 5
        base_url = { api = "https://x.example/", b = "https://x.example" }

        [accounts.four]
        provider = "strongbox"
        environment = "production"
        api_key = { env = "BOX_KEY" }
        timeout = 0

        [[routes]]
        chains = []
        split = { one = 0, five = 1 }
        failover = ["two", "six"]

        [[routes]]
        split = {}
        """,
    )
    assert sorted(line.partition(": ")[0] for line in refused(path)) == [
        "accounts.four.api_key",
        "accounts.four.timeout",
        "accounts.one.base_urls",
        "accounts.one.max_attempts",
        "accounts.one.timeout",
        "accounts.three.api_key",
        "accounts.three.environment",
        "accounts.three.pin",
        "accounts.three.region",
        "accounts.two.api_key",
        "accounts.two.base_url",
        "accounts.two.provider",
        "color",
        "journal",
        "routes.1.chains",
        "routes.1.failover",
        "routes.1.split.five",
        "routes.1.split.one",
        "routes.2.split",
    ]


def test_mistakes_in_code_come_at_once_too() -> None:
    """`Account.of` speaks of arguments, `Config` of keys."""
    with pytest.raises(ConfigurationError) as told:
        Account.of("box", Strongbox, environment="staging", timeout=0, api_key="", regoin="eu", pin=5)
    assert str(told.value).split("\n") == [
        "box.timeout: must be a number of seconds above 0: write timeout = 30",
        'box.api_key: is empty: pass api_key="..." (the dashboard, under Keys)',
        'box.pin: cannot be used as given: pass pin="..."',
        f"box.regoin: no such key: did you mean region? known are {KEYS}",
        'box.environment: must be one of sandbox, production: write environment = "sandbox"',
    ]
    box = Account.of("box", Strongbox, api_key=KEY)
    with pytest.raises(ConfigurationError) as told:
        Config(accounts={"bix": box, "a,b": box}, routes=(Route(split={"box": 1}, failover=("bux",)),))
    assert str(told.value).split("\n") == [
        'accounts."a,b": must be named with letters, digits, - and _: write [accounts.main]',
        "accounts.bix: must stand under its own name, box",
        'accounts."a,b": must stand under its own name, box',
        'routes.1.split.box: no such account: did you mean bix? known are bix, "a,b"',
        'routes.1.failover: no such account: did you mean bix? known are bix, "a,b"',
    ]
    with pytest.raises(ConfigurationError, match=r"\Aaccounts: must be at least one account"):
        Config(accounts={})
    with pytest.raises(ConfigurationError, match=r"\Ajournal: must be the URL"):
        Config(accounts={"box": box}, journal="oracle://h")
    with pytest.raises(ConfigurationError, match="no provider is called"):
        Account.of("box", "nobody", api_key=KEY)


# --------------------------------------------------------------------------------------------------- the file itself


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"[accounts.box]\nprovider = strongbox\n", "is not TOML: Invalid value (at line 2, column 12)"),
        (b"journal = 1\njournal = 2\n", "is not TOML: Cannot overwrite a value (at line 2, column 12)"),
        (b"[accounts.box\n", "is not TOML: Expected ']' at the end of a table declaration (at line 1, column 14)"),
        (
            b"[accounts.box]\n[accounts.box]\n",
            "accounts.box: stands here twice (at line 2, column 14): give each account a name of its own",
        ),
        (b"a = '\xff'", "is not UTF-8: save it as UTF-8"),
        (b"a = " + b"[" * 100_000, "is not TOML: it is nested too deeply"),
        (b"a = " + b"9" * 5_000, "is not TOML: Exceeds the limit (4300 digits) for integer string conversion"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_file_that_is_not_toml_says_where(tmp_path: Path, content: bytes, line: str) -> None:
    """Line and column, where the decoder knows them."""
    path = tmp_path / "walletport.toml"
    path.write_bytes(content)
    (told,) = refused(path)
    assert told.startswith(line)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A missing file, and a folder."""
    assert refused(tmp_path / "none.toml") == [
        "cannot be read (No such file or directory): name another file, or write this one"
    ]
    assert refused(tmp_path) == ["cannot be read (Is a directory): name another file, or write this one"]

"""`walletport customers`: one link by hand, and many from a file of which every line is checked first."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.accounts import Desk
from tests.unit.cli.running import COMMAND, Shell
from walletport.sandbox import Sandbox

HEAD = "user,account,customer_id\n"


@pytest.fixture
def desk(shell: Shell, tmp_path: Path) -> Iterator[Desk]:
    with Sandbox(["conduit", "ledger-so"]) as box:
        desk = Desk(shell, box, tmp_path)
        desk.configure()
        yield desk


def links(desk: Desk, *who: tuple[str, str]) -> list[str | None]:
    """Return the customers of users at accounts, as the journal knows them."""
    with desk.port() as port:
        return [port.customer_id(user=user, account=account) for user, account in who]


def write(desk: Desk, text: str | bytes) -> str:
    path = desk.folder / "customers.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_user_is_linked_once_and_stays_who_they_are(desk: Desk):
    order = ("customers", "link", "--user", "user-1", "--account", "conduit", "--customer-id")
    done = desk.run(*order, "cus_1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "User user-1 is customer cus_1 at conduit.\n", "")
    assert desk.told(*order, "cus_1") == {"user": "user-1", "account": "conduit", "customer_id": "cus_1"}
    assert "is linked to customer 'cus_1' at 'conduit' already" in desk.refused(*order, "cus_2")["error"]["message"]
    wrong = desk.run("customers", "link", "--user", "u", "--account", "conduti", "--customer-id", "c")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("walletport: account: no such account: did you mean conduit?")
    assert desk.run(*order, " ").returncode == 2
    assert links(desk, ("user-1", "conduit"), ("u", "conduit")) == ["cus_1", None]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "user-1,conduit,cus_1\nuser-2,ledger-so,cus_2\n",
        "\ufeff" + HEAD + "\r\n user-1 , conduit,cus_1\r\n\r\nuser-2,ledger-so,cus_2",
        'account,user,customer_id\n"conduit","user-1",cus_1\nledger-so,user-2,cus_2\nledger-so,user-2,cus_2\n',
    ],
    ids=["plain", "from a spreadsheet", "other order, quoted, a line twice"],
)
def test_a_file_links_everybody_in_it(desk: Desk, text: str):
    path = write(desk, text)
    done = desk.run("customers", "import", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith(" lines are linked.\n")
    assert links(desk, ("user-1", "conduit"), ("user-2", "ledger-so")) == ["cus_1", "cus_2"]
    again = desk.told("customers", "import", path)
    assert again["file"] == path
    assert again["linked"] in (2, 3)


def test_every_bad_line_is_told_at_once_and_nothing_is_linked(desk: Desk):
    with desk.port() as port:
        port.link_customer(user="user-7", account="conduit", customer_id="cus_7")
    path = write(
        desk,
        HEAD
        + "user-1,conduit,cus_1\n"
        + "user-2,conduit\n"
        + "user-3,conduti,cus_3\n"
        + ",conduit, \n"
        + '"user\n5",conduit,cus_5\n'
        + "user-1,conduit,cus_other\n"
        + "user-7,conduit,cus_other\n"
        + "user-8,conduit,cus_8,more\n",
    )
    done = desk.run("customers", "import", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"walletport: {path}: 6 lines are wrong, so nothing was linked",
        f"walletport: {path}, line 3: has 2 values, and 3 are wanted",
        f"walletport: {path}, line 4: no such account: did you mean conduit? known are conduit, ledger-so",
        f"walletport: {path}, line 5: user and customer_id must not be empty",
        f"walletport: {path}, line 8: line 2 says that this user is another customer at conduit",
        f"walletport: {path}, line 9: user 'user-7' is linked to customer 'cus_7' at 'conduit' already",
        f"walletport: {path}, line 10: has 4 values, and 3 are wanted",
    ]
    told = desk.refused("customers", "import", path)
    assert [one["line"] for one in told["lines"]] == [3, 4, 5, 8, 9, 10]
    assert told["lines"][0]["reason"] == "has 2 values, and 3 are wanted"
    assert links(desk, ("user-1", "conduit")) == [None]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "the first line must be user,account,customer_id"),
        (b"user-1,conduit,cus_1\n", "the first line must be user,account,customer_id"),
        (b"user,account,customer_id,name\n", "the first line must be user,account,customer_id"),
        (HEAD.encode() + b"M\xfcller,conduit,cus_1\n", "is not UTF-8: save it as UTF-8"),
        (HEAD.encode() + b'user-1,conduit,"cus_1\n', "line 2: is not CSV (unexpected end of data)"),
        (HEAD.encode() + b'user-1,"con"duit,cus_1\nuser-2,conduit,cus_2\n', "line 2: is not CSV"),
    ],
    ids=["no file", "empty", "no head", "another column", "latin-1", "open quote", "stray quote"],
)
def test_what_is_no_such_file_is_told_and_nothing_is_linked(desk: Desk, content: bytes | None, told: str):
    path = str(desk.folder / "nothing.csv") if content is None else write(desk, content)
    done = desk.run("customers", "import", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert links(desk, ("user-1", "conduit"), ("user-2", "conduit")) == [None, None]


def test_a_folder_is_no_file(desk: Desk):
    done = desk.run("customers", "import", str(desk.folder))
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be read (Is a directory)" in done.stderr


@pytest.mark.parametrize("on_a_terminal", [True, False])
def test_a_long_import_shows_how_far_it_is_to_whoever_watches(desk: Desk, on_a_terminal: bool):
    path = write(desk, HEAD + "".join(f"user-{n},conduit,cus_{n}\n" for n in range(1200)))
    ours, theirs = pty.openpty()
    environment = desk.shell.environment(**desk.secrets, TERM="xterm")
    with subprocess.Popen(
        [*COMMAND, "customers", "import", path, "--config", str(desk.config)],
        stdout=subprocess.PIPE,
        stderr=theirs if on_a_terminal else subprocess.PIPE,
        env=environment,
    ) as process:
        os.close(theirs)
        seen = watched(ours) if on_a_terminal else b""
        out, err = process.communicate(timeout=25)
    os.close(ours)
    assert process.returncode == 0
    assert out.decode().splitlines() == ["1200 lines are linked."]
    if on_a_terminal:
        assert b"Checking" in seen
        assert b"Linking" in seen
        assert b"1200/1200" in seen
    else:
        assert err == b""
    assert links(desk, ("user-0", "conduit"), ("user-1199", "conduit")) == ["cus_0", "cus_1199"]


def watched(terminal: int) -> bytes:
    """Return everything that is written to a terminal until nobody has it open any more."""
    seen = b""
    while True:
        try:
            some = os.read(terminal, 65536)
        except OSError:  # Linux says so where others return nothing
            return seen
        if not some:
            return seen
        seen += some

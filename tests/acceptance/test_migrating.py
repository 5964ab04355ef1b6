"""`rotate db migrate`: a store moves from its file to PostgreSQL as a user does it."""

from collections.abc import Callable

import pytest
from sqlalchemy import make_url

from tests.support.command import RotateCommand
from tests.support.store import only_sqlite


@pytest.fixture
def in_use(rotate: RotateCommand) -> RotateCommand:
    """The command with a home whose store holds a secret."""
    rotate.ok("init")
    rotate.ok("secret", "create", "app/token", "--tag", "team=payments", value='{"k": "v"}')
    return rotate


@pytest.fixture
def there(other_empty_url: str) -> tuple[str, str]:
    """An empty PostgreSQL database: its URL without the password, and the password."""
    url = make_url(other_empty_url)
    return url._replace(password=None).render_as_string(), str(url.password)


def _with_password(rotate: RotateCommand, password: str) -> Callable[..., RotateCommand]:
    return lambda **more: RotateCommand(
        home=rotate.home, environment={"NEW_PASSWORD": password, **more}, shown=rotate.shown
    )


@only_sqlite
def test_a_store_moves_and_is_used_in_its_new_place(
    in_use: RotateCommand, there: tuple[str, str]
) -> None:
    """Dry run, move, and the next commands: the old place says where the new one is, and no password is shown."""
    url, password = there
    command = _with_password(in_use, password)
    options = ("db", "migrate", "--to", url, "--to-password", "${NEW_PASSWORD}")
    dry = command().json(*options, "--dry-run")
    assert dry["destination"] == "new"
    assert dry["rows"]["secrets"] == 1
    moved = command().json(*options)
    recorded = dry["rows"]["audit"] + 2  # of the dry run, and of the move itself
    assert moved["compared"] == {**dry["rows"], "audit": recorded}
    assert moved["rows"] == sum(moved["compared"].values())
    refused = command()("secret", "list")
    assert refused.code == 8
    assert str(make_url(url).database) in refused.err
    assert command()("db", "check").code == 8
    again = command()(*options)
    assert again.code == 8
    assert "was moved to" in again.err
    new = command(ROTATOR_STORE_URL=url, ROTATOR_STORE_PASSWORD=password)
    assert new.reveal("app/token") == {"k": "v"}
    new.ok("secret", "put", "app/token", value='{"k": "w"}')
    assert not any(password in shown for shown in in_use.shown)


@only_sqlite
def test_progress_and_the_end_are_told_in_words(
    in_use: RotateCommand, there: tuple[str, str]
) -> None:
    """On a pipe each table is a line; a password in the URL is warned of, and never repeated."""
    url, password = there
    full = make_url(url).set(password=password).render_as_string(hide_password=False)
    ran = in_use.ok("db", "migrate", "--to", full)
    assert "copying versions: 1" in ran.err
    assert "comparing versions: 1" in ran.err
    assert "Next time name it with --to-password" in ran.err
    assert "every column the same" in ran.out
    assert password not in ran.out + ran.err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--to", "mysql://u@h/d"), 2, "--to takes an empty database, sqlite:"),
        (("--to", "no url"), 2, "--to takes an empty database, sqlite:"),
        (("--to", "postgresql://u@h/d", "--to-password", "literal"), 2, "no password itself"),
        (("--to", "postgresql://u@127.0.0.1:1/d"), 8, "can't be reached"),
        (("--to", "postgresql://u@127.0.0.1:1/d", "--dry-run"), 8, "can't be reached"),
    ],
)
def test_a_destination_that_cannot_be_used_is_refused(
    in_use: RotateCommand, options: tuple[str, ...], code: int, words: str
) -> None:
    """What is wrong with the destination is said, and the store goes on where it is."""
    ran = in_use("db", "migrate", *options)
    assert (ran.code, words in ran.err, "--to" in ran.err) == (code, True, True), ran.err
    assert "literal" not in ran.err
    in_use.ok("secret", "describe", "app/token")


def test_the_store_itself_is_no_destination(in_use: RotateCommand) -> None:
    """A store can't be moved to where it is."""
    ran = in_use("db", "migrate", "--to", f"sqlite:///{in_use.home / 'rotator.db'}")
    assert ran.code == 2
    assert "is the store itself" in ran.err

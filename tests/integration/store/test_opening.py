"""Which databases are opened as a store, and what a refusal says."""

import stat
from pathlib import Path

import pytest
from sqlalchemy import make_url

from rotator.errors import ConfigurationError, StoreUnavailable
from rotator.store.store import Store
from tests.support.store import only_postgresql, sqlite_url


def test_a_new_file_and_its_folder_are_private(tmp_path: Path) -> None:
    """A SQLite store is made with mode 0600 in a folder of mode 0700, and all that lies beside it."""
    path = tmp_path / "new" / "home" / "store.db"
    store = Store.open(sqlite_url(path), create=True)
    files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    names = ("store.db", "store.db-wal", "store.db-shm", "store.db-next", "store.db-turn")
    assert files == dict.fromkeys(names, 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    store.close()


def test_a_missing_file_is_not_made_unasked(tmp_path: Path) -> None:
    """Without `create` a missing file is refused, and nothing is made."""
    with pytest.raises(StoreUnavailable, match="rotate init"):
        Store.open(sqlite_url(tmp_path / "home" / "store.db"), create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o606])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    """Any permission of group or world is refused with the chmod that mends it."""
    path = tmp_path / "store.db"
    Store.open(sqlite_url(path), create=True).close()
    path.chmod(mode)
    with pytest.raises(StoreUnavailable) as refused:
        Store.open(sqlite_url(path), create=True)
    assert f"chmod 600 '{path}'" in str(refused.value)


def test_a_file_that_is_no_database_is_refused_unharmed(tmp_path: Path) -> None:
    """A file of another kind is named as such and left as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes\n" * 100)
    path.chmod(0o600)
    with pytest.raises(StoreUnavailable, match="no SQLite database"):
        Store.open(sqlite_url(path), create=True)
    assert path.read_text() == "these are my notes\n" * 100


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """A path through a file is refused with the system's reason."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="Not a directory"):
        Store.open(sqlite_url(tmp_path / "file" / "store.db"), create=True)


@pytest.mark.parametrize(
    "url", ["", "hunter2", "mysql://u:hunter2@h/d", "sqlite://", "sqlite:///:memory:"]
)
def test_a_url_of_another_kind_is_refused_unquoted(url: str) -> None:
    """What is neither a SQLite file nor PostgreSQL is a wrong setting, and is not printed."""
    with pytest.raises(ConfigurationError) as refused:
        Store.open(url, create=True)
    assert "sqlite:////" in str(refused.value)
    assert "hunter2" not in str(refused.value)


@only_postgresql
def test_a_url_is_shown_without_its_passwords(store_url: str) -> None:
    """`url_shown` and a refused login name the place, and no password."""
    wrong = (
        make_url(store_url).set(password="hunter2").update_query_pairs([("password", "hunter3")])
    )
    with pytest.raises(StoreUnavailable) as refused:
        Store.open(wrong.render_as_string(hide_password=False), create=False)
    message = str(refused.value)
    assert "password authentication failed" in message
    assert str(wrong.port) in message
    assert "hunter" not in message


@only_postgresql
def test_a_database_that_is_not_there_is_named(store_url: str) -> None:
    """A login to a database that does not exist says so in the server's words."""
    wrong = make_url(store_url).set(database="nowhere")
    with pytest.raises(StoreUnavailable, match='database "nowhere" does not exist'):
        Store.open(wrong.render_as_string(hide_password=False), create=False)

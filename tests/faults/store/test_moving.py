"""A move that is killed: at most one of both is the store, nothing is lost, and the next run ends it."""

from collections.abc import Callable

import pytest
from sqlalchemy import make_url

from rotator.errors import StoreUnavailable
from rotator.store import schema
from rotator.store.database import Database
from rotator.store.moving import Progress, Stage
from rotator.store.schema import SchemaState
from tests.support import moved
from tests.support.store import only_sqlite
from tests.support.tcp_proxy import Sender, TcpProxy


def _usable(url: str) -> bool:
    try:
        database = Database.connect(url, create=False)
    except StoreUnavailable:
        return False  # the file is not there yet
    try:
        return schema.check(database) is SchemaState.CURRENT
    finally:
        database.close()


def test_a_move_that_is_killed_anywhere_is_ended_by_the_next(
    empty_url: str, other_empty_url: str
) -> None:
    """SIGKILL before and after each commit in turn, each time further on in the same move."""
    source_url = moved.upgraded(empty_url)
    before = moved.rows(source_url)
    strike = closed = 0
    while moved.killed(source_url, other_empty_url, strike := strike + 1):
        assert moved.rows(source_url) == before
        if _usable(other_empty_url):
            break  # it was killed when all was done
        closed += not _usable(source_url)
    assert strike > 30
    assert closed  # the one moment in which neither is the store
    assert moved.rows(other_empty_url) == before
    assert _usable(other_empty_url)
    assert not _usable(source_url)


@only_sqlite
def test_a_move_whose_connection_is_lost_says_so_and_is_ended_by_the_next(
    empty_url: str, other_empty_url: str, tcp_proxy: Callable[[str, int], TcpProxy]
) -> None:
    """A destination that goes away in the middle, or in the last commit of all, can be gone on with."""
    source_url = moved.upgraded(empty_url)
    before = moved.rows(source_url)
    url = make_url(other_empty_url)
    assert url.host
    assert url.port
    proxy = tcp_proxy(url.host, url.port)
    proxied = url.set(host=proxy.host, port=proxy.port).render_as_string(hide_password=False)

    def cut(progress: Progress) -> None:
        if progress.table == "versions" and progress.stage is Stage.COPYING:
            proxy.cut()

    def cut_last_commit(progress: Progress) -> None:
        if progress.stage is Stage.COMPARING:
            proxy.cut_at(b"COMMIT\0", sender=Sender.CLIENT)

    with pytest.raises(StoreUnavailable, match="connection was lost"):
        moved.run(source_url, proxied, observe=cut)
    assert _usable(source_url)
    with pytest.raises(StoreUnavailable, match="may or may not have been kept"):
        moved.run(source_url, proxied, observe=cut_last_commit)
    assert not _usable(source_url)
    assert not _usable(proxied)
    moved.run(source_url, proxied)
    assert moved.rows(proxied) == before
    assert _usable(proxied)
    assert not _usable(source_url)

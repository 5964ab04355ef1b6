"""Every reason why a login fails is told apart, with what to do about it, on real servers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rotator.sdk import (
    Candidate,
    LoginRefused,
    Misconfigured,
    Proof,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from rotators.postgresql import SingleUser
from tests.integration.postgresql.rotations import (
    attempt,
    current,
    preflight,
    rotation_of,
    run,
    value,
    with_pending,
)
from tests.support.postgres import DatabaseServer, Role
from tests.support.tcp_proxy import Sender, TcpProxy
from tests.support.waiting import eventually

NewProxy = Callable[[str, int], TcpProxy]


@pytest.fixture(scope="module")
def small_server() -> Iterator[DatabaseServer]:
    """A server with room for few sessions, whose pg_hba.conf lets in only some users."""
    settings = {"max_connections": "5", "superuser_reserved_connections": "3"}
    hba_lines = [
        "host all postgres 127.0.0.1/32 scram-sha-256",
        "host all rejected 127.0.0.1/32 reject",
        "host all identified 127.0.0.1/32 ident",
        "host all app 127.0.0.1/32 scram-sha-256",
        "host all lonely 127.0.0.1/32 scram-sha-256",
    ]
    with running_postgres(embedded_binaries(18), settings=settings, hba_lines=hba_lines) as server:
        yield DatabaseServer(server=server)


def failure(server: DatabaseServer, role: Role, **fields: Any) -> Exception:
    """What preflight raises for this credential."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 (the caller looks at the class)
        preflight(SingleUser, rotation_of({Candidate.CURRENT: value(server, role, **fields)}))
    return caught.value


def hint_of(error: Exception) -> str:
    return str(getattr(error, "hint", ""))


def test_wrong_password(pg: DatabaseServer) -> None:
    """A wrong password is a refused login, and the message doesn't show it."""
    error = failure(pg, Role(name=pg.new_role().name, password="not the password"))
    assert type(error) is LoginRefused
    assert "refused the password" in str(error)
    assert "not the password" not in repr(error) + str(error) + hint_of(error)


def test_expired_role(pg: DatabaseServer) -> None:
    """The server doesn't tell an expired password from a wrong one, so the message names both."""
    error = failure(pg, pg.new_role(attributes="LOGIN VALID UNTIL '2001-01-01'"))
    assert type(error) is LoginRefused
    assert "expired (VALID UNTIL)" in str(error)


def test_role_without_login(pg: DatabaseServer) -> None:
    """NOLOGIN is told apart, with the statement that mends it."""
    role = pg.new_role(attributes="NOLOGIN")
    error = failure(pg, role)
    assert type(error) is LoginRefused
    assert hint_of(error) == f'ALTER ROLE "{role.name}" LOGIN'


def test_connection_limit_of_the_role(pg: DatabaseServer) -> None:
    """A full role is busy; it passes by itself."""
    role = pg.new_role(attributes="LOGIN CONNECTION LIMIT 1")
    with pg.connect(role):
        error = failure(pg, role)
    assert type(error) is TargetBusy
    assert "connection limit of its role" in str(error)


def test_connection_limit_of_the_database(pg: DatabaseServer) -> None:
    """A full database is busy."""
    role = pg.new_role()
    database = pg.new_database()
    run(pg, "ALTER DATABASE {db} CONNECTION LIMIT 0", db=database)
    error = failure(pg, role, dbname=database)
    assert type(error) is TargetBusy
    assert f'"{database}" has reached its connection limit' in str(error)


def test_full_server(small_server: DatabaseServer) -> None:
    """A server without a free slot is busy."""
    run(small_server, "CREATE ROLE app LOGIN PASSWORD 'app'")
    app = Role(name="app", password="app")
    with small_server.connect(app), small_server.connect(app):
        error = failure(small_server, app)
    assert type(error) is TargetBusy
    assert "no free connection slot" in str(error)


def test_one_free_connection_is_enough(small_server: DatabaseServer) -> None:
    """A rotation comes to its end where no two of its logins have room at once."""
    run(small_server, "CREATE ROLE lonely LOGIN PASSWORD 'old'")
    role = Role(name="lonely", password="old")
    values = with_pending(SingleUser, current(small_server, role))
    step = rotation_of(values)
    with small_server.connect(role), attempt(SingleUser) as rotator:
        assert eventually(lambda: not is_busy(lambda: rotator.set_secret(step)))
        assert eventually(lambda: not is_busy(lambda: rotator.test_secret(step)))


def is_busy(verb: Callable[[], None]) -> bool:
    """Whether the server had no room: a session that was closed has its slot a moment longer."""
    try:
        verb()
    except TargetBusy:
        return True
    return False


def test_missing_database(pg: DatabaseServer) -> None:
    """A wrong dbname is a mistake in the secret."""
    error = failure(pg, pg.new_role(), dbname="no such database")
    assert type(error) is Misconfigured
    assert '"dbname"' in hint_of(error)


def test_missing_connect_privilege(pg: DatabaseServer) -> None:
    """A missing CONNECT is told with the GRANT that mends it."""
    role = pg.new_role()
    database = pg.new_database()
    run(pg, "REVOKE CONNECT ON DATABASE {db} FROM PUBLIC", db=database)
    error = failure(pg, role, dbname=database)
    assert type(error) is TargetRefused
    assert hint_of(error) == f'GRANT CONNECT ON DATABASE "{database}" TO "{role.name}"'


@pytest.mark.parametrize("user", ["stranger", "rejected"])
def test_no_line_in_pg_hba(small_server: DatabaseServer, user: str) -> None:
    """A user that no line lets in is a matter of pg_hba.conf, not of the password."""
    error = failure(small_server, Role(name=user, password="x"))
    assert type(error) is Misconfigured
    assert "no line of pg_hba.conf" in str(error)
    assert "scram-sha-256" in hint_of(error)


def test_line_without_password(small_server: DatabaseServer) -> None:
    """A user that the server identifies otherwise is a matter of pg_hba.conf."""
    error = failure(small_server, Role(name="identified", password="x"))
    assert type(error) is Misconfigured
    assert "something else than a password" in str(error)


def test_pg_hba_proves_nothing_about_a_password(small_server: DatabaseServer) -> None:
    """A probe that never got to the password check is no refusal of the candidate."""
    step = rotation_of(current(small_server, Role(name="stranger", password="x")))
    with attempt(SingleUser) as rotator, pytest.raises(Misconfigured):
        rotator.probe(step, Candidate.CURRENT)


def test_refused_connection(pg16: DatabaseServer, tcp_proxy: NewProxy) -> None:
    """Nobody listening is unreachable."""
    proxy = tcp_proxy(pg16.host, pg16.port)
    proxy.refuse()
    error = failure(pg16, pg16.new_role(), port=proxy.port)
    assert type(error) is TargetUnreachable
    assert "Connection refused" in str(error)


def test_unknown_host_name(pg16: DatabaseServer) -> None:
    """A name that doesn't resolve is unreachable, and DNS is named."""
    error = failure(pg16, pg16.new_role(), host="no-such-host.invalid")
    assert type(error) is TargetUnreachable
    assert "does not resolve" in str(error)
    assert "DNS" in hint_of(error)


def test_impossible_host_name(pg16: DatabaseServer) -> None:
    """What can't be a host name is a mistake in the secret."""
    assert type(failure(pg16, pg16.new_role(), host="x" * 300 + ".example")) is Misconfigured


def test_connection_that_breaks_in_the_login(pg16: DatabaseServer, tcp_proxy: NewProxy) -> None:
    """A connection that is reset before the login is complete is unreachable."""
    proxy = tcp_proxy(pg16.host, pg16.port)
    proxy.cut_after(1, sender=Sender.SERVER)
    assert type(failure(pg16, pg16.new_role(), port=proxy.port)) is TargetUnreachable


def test_host_name_with_several_addresses(pg16: DatabaseServer) -> None:
    """Where a name has several addresses, one that refuses connections doesn't hide one that works."""
    role = pg16.new_role()
    with attempt(SingleUser) as rotator:
        step = rotation_of(current(pg16, role, host="localhost"))
        assert rotator.probe(step, Candidate.CURRENT) is Proof.ACCEPTED

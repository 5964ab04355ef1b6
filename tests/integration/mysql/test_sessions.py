"""Logins and sessions on MySQL and MariaDB: failures told apart, TLS, time limits, older owners."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from rotator.sdk import (
    Candidate,
    LoginRefused,
    Misconfigured,
    OutcomeUnknown,
    Overlap,
    Rotator,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
    clock,
)
from rotator.testing.mysql_server import PreparedMysql, running_mysql
from rotators import mariadb as on_mariadb
from rotators import mysql as on_mysql
from rotators.mysql_protocol import fence
from rotators.mysql_protocol.secret import MARIADB, MYSQL, parse
from rotators.mysql_protocol.session import Session, login
from rotators.mysql_protocol.statement_failure import explained
from tests.integration.mysql.support import account_of, by_admin, current, pending_of, value
from tests.support.certificates import new_authority
from tests.support.mysql import Account, MysqlDatabase
from tests.support.rotations import attempt, preflight, rotation_of


def rotator_of(server: MysqlDatabase) -> type[Rotator]:
    return on_mariadb.SingleUser if server.mariadb else on_mysql.SingleUser


def failure(server: MysqlDatabase, account: Account, **fields: Any) -> StepError:
    """What preflight raises for this credential."""
    trust = fields.pop("trust", None)
    rotation = rotation_of(current(server, account, **fields), trust=trust)
    with pytest.raises(StepError) as caught:
        preflight(rotator_of(server), rotation)
    assert account.password not in str(caught.value)
    return caught.value


def session_of(server: MysqlDatabase, account: Account, **fields: Any) -> Session:
    """A session of the account as a rotator opens it."""
    product = MARIADB if server.mariadb else MYSQL
    rotation = rotation_of(current(server, account), **fields)
    return login(parse(value(server, account), product), rotation)


class TestLoginFailures:
    def test_wrong_password(self, either: MysqlDatabase) -> None:
        """A wrong password is the secret's own refusal."""
        error = failure(either, either.new_account().with_password("not-the-one"))
        assert type(error) is LoginRefused
        assert "mysql.user" in str(error.hint)

    def test_nobody_listens(self, either: MysqlDatabase) -> None:
        """A refused connection is unreachable, and nothing was changed."""
        error = failure(either, either.new_account(), port=1)
        assert type(error) is TargetUnreachable
        assert "bind_address" in str(error.hint)

    def test_unknown_database(self, either: MysqlDatabase) -> None:
        """A database that isn't there is a mistake in the secret; one that may not be used is refused."""
        account = either.new_account()
        error = failure(either, either.superuser, dbname="nowhere")
        assert type(error) is Misconfigured
        assert "SHOW DATABASES" in str(error.hint)
        error = failure(either, account, dbname="mysql")
        assert type(error) is TargetRefused
        assert "GRANT" in str(error.hint)

    def test_locked_account(self, either: MysqlDatabase) -> None:
        """A locked account is told, with the statement that unlocks it."""
        error = failure(either, either.new_account(options="ACCOUNT LOCK"))
        assert isinstance(error, LoginRefused)
        assert "ACCOUNT UNLOCK" in str(error.hint)

    def test_expired_password(self, either: MysqlDatabase) -> None:
        """An expired password is told apart from a wrong one."""
        error = failure(either, either.new_account(options="PASSWORD EXPIRE"))
        assert isinstance(error, LoginRefused)
        assert "expired" in error.message

    def test_too_many_connections_of_a_user(self, either: MysqlDatabase) -> None:
        """A user at its limit passes by itself."""
        account = either.new_account(options="WITH MAX_USER_CONNECTIONS 1")
        with either.connect(account):
            error = failure(either, account)
        assert type(error) is TargetBusy

    def test_an_account_that_asks_for_tls(self, either: MysqlDatabase) -> None:
        """Over plaintext its refusal names TLS."""
        error = failure(either, either.new_account(options="REQUIRE SSL"))
        assert isinstance(error, LoginRefused)
        assert '"ssl": false' in str(error.hint)


class TestTls:
    def test_absent_ssl_is_verified_tls(self, either: MysqlDatabase) -> None:
        """Without a word about ssl the connection is encrypted, and the configured CA verifies the server."""
        account = either.new_account(options="REQUIRE SSL")
        values = current(either, account, ssl=None)
        found = preflight(rotator_of(either), rotation_of(values, trust=str(either.ca_file)))
        assert "verified" in str(found.findings)

    def test_a_strangers_authority_is_refused(self, either: MysqlDatabase) -> None:
        """The secret's own CA counts; the error says what to configure."""
        error = failure(either, either.new_account(), ssl=True, ssl_ca=str(either.other_ca_file))
        assert type(error) is Misconfigured
        assert "ssl_ca" in str(error.hint)

    def test_a_missing_ca_file_is_named(self, either: MysqlDatabase) -> None:
        """A path that leads nowhere is a mistake in the secret."""
        error = failure(either, either.new_account(), ssl=True, ssl_ca="/nowhere.pem")
        assert type(error) is Misconfigured
        assert "/nowhere.pem" in error.message

    def test_a_certificate_for_another_name_is_refused(
        self, prepared_mariadb_server: PreparedMysql, tmp_path: Path
    ) -> None:
        """The name in the certificate has to be the secret's host."""
        authority = new_authority("rotator tests")
        (tmp_path / "ca.pem").write_bytes(authority.pem)
        with running_mysql(
            prepared_mariadb_server, tls=authority.issue("elsewhere.example")
        ) as server:
            database = MysqlDatabase(
                server=server, mariadb=True, ca_file=tmp_path / "ca.pem", other_ca_file=tmp_path
            )
            error = failure(database, database.superuser, ssl=True, ssl_ca=str(database.ca_file))
        assert type(error) is Misconfigured
        assert "another name" in error.message

    def test_a_server_without_tls_gets_no_password(
        self, prepared_mariadb_server: PreparedMysql, mariadb: MysqlDatabase
    ) -> None:
        """There is no falling back to plaintext."""
        with running_mysql(prepared_mariadb_server) as server:
            database = MysqlDatabase(
                server=server,
                mariadb=True,
                ca_file=mariadb.ca_file,
                other_ca_file=mariadb.other_ca_file,
            )
            error = failure(database, database.superuser, ssl=True, ssl_ca=str(mariadb.ca_file))
        assert type(error) is Misconfigured
        assert "does not offer TLS" in error.message


@contextmanager
def strange_server(speak: Any) -> Iterator[int]:
    """A port where `speak` talks to whoever connects, in threads that end with the block."""
    over = threading.Event()
    threads = []
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as connections:
        listener.settimeout(0.05)

        def serve() -> None:
            while not over.is_set():
                try:
                    connection = connections.enter_context(listener.accept()[0])
                except TimeoutError:
                    continue
                speak(connection, over)

        threads.append(threading.Thread(target=serve))
        threads[0].start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            threads[0].join()


class TestTimeLimits:
    @pytest.mark.parametrize("trickle", [False, True])
    def test_a_login_ends_at_its_deadline(self, trickle: bool) -> None:
        """A server that says nothing, or a byte now and then, doesn't hold a step longer than its deadline."""

        def speak(connection: socket.socket, over: threading.Event) -> None:
            connection.sendall(b"\xff\xff\x00\x00")  # a packet of 65535 bytes is to follow
            while not over.wait(0.05):
                if trickle:
                    connection.sendall(b"x")

        with strange_server(speak) as port:
            secret = parse(
                value_of_port(port),
                MYSQL,
            )
            rotation = rotation_of({}, seconds=0.5)
            with pytest.raises(TargetUnreachable, match="time limit"):
                login(secret, rotation)
            assert clock() >= rotation.deadline

    def test_something_that_is_no_database(self) -> None:
        """What speaks another protocol is unreachable, whatever it says."""

        def speak(connection: socket.socket, over: threading.Event) -> None:
            del over
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            connection.shutdown(socket.SHUT_WR)

        with strange_server(speak) as port, pytest.raises(TargetUnreachable):
            login(parse(value_of_port(port), MYSQL), rotation_of({}, seconds=2))

    def test_a_change_without_an_answer_is_unknown(self, either: MysqlDatabase) -> None:
        """A session that is ended in a change leaves its outcome open; in a reading nothing has changed."""
        account = either.new_account()
        for changing, kind in ((True, OutcomeUnknown), (False, TargetUnreachable)):
            session = session_of(either, account)
            either.execute(f"KILL {session.run('SELECT CONNECTION_ID()')[0][0]}")
            with pytest.raises(kind), explained("it", changing=changing):
                session.run("SELECT SLEEP(1)")
            session.close()

    def test_the_server_gives_up_waiting_for_a_lock(self, either: MysqlDatabase) -> None:
        """A change that can't have its lock ends before the deadline; MariaDB interrupts it, which leaves it open."""
        expected = OutcomeUnknown if either.mariadb else TargetBusy
        table = "mysql.global_priv" if either.mariadb else "mysql.user"
        values = pending_of(rotator_of(either), either, either.new_account())
        with either.connect() as blocker, blocker.cursor() as cursor:
            cursor.execute(f"LOCK TABLES {table} READ")
            with attempt(rotator_of(either)) as rotator, pytest.raises(expected):
                rotator.set_secret(rotation_of(values, seconds=4.0, overlap=Overlap.GAP))
        assert either.can_log_in(account_of(values, Candidate.CURRENT))


def value_of_port(port: int) -> Any:
    from rotator.sdk import SecretValue

    fields = {"engine": "mysql", "host": "127.0.0.1", "port": port, "ssl": False}
    return SecretValue.from_json(fields | {"username": "app", "password": "p"})


class TestOlderOwners:
    def test_an_older_owners_session_is_ended(self, either: MysqlDatabase) -> None:
        """The session that holds the secret's lock is gone before the successor looks at the target."""
        account = either.new_account()
        values = pending_of(rotator_of(either), either, account)
        older = session_of(either, account)
        fence.take_lock(older, rotation_of(values, fencing=1))
        with attempt(rotator_of(either)) as rotator:
            rotator.end_older_sessions(rotation_of(values, fencing=2))
            rotator.set_secret(rotation_of(values, fencing=2, overlap=Overlap.GAP))
        with pytest.raises(TargetUnreachable), explained("it"):
            older.run("SELECT 1")
        older.close()
        assert either.can_log_in(account_of(values, Candidate.PENDING))

    def test_without_older_sessions_nothing_is_ended(self, either: MysqlDatabase) -> None:
        """Sessions that hold no lock of this secret go on, those of applications too."""
        account = either.new_account()
        application = session_of(either, account)
        values = pending_of(rotator_of(either), either, account)
        with attempt(rotator_of(either)) as rotator:
            rotator.end_older_sessions(rotation_of(values, fencing=2))
        assert application.run("SELECT 1") == [(1,)]
        application.close()

    def test_an_old_owner_that_wakes_up_changes_nothing(self, either: MysqlDatabase) -> None:
        """While the successor holds the lock an old owner is kept out."""
        account = either.new_account()
        values = pending_of(rotator_of(either), either, account)
        successor = session_of(either, account)
        fence.take_lock(successor, rotation_of(values, fencing=2))
        with attempt(rotator_of(either)) as rotator, pytest.raises(TargetBusy, match="still open"):
            rotator.set_secret(rotation_of(values, fencing=1, seconds=3.0, overlap=Overlap.GAP))
        successor.close()
        assert either.can_log_in(account)

    def test_a_session_that_may_not_be_ended_is_told(self, either: MysqlDatabase) -> None:
        """Where the lock is another user's the administrator is told which session to end."""
        account = either.new_account()
        values = pending_of(rotator_of(either), either, account)
        admins = session_of(either, either.superuser)
        fence.take_lock(admins, rotation_of(values, fencing=1))
        number = admins.run("SELECT CONNECTION_ID()")[0][0]
        with attempt(rotator_of(either)) as rotator, pytest.raises(TargetBusy) as caught:
            rotator.end_older_sessions(rotation_of(values, fencing=2, seconds=2))
        assert f"KILL {number}" in str(caught.value.hint)
        with attempt(rotator_of(either)) as rotator:
            rotator.end_older_sessions(rotation_of(values, fencing=2, **by_admin(either)))
        admins.close()

    def test_sessions_are_tagged(self, mysql: MysqlDatabase) -> None:
        """MySQL shows an administrator which rotation a session is of."""
        session = session_of(mysql, mysql.new_account(), rotation_id="run", fencing=7)
        shown = mysql.execute(
            "SELECT attr_value FROM performance_schema.session_connect_attrs "
            "WHERE attr_name = 'program_name'"
        )
        session.close()
        assert any(tag.endswith("/run/7") for (tag,) in shown)

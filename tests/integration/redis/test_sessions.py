"""Logins and sessions on Redis and Valkey: TLS, failures told apart, older owners."""

from collections.abc import Callable
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from rotator.sdk import (
    Candidate,
    Misconfigured,
    OutcomeUnknown,
    StepError,
    TargetBusy,
    TargetUnreachable,
)
from rotators.redis import RedisAcl
from rotators.redis.acl import digest
from rotators.redis.secret import parse
from rotators.redis.session import Session, login
from rotators.redis.settings import RedisSettings
from tests.integration.redis.support import (
    both,
    by_admin,
    pending_of,
    retire,
    rotation_of,
    set_and_test,
    step,
    user_of,
    value,
)
from tests.support.certificates import new_authority
from tests.support.redis_server import (
    HOST,
    WRONG_NAME,
    RedisServer,
    RedisTls,
    running_redis,
)
from tests.support.rotations import Values, attempt, preflight
from tests.support.tcp_proxy import Sender, TcpProxy
from tests.support.waiting import eventually


@pytest.fixture(params=["redis_server", "valkey_server"])
def tls_server(request: pytest.FixtureRequest) -> RedisServer:
    """Redis and Valkey with TLS in turn."""
    server: RedisServer = request.getfixturevalue(request.param)
    return server


def failure(values: Values, **fields: object) -> StepError:
    """What preflight raises."""
    with pytest.raises(StepError) as caught:
        preflight(RedisAcl, rotation_of(values, **fields))
    return caught.value


class TestTls:
    def test_a_whole_rotation(self, tls_server: RedisServer) -> None:
        """Over TLS both passwords log in until the old one is retired."""
        values = pending_of(tls_server, tls_server.new_user(), tls=True)
        fields = by_admin(tls_server, tls=True)
        set_and_test(values, **fields)
        old, new = both(values)
        assert tls_server.can_log_in(old, tls=True)
        retire(values, **fields)
        assert not tls_server.can_log_in(old, tls=True)
        assert tls_server.can_log_in(new, tls=True)

    def test_a_stranger_is_not_trusted(self, tls_server: RedisServer) -> None:
        """A certificate of another authority ends the login, and no password is sent."""
        user = tls_server.new_user()
        values = pending_of(tls_server, user, tls=True, ssl_ca=str(tls_server.other_ca_file))
        found = preflight(RedisAcl, rotation_of(values))
        assert "not trusted" in found.refusals[0].message

    def test_the_name_counts(self, tls_server: RedisServer) -> None:
        """A certificate that is not for the secret's host is refused."""
        values = pending_of(tls_server, tls_server.new_user(), tls=True, host=WRONG_NAME)
        with pytest.raises(Misconfigured, match="not trusted"):
            preflight_or_raise(values)

    def test_it_never_falls_back(self, tls_server: RedisServer) -> None:
        """TLS is the default; a port without it waits for a whole line in silence, and is given up."""
        user = tls_server.new_user()
        values = pending_of(
            tls_server, user, ssl=None, port=tls_server.port, ssl_ca=str(tls_server.ca_file)
        )
        error = failure(values, seconds=0.3)
        assert type(error) is TargetUnreachable
        assert "offers TLS" in str(error.hint)

    def test_plaintext_at_a_port_for_tls(self, tls_server: RedisServer) -> None:
        """Plaintext at a TLS port is told as that."""
        values = pending_of(tls_server, tls_server.new_user(), port=tls_server.tls_port)
        error = failure(values)
        assert type(error) is TargetUnreachable
        assert "for TLS" in str(error.hint)

    def test_a_client_certificate(
        self, redis_command: list[str], redis_tls: RedisTls, tmp_path: Path
    ) -> None:
        """Where the server asks for a client's certificate, the settings name it."""
        authority = new_authority("clients")
        (tmp_path / "ca.pem").write_bytes(authority.pem)
        mine = authority.issue("rotator")
        (tmp_path / "mine.pem").write_bytes(mine.certificate)
        (tmp_path / "mine.key").write_bytes(mine.private_key)
        with running_redis(redis_command, tls=redis_tls) as server:
            server.execute("CONFIG", "SET", "tls-ca-cert-file", str(tmp_path / "ca.pem"))
            server.execute("CONFIG", "SET", "tls-auth-clients", "yes")
            values = pending_of(server, server.new_user(), tls=True)
            fields = by_admin(server, tls=True)
            # Misconfigured, unless the server closes the connection before its reason is read.
            with pytest.raises((Misconfigured, TargetUnreachable)) as caught:
                preflight_or_raise(values, **fields)
            assert "client_certificate" in str(caught.value.hint)
            settings = {
                "client_certificate": str(tmp_path / "mine.pem"),
                "client_key": str(tmp_path / "mine.key"),
            }
            set_and_test(values, settings=settings, **fields)
            settings["client_key"] = str(tmp_path / "none")
            with pytest.raises(Misconfigured, match="can't be used"):
                preflight_or_raise(values, settings=settings, **fields)


def preflight_or_raise(values: Values, **fields: object) -> None:
    """Preflight, whose first refusal is raised."""
    found = preflight(RedisAcl, rotation_of(values, **fields))
    for refusal in found.refusals:
        raise Misconfigured(refusal.message, hint=refusal.remedy)


class TestFailures:
    def test_a_server_without_room(self, redis_command: list[str]) -> None:
        """A server whose connections are all taken is busy, which passes."""
        with running_redis(redis_command, options=["maxclients 1"]) as server:
            values = pending_of(server, server.superuser)
            with server.connect() as taking:
                taking.ping()
                assert type(failure(values)) is TargetBusy

    def test_a_server_that_runs_a_script(self, redis_server: RedisServer) -> None:
        """A server that answers nothing but BUSY is busy; nothing was changed."""
        user = redis_server.new_user(rules=("~*", "&*", "+@all"))
        values = pending_of(redis_server, user)
        _, before = redis_server.execute("CONFIG", "GET", "busy-reply-threshold")
        redis_server.execute("CONFIG", "SET", "busy-reply-threshold", "1")
        with redis_server.connect() as running:
            connection = running.connection_pool.get_connection()
            connection.send_command("EVAL", "while true do end", "0")

            def busy() -> bool:
                with attempt(RedisAcl) as rotator:
                    try:
                        rotator.set_secret(step(values))
                    except TargetBusy:
                        return True
                    return False

            try:
                assert eventually(busy)
            finally:
                redis_server.execute("SCRIPT", "KILL")
                redis_server.execute("CONFIG", "SET", "busy-reply-threshold", before)

    def test_a_lost_answer(
        self, redis_server: RedisServer, tcp_proxy: Callable[[str, int], TcpProxy]
    ) -> None:
        """A connection that breaks after a change was sent leaves the outcome unknown, and a repetition settles it."""
        user = redis_server.new_user()
        proxy = tcp_proxy(HOST, redis_server.port)
        values = pending_of(redis_server, user, port=proxy.port)
        admin = {"admin": value(redis_server, redis_server.superuser, port=proxy.port)}
        proxy.cut_at(b"SETUSER", sender=Sender.CLIENT, deliver=True)
        with attempt(RedisAcl) as rotator, pytest.raises(OutcomeUnknown):
            rotator.set_secret(step(values, **admin))
        with attempt(RedisAcl) as rotator:
            rotator.set_secret(step(values, **admin))
        assert redis_server.passwords(user) == {digest(each.password) for each in both(values)}

    def test_a_server_that_says_nothing(
        self, redis_server: RedisServer, tcp_proxy: Callable[[str, int], TcpProxy]
    ) -> None:
        """A silent server is given up at the step's deadline."""
        proxy = tcp_proxy(HOST, redis_server.port)
        proxy.blackhole()
        values = pending_of(redis_server, redis_server.new_user(), port=proxy.port)
        error = failure(values, seconds=0.2)
        assert type(error) is TargetUnreachable
        assert "time limit" in str(error)

    def test_something_else_answers(
        self, redis_server: RedisServer, tcp_proxy: Callable[[str, int], TcpProxy]
    ) -> None:
        """A connection that is closed at once is no login."""
        proxy = tcp_proxy(HOST, redis_server.port)
        proxy.cut_after(0, sender=Sender.SERVER, once=False)
        values = pending_of(redis_server, redis_server.new_user(), port=proxy.port)
        assert type(failure(values)) is TargetUnreachable


class TestOlderOwners:
    def session(self, server: RedisServer, values: Values, *, fencing: int) -> Session:
        """A session of the admin as an owner with this fencing number opens it."""
        rotation = rotation_of(values, fencing=fencing, **by_admin(server))
        admin = parse(value(server, server.superuser))
        return login(admin, rotation, RedisSettings(), admin=True, tagged=True)

    def alive(self, session: Session) -> bool:
        try:
            return bool(session.run("ECHO", "x"))
        except RedisConnectionError:
            return False

    def test_they_are_ended(self, any_redis: RedisServer) -> None:
        """Sessions of smaller fencing numbers are ended, those of the same and of other secrets go on."""
        values = pending_of(any_redis, any_redis.new_user())
        older = self.session(any_redis, values, fencing=2)
        same = self.session(any_redis, values, fencing=3)
        other = login(
            parse(value(any_redis, any_redis.superuser)),
            rotation_of(values, fencing=1, secret_arn="arn:other"),
            RedisSettings(),
        )
        with attempt(RedisAcl) as rotator:
            rotator.end_older_sessions(step(values, fencing=3, **by_admin(any_redis)))
        assert not self.alive(older)
        assert self.alive(same)
        assert self.alive(other)
        for session in (older, same, other):
            session.close()

    def test_by_whichever_password_logs_in(self, any_redis: RedisServer) -> None:
        """Without an admin the value that logs in is found, also where the old one is retired already."""
        user = any_redis.new_user(rules=("~*", "&*", "+@all"))
        values = pending_of(any_redis, user)
        set_and_test(values, allow_privileged=True)
        older = login(parse(values[Candidate.PENDING]), rotation_of(values), RedisSettings())
        retire(values)
        with attempt(RedisAcl) as rotator:
            rotator.end_older_sessions(step(values, fencing=2))
        assert not self.alive(older)
        assert any_redis.can_log_in(user_of(values, Candidate.PENDING))

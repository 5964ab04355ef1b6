"""The rotator of RabbitMQ users on a real broker."""

import contextlib
import secrets
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rotator.model.rotation import Status
from rotator.sdk import (
    AdminLoginRefused,
    Candidate,
    Misconfigured,
    OutcomeUnknown,
    Overlap,
    Proof,
    Rotation,
    SecretValue,
    StepError,
    TargetRefused,
    TargetUnreachable,
)
from rotators.rabbitmq import RabbitmqUser
from rotators.rabbitmq.api import is_of
from rotators.rabbitmq.steps import RabbitmqSteps
from tests.support.house import House
from tests.support.manager import ME
from tests.support.rabbitmq_server import HOST, Broker, BrokerUser
from tests.support.rotations import Values, attempt, preflight, refusals, warnings, with_pending
from tests.support.rotations import rotation_of as any_rotation_of
from tests.support.tcp_proxy import Sender, TcpProxy
from tests.support.waiting import eventually


def rotation_of(values: Values, **fields: Any) -> Rotation:
    return any_rotation_of(values, kind=RabbitmqUser, **{"overlap": Overlap.GAP} | fields)


def value(broker: Broker, user: BrokerUser, **fields: Any) -> SecretValue:
    return SecretValue.from_json(broker.secret_value(user) | fields)


def pending_of(broker: Broker, user: BrokerUser, **fields: Any) -> Values:
    return with_pending(RabbitmqUser, {Candidate.CURRENT: value(broker, user, **fields)})


def by_admin(broker: Broker, admin: BrokerUser | None = None, **fields: Any) -> dict[str, Any]:
    return {"admin": value(broker, admin or broker.superuser, **fields)}


def user_of(values: Values, candidate: Candidate) -> BrokerUser:
    fields = values[candidate].fields()
    return BrokerUser(name=fields["username"], password=fields["password"])


def set_and_test(values: Values, **fields: Any) -> None:
    with attempt(RabbitmqUser) as rotator:
        found = rotator.preflight(rotation_of(values, **fields))
        assert not found.refusals, found
        assert found.overlap is Overlap.GAP
        rotator.set_secret(rotation_of(values, **fields))
        rotator.test_secret(rotation_of(values, **fields))


@pytest.mark.parametrize("tags", ["", "management,monitoring"])
def test_the_password_changes_and_back_again(broker: Broker, tags: str) -> None:
    """The new password is the only one after setSecret, the old one after a revert; tags are kept; steps repeat."""
    user = broker.new_user(tags=tags)
    before = broker.stored(user)["tags"]
    values = pending_of(broker, user)
    new = user_of(values, Candidate.PENDING)
    fields = by_admin(broker)
    for _ in range(2):
        set_and_test(values, **fields)
        assert broker.can_log_in(new)
        assert not broker.can_log_in(user)
        with attempt(RabbitmqUser) as rotator:
            assert rotator.probe(rotation_of(values, **fields), Candidate.CURRENT) is Proof.REFUSED
            assert rotator.probe(rotation_of(values, **fields), Candidate.PENDING) is Proof.ACCEPTED
    for _ in range(2):
        with attempt(RabbitmqUser) as rotator:
            rotator.revert_secret(rotation_of(values, live=Candidate.PENDING, **fields))
        assert broker.can_log_in(user)
        assert not broker.can_log_in(new)
    assert broker.stored(user)["tags"] == before


def test_an_admin_is_needed(broker: Broker) -> None:
    """Without an admin secret, with one of the same user, or with one that lacks the tag, nothing is changed."""
    user = broker.new_user()
    values = pending_of(broker, user)
    assert "--admin" in refusals(preflight(RabbitmqUser, rotation_of(values)))
    own = rotation_of(values, **by_admin(broker, user))
    assert "masterarn" in refusals(preflight(RabbitmqUser, own))
    for tags in ("", "management"):
        other = broker.new_user(tags=tags)
        with pytest.raises(TargetRefused) as refused:
            preflight(RabbitmqUser, rotation_of(values, **by_admin(broker, other)))
        assert refused.value.hint == f"rabbitmqctl set_user_tags {other.name} administrator"
    wrong = broker.superuser.with_password("wrong")
    with pytest.raises(AdminLoginRefused):
        preflight(RabbitmqUser, rotation_of(values, **by_admin(broker, wrong)))
    assert broker.can_log_in(user)


def test_preflight_tells_what_is_the_matter(broker: Broker) -> None:
    """Drift, missing users, users without a password, administrators and a required overlap are told."""
    fields = by_admin(broker)
    user = broker.new_user()
    drifted = pending_of(broker, user.with_password("drifted"))
    assert "another password" in warnings(preflight(RabbitmqUser, rotation_of(drifted, **fields)))
    set_and_test(drifted, **fields)
    nobody = BrokerUser(name=f"nobody-{secrets.token_hex(4)}", password="x")
    with attempt(RabbitmqUser) as rotator, pytest.raises(TargetRefused, match="there is no user"):
        rotator.set_secret(rotation_of(pending_of(broker, nobody), **fields))
    assert broker.ask(broker.superuser, "GET", broker.path(nobody))[0] == 404
    body = {"password_hash": "", "tags": ""}
    broker.ask(broker.superuser, "PUT", broker.path(user), body)
    found = preflight(RabbitmqUser, rotation_of(pending_of(broker, user), **fields))
    assert "has no password" in refusals(found)
    values = pending_of(broker, broker.new_user(tags="administrator"))
    assert "administrator" in refusals(preflight(RabbitmqUser, rotation_of(values, **fields)))
    set_and_test(values, allow_privileged=True, **fields)
    required = rotation_of(values, allow_privileged=True, require_overlap=True, **fields)
    assert "--overlap prefer" in refusals(preflight(RabbitmqUser, required))


@pytest.mark.parametrize(
    "name", ["o'neil", 'qu"ote', "sl/ash", "per%2Fcent", "ünï ☃", "a?b#c", ".."]
)
def test_hostile_names(broker: Broker, name: str) -> None:
    """Names of every kind are one user's path and nothing else."""
    values = pending_of(broker, broker.new_user(name=name + secrets.token_hex(4)))
    set_and_test(values, **by_admin(broker))
    assert broker.can_log_in(user_of(values, Candidate.PENDING))


@pytest.mark.parametrize("password", ["qu'ote:colon", "sp ace\n", "ünï ☃", "x" * 500])
def test_hostile_passwords(broker: Broker, password: str) -> None:
    """Stored passwords of every kind are set, and replaced."""
    user = broker.new_user()
    values = pending_of(broker, user)
    values[Candidate.PENDING] = value(broker, user.with_password(password))
    set_and_test(values, **by_admin(broker))
    set_and_test(pending_of(broker, user.with_password(password)), **by_admin(broker))


def test_no_log_shows_a_password(broker: Broker) -> None:
    """Neither the log nor the plan has a password; the broker is given the hash that it stores."""
    user = broker.new_user()
    values = pending_of(broker, user)
    set_and_test(values, **by_admin(broker))
    new = user_of(values, Candidate.PENDING)
    assert user.name in broker.log_text()
    for password in (user.password, new.password, broker.superuser.password):
        assert password not in broker.log_text()
    assert is_of(broker.stored(user)["password_hash"], new.password, algorithm="sha256")


def test_tls(broker: Broker) -> None:
    """With TLS the certificate is verified; a stranger's is refused, and plaintext is no way out."""
    user = broker.new_user()
    tls: dict[str, Any] = {
        "ssl": True,
        "management_port": broker.tls_port,
        "ssl_ca": str(broker.ca_file),
    }
    values = pending_of(broker, user, **tls)
    set_and_test(values, **by_admin(broker, **tls))
    stranger = tls | {"ssl_ca": str(broker.other_ca_file)}
    now = user_of(values, Candidate.PENDING)
    for wrong, told in ((stranger, "not trusted"), (tls | {"management_port": broker.port}, "TLS")):
        rotation = rotation_of(pending_of(broker, now, **wrong), **by_admin(broker, **wrong))
        assert told in refusals(preflight(RabbitmqUser, rotation))


def test_lost_connections(broker: Broker, tcp_proxy: Callable[[str, int], TcpProxy]) -> None:
    """A change whose answer is lost is an unknown outcome that a repetition settles; a refused connection is none."""
    proxy = tcp_proxy(HOST, broker.port)
    there = {"management_port": proxy.port}
    values = pending_of(broker, broker.new_user(), **there)
    fields = by_admin(broker, **there)
    proxy.cut_at(b"password_hash", sender=Sender.CLIENT, deliver=True)
    with attempt(RabbitmqUser) as rotator, pytest.raises(OutcomeUnknown):
        rotator.set_secret(rotation_of(values, **fields))
    with attempt(RabbitmqUser) as rotator:
        rotator.set_secret(rotation_of(values, **fields))
        rotator.test_secret(rotation_of(values, **fields))
    with attempt(RabbitmqUser) as rotator, pytest.raises(TargetUnreachable, match="time limit"):
        rotator.set_secret(rotation_of(values, seconds=0, **fields))
    closed = {"management_port": 1}
    with pytest.raises(TargetUnreachable, match="no connection"):
        preflight(
            RabbitmqUser,
            rotation_of(
                pending_of(broker, broker.superuser, **closed),
                **by_admin(broker, broker.new_user(), **closed),
            ),
        )


def test_an_answer_that_drips_is_left_at_the_deadline() -> None:
    """However many pieces an answer comes in, it is waited for no longer than until the step's deadline."""
    asked, over = threading.Event(), threading.Event()

    def answer(server: socket.socket) -> None:
        with contextlib.suppress(OSError), server.accept()[0] as connection:
            connection.recv(4096)
            asked.set()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n")
            while not over.wait(0.05):
                connection.sendall(b" ")

    user = BrokerUser(name="app", password=secrets.token_urlsafe(18))
    with socket.create_server((HOST, 0)) as server:
        serving = threading.Thread(target=answer, args=[server])
        serving.start()
        fields = {"host": HOST, "port": 5672, "management_port": server.getsockname()[1]}
        current = SecretValue.from_json(
            {"engine": "rabbitmq", "username": user.name, "password": user.password, "ssl": False}
            | fields
        )
        probed: list[StepError] = []

        def probe() -> None:
            try:
                with attempt(RabbitmqUser) as rotator:
                    rotator.probe(
                        rotation_of({Candidate.CURRENT: current}, seconds=2.0), Candidate.CURRENT
                    )
            except StepError as failure:
                probed.append(failure)

        probing = threading.Thread(target=probe, daemon=True)
        probing.start()
        was_asked = asked.wait(60)
        probing.join(60)
        ended = not probing.is_alive()
        over.set()
        server.shutdown(socket.SHUT_RD)  # wakes the thread where nobody has come
        serving.join()
    assert was_asked
    assert ended
    assert [type(failure) for failure in probed] == [TargetUnreachable]


def test_a_wrong_field_is_named() -> None:
    """A secret that can't be used is refused with the field's name."""
    secret = {"engine": "rabbitmq", "host": "mq.example", "username": "u", "password": "p"}
    assert RabbitmqUser().claims(SecretValue.from_json(secret)).port == 15671
    for fields, named in (
        ({"username": "a:b"}, "username"),
        ({"management_port": "x"}, "management_port"),
        ({"engine": "redis"}, "engine"),
    ):
        with pytest.raises(Misconfigured, match=named):
            RabbitmqUser().claims(SecretValue.from_json(secret | fields))


def test_rotations_from_end_to_end(
    house: House, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rotation that fails after the change is put back; the next one leaves the new password alone."""
    user = broker.new_user()
    name = house.adopt(broker, user, rotator="rabbitmq-user", admin=broker.superuser)

    def failing(steps: object, rotation: Rotation) -> None:
        del steps, rotation
        raise TargetRefused("the application does not like it")

    with monkeypatch.context() as patch:
        patch.setattr(RabbitmqSteps, "test_secret", failing)
        assert house.rotate(name).status is Status.FAILED
    assert broker.can_log_in(user)
    assert house.rotate(name).status is Status.SUCCEEDED
    assert broker.can_log_in(user.with_password(house.fields(name)["password"]))
    assert not broker.can_log_in(user)


@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
def test_connections_of_a_compromised_user_end(house: House, broker: Broker) -> None:
    """Connections outlive their password; where it is compromised the user's are named and closed, and no others."""
    user = broker.new_user(name=f"a b/c%41 ü {secrets.token_hex(4)}")
    secret = house.adopt(broker, user, rotator="rabbitmq-user", admin=broker.superuser)
    with (
        broker.connect(user) as first,
        broker.connect(user) as second,
        broker.connect(broker.new_user()) as other,
    ):
        report = house.engine().rotate(secret, **ME, compromised=True)

        assert (report.status, report.failure) == (Status.SUCCEEDED, None)
        assert [(use.user, use.client) for use in report.in_use] == [(user.name, HOST)] * 2
        assert eventually(lambda: first.has_ended() and second.has_ended())
        assert not other.has_ended()


def test_a_connection_that_is_over_is_not_missed(broker: Broker) -> None:
    """Who has left before its connection is ended leaves nothing to do."""
    values = pending_of(broker, broker.new_user())
    with attempt(RabbitmqUser) as rotator:
        step = rotation_of(values, **by_admin(broker))
        with broker.connect(user_of(values, Candidate.CURRENT)):
            uses = rotator.in_use(step)
        assert len(uses) == 1
        assert eventually(lambda: rotator.in_use(step) == ())
        rotator.end_use(step, uses)

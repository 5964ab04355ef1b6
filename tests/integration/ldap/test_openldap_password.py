"""The rotator of OpenLDAP passwords on a real server."""

import base64
from collections.abc import Callable
from typing import Any

import pytest

from rotator.errors import RotationInProgress
from rotator.manager.settings import RotationOptions
from rotator.model.rotation import Status
from rotator.sdk import (
    AdminLoginRefused,
    Candidate,
    LoginRefused,
    Misconfigured,
    OutcomeUnknown,
    Overlap,
    Proof,
    Rotation,
    SecretValue,
    TargetRefused,
    TargetUnreachable,
)
from rotators.ldap import OpenldapPassword
from rotators.ldap.hashes import is_of
from rotators.ldap.steps import LdapSteps
from tests.support.house import House
from tests.support.ldap_server import HOST, LdapServer, Person
from tests.support.manager import ME
from tests.support.rotations import Values, attempt, preflight, refusals, warnings, with_pending
from tests.support.rotations import rotation_of as any_rotation_of
from tests.support.tcp_proxy import Sender, TcpProxy


def rotation_of(values: Values, **fields: Any) -> Rotation:
    return any_rotation_of(values, kind=OpenldapPassword, **fields)


def step(values: Values, **fields: Any) -> Rotation:
    return rotation_of(values, **{"overlap": Overlap.DUAL} | fields)


def value(server: LdapServer, person: Person, **fields: Any) -> SecretValue:
    return SecretValue.from_json(server.secret_value(person) | fields)


def pending_of(server: LdapServer, person: Person, **fields: Any) -> Values:
    return with_pending(OpenldapPassword, {Candidate.CURRENT: value(server, person, **fields)})


def by_admin(server: LdapServer, admin: Person | None = None, **fields: Any) -> dict[str, Any]:
    return {"admin": value(server, admin or server.admin, **fields)}


def person_of(values: Values, candidate: Candidate) -> Person:
    fields = values[candidate].fields()
    return Person(dn=fields["username"], password=fields["password"])


def both(values: Values) -> tuple[Person, Person]:
    return person_of(values, Candidate.CURRENT), person_of(values, Candidate.PENDING)


def set_and_test(values: Values, **fields: Any) -> None:
    with attempt(OpenldapPassword) as rotator:
        found = rotator.preflight(rotation_of(values, **fields))
        assert not found.refusals, found
        rotator.set_secret(step(values, **fields))
        rotator.test_secret(step(values, **fields))


def retire(values: Values, **fields: Any) -> None:
    with attempt(OpenldapPassword) as rotator:
        rotator.retire_secret(step(values, live=Candidate.PENDING, **fields))


@pytest.fixture(params=["admin", "itself", "blind"])
def way(request: pytest.FixtureRequest, ldap_server: LdapServer) -> tuple[Person, dict[str, Any]]:
    """An entry, and who changes it: an admin, itself, or itself without a right to read its password."""
    person = ldap_server.new_person(ou="blind" if request.param == "blind" else "services")
    return person, by_admin(ldap_server) if request.param == "admin" else {}


def test_both_passwords_bind_until_the_old_one_is_retired(
    ldap_server: LdapServer, way: tuple[Person, dict[str, Any]]
) -> None:
    """After setSecret both bind, after retire the new one alone, and exactly one value, a hash, is left."""
    person, fields = way
    values = pending_of(ldap_server, person)
    old, new = both(values)
    for _ in range(2):
        set_and_test(values, **fields)
        assert ldap_server.can_log_in(old)
        assert ldap_server.can_log_in(new)
        assert len(ldap_server.passwords(person)) == 2
    for _ in range(2):
        retire(values, **fields)
        assert not ldap_server.can_log_in(old)
        assert ldap_server.can_log_in(new)
        (stored,) = ldap_server.passwords(person)
        assert stored.startswith(b"{SSHA}")
        assert is_of(stored, new.password)


def test_revert_leaves_the_old_password_alone(
    ldap_server: LdapServer, way: tuple[Person, dict[str, Any]]
) -> None:
    """The new value goes again, however often it is asked for; a value that is gone is given back."""
    person, fields = way
    values = pending_of(ldap_server, person)
    old, new = both(values)
    with attempt(OpenldapPassword) as rotator:
        rotator.set_secret(step(values, **fields))
    for live in (Candidate.PENDING, Candidate.CURRENT):
        with attempt(OpenldapPassword) as rotator:
            rotator.revert_secret(step(values, live=live, **fields))
        assert ldap_server.passwords(person) == [old.password.encode()]
        assert not ldap_server.can_log_in(new)
    ldap_server.modify(person.dn, userPassword=new.password)
    if fields:
        with attempt(OpenldapPassword) as rotator:
            rotator.revert_secret(step(values, **fields))
        assert ldap_server.can_log_in(old)
        assert not ldap_server.can_log_in(new)


def test_probes(ldap_server: LdapServer, way: tuple[Person, dict[str, Any]]) -> None:
    """What binds is accepted, what doesn't is refused, before and after."""
    person, fields = way
    values = pending_of(ldap_server, person)
    with attempt(OpenldapPassword) as rotator:
        assert rotator.probe(step(values, **fields), Candidate.CURRENT) is Proof.ACCEPTED
        assert rotator.probe(step(values, **fields), Candidate.PENDING) is Proof.REFUSED
    set_and_test(values, **fields)
    retire(values, **fields)
    with attempt(OpenldapPassword) as rotator:
        assert rotator.probe(step(values, **fields), Candidate.CURRENT) is Proof.REFUSED
        assert rotator.probe(step(values, **fields), Candidate.PENDING) is Proof.ACCEPTED


@pytest.mark.parametrize("scheme", ["SSHA256", "SSHA512"])
def test_other_schemes(ldap_server: LdapServer, scheme: str) -> None:
    """The setting chooses the hash, and the server takes it."""
    person = ldap_server.new_person()
    values = pending_of(ldap_server, person)
    set_and_test(values, settings={"scheme": scheme})
    assert any(each.startswith(b"{%s}" % scheme.encode()) for each in ldap_server.passwords(person))
    retire(values)
    assert ldap_server.can_log_in(person_of(values, Candidate.PENDING))
    with pytest.raises(Misconfigured, match="scheme"):
        rotation_of(values, settings={"scheme": "ROT13"})


def test_foreign_passwords_stay(ldap_server: LdapServer) -> None:
    """Values that aren't the secret's are told and kept, also one of a scheme that can't be computed here."""
    foreign = [b"somebody else's", b"{CRYPT}$6$abc$def"]
    person = ldap_server.new_person(values=foreign)
    values = pending_of(ldap_server, person)
    found = preflight(OpenldapPassword, rotation_of(values, **by_admin(ldap_server)))
    assert "2 further passwords" in warnings(found)
    set_and_test(values, **by_admin(ldap_server))
    retire(values, **by_admin(ldap_server))
    stored = ldap_server.passwords(person)
    assert set(foreign) < set(stored)
    assert len(stored) == 3
    assert not ldap_server.can_log_in(person)


def test_an_old_password_of_an_unknown_scheme_is_retired(ldap_server: LdapServer) -> None:
    """A value that can't be computed here is the old one where the old password binds; of several none is guessed."""
    person = ldap_server.new_person()
    crypted = person.with_password("of-an-old-scheme-1")
    # {SASL} and {ARGON2} would do; slapd's own {CRYPT} needs nothing else.
    stored = b"{CRYPT}" + _crypt("of-an-old-scheme-1")
    ldap_server.set_passwords(person.dn, stored)
    assert ldap_server.can_log_in(crypted)
    values = pending_of(ldap_server, crypted)
    set_and_test(values, **by_admin(ldap_server))
    retire(values, **by_admin(ldap_server))
    assert not ldap_server.can_log_in(crypted)
    assert len(ldap_server.passwords(person)) == 1
    ldap_server.set_passwords(person.dn, stored, b"{CRYPT}x", *ldap_server.passwords(person))
    with pytest.raises(TargetRefused, match="2 passwords in schemes"):
        retire(values, **by_admin(ldap_server))


def _crypt(password: str) -> bytes:
    """crypt(3) in traditional form of glibc, computed by the C library."""
    import ctypes
    import ctypes.util

    library = ctypes.CDLL(ctypes.util.find_library("crypt") or "libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    result: bytes = library.crypt(password.encode(), b"$6$saltsalt")
    return result


def test_what_a_rotation_left_is_taken_away_by_the_next(ldap_server: LdapServer) -> None:
    """A rotation that comes before the last one was retired leaves two passwords, not three."""
    person = ldap_server.new_person()
    first = pending_of(ldap_server, person)
    set_and_test(first)
    second = pending_of(ldap_server, person_of(first, Candidate.PENDING))
    second[Candidate.PREVIOUS] = first[Candidate.CURRENT]
    set_and_test(second, token="9e1f0c52-3a3f-4b0c-8f0e-0e5d8f6b2c11")
    assert not ldap_server.can_log_in(person)
    assert len(ldap_server.passwords(person)) == 2


def test_retire_never_drops_the_password_in_use(
    ldap_server: LdapServer, way: tuple[Person, dict[str, Any]]
) -> None:
    """Where the new password isn't there, retiring is refused and the old one binds."""
    person, fields = way
    if not fields:
        fields = {"live": Candidate.CURRENT}
    values = pending_of(ldap_server, person)
    with attempt(OpenldapPassword) as rotator, pytest.raises(TargetRefused, match="nothing was"):
        rotator.retire_secret(step(values, **fields))
    assert ldap_server.can_log_in(person)


@pytest.mark.parametrize(
    "rdn",
    [
        r"cn=Smith\, John",
        r"cn=\#hash",
        r"cn=quo\"te\+plus\\back\;semi\<\>",
        r"cn=tr\20ailing\20",
        "cn=Jürgen ☃",
        r"cn=star*(paren)",
        "cn=equal\\=sign",
    ],
)
def test_hostile_names(ldap_server: LdapServer, rdn: str) -> None:
    """DNs with escaped characters of every kind are rotated, by themselves and by the admin."""
    person = ldap_server.new_person(rdn=f"{rdn}+sn=x")
    values = pending_of(ldap_server, person)
    set_and_test(values)
    retire(values, **by_admin(ldap_server))
    assert ldap_server.can_log_in(person_of(values, Candidate.PENDING))


@pytest.mark.parametrize("password", ["qu'ote", "{SSHA}brace", "ünï ☃ ﬁ", "\u00a0nbsp", "x" * 500])
def test_hostile_passwords(ldap_server: LdapServer, password: str) -> None:
    """Stored passwords of every kind are set, and replaced, as the bytes that they are."""
    person = ldap_server.new_person()
    values = pending_of(ldap_server, person)
    values[Candidate.PENDING] = value(ldap_server, person.with_password(password))
    set_and_test(values)
    retire(values)
    assert ldap_server.can_log_in(person.with_password(password))
    again = pending_of(ldap_server, person.with_password(password))
    set_and_test(again, token="9e1f0c52-3a3f-4b0c-8f0e-0e5d8f6b2c11")


def test_rights(ldap_server: LdapServer) -> None:
    """Who may not change the password is refused with the rule that would let it; nothing is changed."""
    person = ldap_server.new_person(ou="fixed")
    values = pending_of(ldap_server, person)
    assert "by self write" in refusals(preflight(OpenldapPassword, rotation_of(values)))
    with attempt(OpenldapPassword) as rotator, pytest.raises(TargetRefused, match="lacks a right"):
        rotator.set_secret(step(values))
    other = ldap_server.new_person()
    found = preflight(OpenldapPassword, rotation_of(values, **by_admin(ldap_server, other)))
    assert f'by dn.exact="{other.dn}" write' in refusals(found)
    assert ldap_server.passwords(person) == [person.password.encode()]


def test_wrong_passwords_are_told_apart(ldap_server: LdapServer) -> None:
    """A refused admin bind is told apart from the user's; an entry that isn't there is refused like one."""
    person = ldap_server.new_person()
    wrong = ldap_server.admin.with_password("wrong")
    with pytest.raises(AdminLoginRefused):
        preflight(
            OpenldapPassword,
            rotation_of(pending_of(ldap_server, person), **by_admin(ldap_server, wrong)),
        )
    with pytest.raises(LoginRefused):
        preflight(OpenldapPassword, rotation_of(pending_of(ldap_server, wrong)))
    nobody = Person(dn="cn=nobody,dc=example,dc=com", password="x")
    fields = by_admin(ldap_server)
    with pytest.raises(TargetRefused, match="no entry"):
        preflight(OpenldapPassword, rotation_of(pending_of(ldap_server, nobody), **fields))
    invalid = Person(dn="cn=,,=", password="x")
    found = preflight(OpenldapPassword, rotation_of(pending_of(ldap_server, invalid)))
    assert "no valid DN" in refusals(found)
    own = rotation_of(pending_of(ldap_server, person), **by_admin(ldap_server, person))
    assert "masterarn" in refusals(preflight(OpenldapPassword, own))


class TestPolicies:
    def test_a_low_lockout_limit_is_refused(self, ldap_server: LdapServer) -> None:
        """Where failed binds would lock the entry, preflight refuses; a higher limit is never reached."""
        policy = ldap_server.new_policy(pwdLockout="TRUE", pwdMaxFailure="3")
        person = ldap_server.new_person(pwdPolicySubentry=policy)
        values = pending_of(ldap_server, person)
        assert "pwdMaxFailure be 4" in refusals(preflight(OpenldapPassword, rotation_of(values)))
        ldap_server.modify(policy, pwdMaxFailure="4")
        set_and_test(values)
        for candidate in (Candidate.PENDING, Candidate.CURRENT) * 3:
            with attempt(OpenldapPassword) as rotator:
                rotator.probe(step(values), candidate)
        retire(values)
        assert ldap_server.can_log_in(person_of(values, Candidate.PENDING))

    def test_the_old_password_to_go_with_the_change(self, ldap_server: LdapServer) -> None:
        """A policy of pwdSafeModify is refused for the entry itself; the root DN rotates it."""
        policy = ldap_server.new_policy(pwdSafeModify="TRUE")
        person = ldap_server.new_person(pwdPolicySubentry=policy)
        values = pending_of(ldap_server, person)
        assert "pwdSafeModify" in refusals(preflight(OpenldapPassword, rotation_of(values)))
        with (
            attempt(OpenldapPassword) as rotator,
            pytest.raises(TargetRefused, match="old password"),
        ):
            rotator.set_secret(step(values))
        root = by_admin(ldap_server, ldap_server.root)
        found = preflight(OpenldapPassword, rotation_of(values, **root))
        assert "the root DN alone" in warnings(found)
        set_and_test(values, **root)

    def test_hashes_are_refused(self, ldap_server: LdapServer) -> None:
        """A policy of pwdCheckQuality 2 refuses every hash, as preflight says."""
        policy = ldap_server.new_policy(pwdCheckQuality="2", pwdMinLength="5")
        person = ldap_server.new_person(pwdPolicySubentry=policy)
        values = pending_of(ldap_server, person)
        assert "pwdCheckQuality be 1" in refusals(preflight(OpenldapPassword, rotation_of(values)))
        with attempt(OpenldapPassword) as rotator, pytest.raises(TargetRefused, match="policy"):
            rotator.set_secret(step(values))


class TestTls:
    @pytest.mark.parametrize("ldaps", [False, True], ids=["starttls", "ldaps"])
    def test_a_whole_rotation(self, ldap_server: LdapServer, ldaps: bool) -> None:
        """Over StartTLS and over ldaps, with the server's certificate verified."""
        person = ldap_server.new_person()
        tls: dict[str, Any] = {"ssl": True, "ssl_ca": str(ldap_server.ca_file)}
        if ldaps:
            tls |= {"port": ldap_server.ldaps_port, "starttls": False}
        values = pending_of(ldap_server, person, **tls)
        set_and_test(values, **by_admin(ldap_server, **tls))
        retire(values, **by_admin(ldap_server, **tls))
        assert ldap_server.can_log_in(person_of(values, Candidate.PENDING))

    @pytest.mark.parametrize("ldaps", [False, True], ids=["starttls", "ldaps"])
    def test_a_stranger_is_not_trusted(self, ldap_server: LdapServer, ldaps: bool) -> None:
        """A certificate of another authority ends the login before the password is sent."""
        tls: dict[str, Any] = {"ssl": True, "ssl_ca": str(ldap_server.other_ca_file)}
        if ldaps:
            tls |= {"port": ldap_server.ldaps_port, "starttls": False}
        values = pending_of(ldap_server, ldap_server.new_person(), **tls)
        assert "not trusted" in refusals(preflight(OpenldapPassword, rotation_of(values)))

    def test_ldaps_at_a_port_without_it(self, ldap_server: LdapServer) -> None:
        """TLS from the first byte at a plaintext port fails, and doesn't fall back."""
        tls = {"ssl": True, "starttls": False, "ssl_ca": str(ldap_server.ca_file)}
        values = pending_of(ldap_server, ldap_server.new_person(), **tls)
        assert "no TLS connection" in refusals(preflight(OpenldapPassword, rotation_of(values)))


def test_no_log_shows_a_password(ldap_server: LdapServer) -> None:
    """Neither the log of every operation nor a file of the database has a new password in clear or in base64."""
    person = ldap_server.new_person()
    values = pending_of(ldap_server, person)
    set_and_test(values, **by_admin(ldap_server))
    with attempt(OpenldapPassword) as rotator:
        rotator.revert_secret(step(values, **by_admin(ldap_server)))
    set_and_test(values)
    retire(values)
    new = person_of(values, Candidate.PENDING).password
    log = ldap_server.log_text()
    assert person.dn in log
    places = [log.encode(), *(f.read_bytes() for f in (ldap_server.home / "data").iterdir())]
    for place in places:
        assert new.encode() not in place
        assert base64.b64encode(new.encode()).rstrip(b"=")[:-1] not in place


def test_lost_connections(
    ldap_server: LdapServer, tcp_proxy: Callable[[str, int], TcpProxy]
) -> None:
    """A change whose answer is lost is an unknown outcome that a repetition settles; a refused connection is none."""
    person = ldap_server.new_person()
    proxy = tcp_proxy(HOST, ldap_server.port)
    values = pending_of(ldap_server, person, port=proxy.port)
    proxy.cut_at(b"{SSHA}", sender=Sender.CLIENT, deliver=True)
    with attempt(OpenldapPassword) as rotator, pytest.raises(OutcomeUnknown):
        rotator.set_secret(step(values))
    with attempt(OpenldapPassword) as rotator:
        rotator.set_secret(step(values))
    assert len(ldap_server.passwords(person)) == 2
    proxy.blackhole()
    with pytest.raises(TargetUnreachable):
        preflight(OpenldapPassword, rotation_of(values, seconds=0.2))
    with attempt(OpenldapPassword) as rotator, pytest.raises(TargetUnreachable, match="time limit"):
        rotator.set_secret(step(values, seconds=0))
    with pytest.raises(TargetUnreachable, match="no connection"):
        preflight(OpenldapPassword, rotation_of(pending_of(ldap_server, person, port=1)))


@pytest.mark.parametrize("admin", [True, False], ids=["admin", "itself"])
def test_rotations_from_end_to_end(
    house: House, ldap_server: LdapServer, monkeypatch: pytest.MonkeyPatch, admin: bool
) -> None:
    """Both passwords bind after a rotation; one that fails after the change is put back."""
    person = ldap_server.new_person()
    name = house.adopt(
        ldap_server,
        person,
        rotator="openldap-password",
        admin=ldap_server.admin if admin else None,
    )

    def failing(steps: object, rotation: Rotation) -> None:
        del steps, rotation
        raise TargetRefused("the application does not like it")

    with monkeypatch.context() as patch:
        patch.setattr(LdapSteps, "test_secret", failing)
        assert house.rotate(name).status is Status.FAILED
    assert ldap_server.passwords(person) == [person.password.encode()]
    assert house.rotate(name).failure is None
    now = Person(dn=person.dn, password=house.fields(name)["password"])
    assert ldap_server.can_log_in(now)
    assert ldap_server.can_log_in(person)
    assert house.history(name)[0].overlap == Overlap.DUAL


@pytest.mark.parametrize("admin", [True, False], ids=["admin", "itself"])
@pytest.mark.parametrize("store_engine", ["sqlite"], indirect=True)
def test_a_grace_period(house: House, ldap_server: LdapServer, admin: bool) -> None:
    """Both passwords bind as long as it lasts; after `retire` exactly the new one, beside a value of somebody else."""
    person = ldap_server.new_person(values=[b"somebody else's"])
    changer = ldap_server.admin if admin else None
    options = RotationOptions(grace=3600.0)
    name = house.adopt(
        ldap_server, person, rotator="openldap-password", admin=changer, options=options
    )

    report = house.rotate(name)
    assert report.status is Status.GRACE, report.failure
    new = Person(dn=person.dn, password=house.fields(name)["password"])
    other = person.with_password("somebody else's")
    everyone = (person, new, other)
    assert [ldap_server.can_log_in(each) for each in everyone] == [True, True, True]
    with pytest.raises(RotationInProgress):
        house.rotate(name)
    assert [ldap_server.can_log_in(each) for each in everyone] == [True, True, True]

    retired = house.engine().retire(name, **ME)
    assert retired is not None
    assert retired.status is Status.SUCCEEDED, retired.failure
    assert [ldap_server.can_log_in(each) for each in everyone] == [False, True, True]
    assert len(ldap_server.passwords(person)) == 2
    assert house.engine().retire(name, **ME) is None

    report = house.engine().rotate(name, **ME, compromised=True)
    assert report.status is Status.SUCCEEDED, report.failure
    assert not ldap_server.can_log_in(new)
    assert ldap_server.can_log_in(new.with_password(house.fields(name)["password"]))

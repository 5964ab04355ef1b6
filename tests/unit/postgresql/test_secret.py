"""The secret's JSON: what it claims, what it refuses, and what it never shows."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rotator.sdk import Authority, Misconfigured, SecretValue
from rotators.postgresql import AlternatingUsers, SingleUser
from rotators.postgresql.secret import Tls, parse, user_pair

COMPLETE = {
    "engine": "postgres",
    "host": "db.example",
    "port": 5433,
    "username": "app",
    "password": "p",
    "dbname": "shop",
    "masterarn": "arn:admin",
}


def secret(**fields: Any) -> SecretValue:
    """The complete secret with fields replaced or, by None, removed."""
    return SecretValue.from_json({k: v for k, v in (COMPLETE | fields).items() if v is not None})


def test_claims_of_a_single_user() -> None:
    """A single-user rotation acts on the secret's own user."""
    expected = Authority(host="db.example", port=5433, admin="arn:admin", users=("app",))
    assert SingleUser().claims(secret()) == expected
    assert SingleUser().claims(secret(masterarn=None)).admin is None


@pytest.mark.parametrize("username", ["app", "app_clone"])
def test_claims_of_alternating_users(username: str) -> None:
    """An alternating rotation acts on the same two users, whichever of them the JSON names."""
    expected = Authority(
        host="db.example", port=5433, admin="arn:admin", users=("app", "app_clone")
    )
    assert AlternatingUsers().claims(secret(username=username)) == expected


def test_alternating_users_may_have_their_admin_from_the_settings() -> None:
    """The JSON needs no masterarn: the rotation's settings may name the admin secret."""
    assert AlternatingUsers().claims(secret(masterarn=None)).admin is None


@pytest.mark.parametrize("engine", ["postgres", "postgresql", "aurora-postgresql"])
def test_engines(engine: str) -> None:
    """All of AWS's names for PostgreSQL are taken."""
    assert parse(secret(engine=engine)).username == "app"


def test_defaults() -> None:
    """Port and database have PostgreSQL's defaults, and TLS is verified in full."""
    found = parse(secret(port=None, dbname=None))
    assert (found.port, found.dbname, found.tls) == (5432, "postgres", Tls(mode="verify-full"))


def test_port_may_be_a_string_of_digits() -> None:
    """AWS's own templates take the port as text, too."""
    assert parse(secret(port="6543")).port == 6543


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"engine": None}, "engine"),
        ({"engine": "mysql"}, "engine"),
        ({"engine": ["postgres"]}, "engine"),
        ({"host": None}, "host"),
        ({"host": "a,b"}, "host"),
        ({"host": "/run/postgresql"}, "host"),
        ({"host": "a b"}, "host"),
        ({"port": 0}, "port"),
        ({"port": True}, "port"),
        ({"port": "٣"}, "port"),
        ({"port": 5432.0}, "port"),
        ({"port": "9" * 5000}, "port"),
        ({"username": ""}, "username"),
        ({"username": 7}, "username"),
        ({"username": "a\0b"}, "username"),
        ({"username": "\ud800"}, "username"),
        ({"username": "ü" * 32}, "username"),
        ({"password": None}, "password"),
        ({"dbname": 1}, "dbname"),
        ({"masterarn": ""}, "masterarn"),
        ({"ssl": "maybe"}, "ssl"),
        ({"ssl": 1}, "ssl"),
        ({"sslmode": "prefer"}, "sslmode"),
        ({"sslmode": "allow"}, "sslmode"),
        ({"sslmode": ["require"]}, "sslmode"),
        ({"sslmode": "disable"}, "sslmode"),
        ({"sslmode": "disable", "ssl": True}, "sslmode"),
        ({"sslmode": "require", "ssl": False}, "sslmode"),
        ({"sslrootcert": 1}, "sslrootcert"),
    ],
)
def test_wrong_field_is_named(fields: dict[str, Any], named: str) -> None:
    """A missing or wrong field is refused by its name, with a hint."""
    with pytest.raises(Misconfigured, match=f'"{named}"') as caught:
        parse(
            SecretValue(
                string=json.dumps({k: v for k, v in (COMPLETE | fields).items() if v is not None})
            )
        )
    assert caught.value.hint


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"ssl": True}, Tls(mode="verify-full")),
        ({"ssl": "TRUE"}, Tls(mode="verify-full")),
        ({"ssl": False}, Tls(mode="disable")),
        ({"ssl": "false", "sslmode": "disable"}, Tls(mode="disable")),
        ({"sslmode": "require"}, Tls(mode="require")),
        ({"ssl": True, "sslmode": "verify-ca"}, Tls(mode="verify-ca")),
        ({"sslrootcert": "/ca"}, Tls(mode="verify-full", root_certificate="/ca")),
    ],
)
def test_tls_fields(fields: dict[str, Any], expected: Tls) -> None:
    """Plaintext is what "ssl": false says and nothing else; sslmode chooses how TLS is verified."""
    assert parse(secret(**fields)).tls == expected


def test_password_is_in_no_repr() -> None:
    """The parsed secret can be logged by accident without harm."""
    assert "hidden" not in repr(parse(secret(password="hidden")))


def test_name_of_nothing_but_the_suffix() -> None:
    """A user called _clone is nobody's clone."""
    with pytest.raises(Misconfigured, match="suffix"):
        user_pair("_clone")


@pytest.mark.parametrize("name", ["x" * 57, "ü" * 28 + "x"])
def test_clones_name_may_have_63_bytes(name: str) -> None:
    """The longest names that leave room for the suffix are taken."""
    assert user_pair(name) == (name, f"{name}_clone")


def test_clones_name_is_measured_in_bytes() -> None:
    """A name whose characters fit but whose bytes don't is refused."""
    with pytest.raises(Misconfigured, match="1 bytes longer"):
        user_pair("ü" * 29)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(
    st.sampled_from([*COMPLETE, "ssl", "sslmode", "sslrootcert"]) | st.text(max_size=5),
    JSON,
    max_size=10,
)


@given(
    fields=FIELDS | FIELDS.map(lambda fields: COMPLETE | fields),
    kind=st.sampled_from([SingleUser, AlternatingUsers]),
)
@example(fields={**COMPLETE, "sslmode": {}}, kind=SingleUser)
def test_any_json_is_claims_or_misconfigured(
    fields: dict[str, Any], kind: type[SingleUser | AlternatingUsers]
) -> None:
    """Whatever the JSON holds, there are claims or a Misconfigured, and claims survive being asked twice."""
    value = SecretValue(string=json.dumps(fields))
    try:
        claims = kind().claims(value)
    except Misconfigured:
        return
    assert claims == kind().claims(value)
    assert claims.host
    assert claims.port is not None
    assert 1 <= claims.port <= 65535
    assert all(0 < len(user.encode()) <= 63 for user in claims.users)


@given(text=st.text() | st.binary())
def test_any_value_is_claims_or_misconfigured(text: str | bytes) -> None:
    """What is no JSON object, or no text, is Misconfigured."""
    value = SecretValue(string=text) if isinstance(text, str) else SecretValue(binary=text)
    with pytest.raises(Misconfigured):
        SingleUser().claims(value)

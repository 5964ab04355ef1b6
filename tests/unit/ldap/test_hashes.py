"""Values of userPassword, without a server."""

from hypothesis import given
from hypothesis import strategies as st

from rotators.ldap.hashes import hashed, is_of, salt_of
from rotators.ldap.settings import Scheme

SCHEMES: st.SearchStrategy[Scheme] = st.sampled_from(["SSHA", "SSHA256", "SSHA512"])


@given(st.text(min_size=1), st.text(min_size=1), SCHEMES, st.text())
def test_a_value_is_of_its_password_alone(
    password: str, other: str, scheme: Scheme, token: str
) -> None:
    """What was made of a password is recognised, and not taken for another one's."""
    value = hashed(password, scheme=scheme, salt=salt_of(token))
    assert is_of(value, password)
    assert is_of(value, other) is (other == password)
    assert hashed(password, scheme=scheme, salt=salt_of(token)) == value


@given(st.binary(), st.text(min_size=1))
def test_any_value_is_judged(value: bytes, password: str) -> None:
    """Whatever an entry holds, the answer is yes, no or unknown."""
    assert is_of(value, password) in {True, False, None}


def test_values_of_other_origins() -> None:
    """Clear text, unsalted hashes in any case of letters, and schemes that can't be computed."""
    assert is_of(b"plain", "plain")
    assert is_of(b"{CLEARTEXT}plain", "plain")
    assert is_of(b"{sha}NWdeaPS1r3uZXZIFrQ/EOELxZFA=", "plain") is False
    assert is_of(b"{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "password")
    assert is_of(b"{SSHA}not base64!", "x") is False
    assert is_of(b"{ARGON2}$argon2id$v=19$x", "x") is None

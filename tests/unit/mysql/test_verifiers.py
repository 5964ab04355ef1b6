"""Verifiers that are computed here are those of the specifications."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotators.mysql_protocol import ed25519
from rotators.mysql_protocol.sha256_crypt import sha256_crypt
from rotators.mysql_protocol.verifiers import belongs, native_verifier


@pytest.mark.parametrize(
    ("rounds", "salt", "password", "expected"),
    [
        (5000, b"saltstring", b"Hello world!", b"5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
        (
            10000,
            b"saltstringsaltst",
            b"Hello world!",
            b"3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
        ),
    ],
)
def test_sha256_crypt(rounds: int, salt: bytes, password: bytes, expected: bytes) -> None:
    """It computes what the C library's crypt(3) does."""
    assert sha256_crypt(password, salt, rounds) == expected


def test_native_verifier() -> None:
    """The verifier that MySQL's manual shows for `mypass`."""
    assert native_verifier("mypass") == "*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4"
    assert belongs("mypass", plugin="mysql_native_password", stored=native_verifier("mypass"))


def test_ed25519_signs_as_rfc_8032_does() -> None:
    """With the private key of the first test vector for a password, key and signature are the vector's."""
    private = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    signed = ed25519.signature(private, b"")
    assert signed.hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


@given(password=st.text(min_size=1, max_size=40), challenge=st.binary(min_size=32, max_size=32))
def test_ed25519_signatures_verify(password: str, challenge: bytes) -> None:
    """What is signed with a password verifies under the key that is stored of it."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    stored = base64.b64decode(ed25519.verifier(password) + "=")
    signed = ed25519.signature(password.encode(), challenge)
    Ed25519PublicKey.from_public_bytes(stored).verify(signed, challenge)


@pytest.mark.parametrize("plugin", ["unix_socket", "auth_socket", "pam", ""])
def test_plugins_without_a_verifier_match_nothing(plugin: str) -> None:
    """No password belongs to an account that has none."""
    assert not belongs("", plugin=plugin, stored="")


@pytest.mark.parametrize("plugin", ["caching_sha2_password", "sha256_password"])
@given(stored=st.text(max_size=90))
def test_malformed_verifiers_match_nothing(plugin: str, stored: str) -> None:
    """Whatever the catalogue holds, there is an answer."""
    assert not belongs("password", plugin=plugin, stored=stored)

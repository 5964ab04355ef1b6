"""What a sealed value reveals, what opens it and what does not."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.crypto import aead
from rotator.crypto.envelope import SealContext, Sealed, Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.errors import DecryptionFailure, InvalidParameter, KeyUnavailable
from rotator.sdk import SecretValue
from tests.support.keys import add_key

_CONTEXT = SealContext(
    account="123456789012",
    region="eu-central-1",
    secret_arn="arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf",
    version_id="6f0d3c1e-0000-4000-8000-000000000001",
)
_PASSWORD = "correct horse battery staple"


@pytest.fixture
def sealed(sealer: Sealer) -> Sealed:
    """A password sealed for `_CONTEXT`."""
    return sealer.seal(SecretValue(string=_PASSWORD), context=_CONTEXT)


@pytest.mark.parametrize(
    "value",
    [
        SecretValue(string=""),
        SecretValue(string="pässwörd 🔑\x00"),
        SecretValue(binary=b""),
        SecretValue(binary=bytes(range(256)) * 256),
    ],
    ids=["empty text", "unicode", "no bytes", "64 KiB"],
)
def test_what_is_sealed_opens_to_itself(sealer: Sealer, value: SecretValue) -> None:
    """Text comes back as text and bytes as bytes, whatever they hold."""
    assert sealer.open(sealer.seal(value, context=_CONTEXT), context=_CONTEXT) == value


def test_a_sealed_value_shows_no_plaintext(sealed: Sealed) -> None:
    """Neither a column nor the repr of a sealed value holds the plaintext."""
    columns = b"".join([sealed.wrapped_key, sealed.nonce, sealed.ciphertext])
    assert _PASSWORD.encode() not in columns
    assert _PASSWORD not in repr(sealed)


def test_no_two_sealings_have_anything_in_common(sealer: Sealer, sealed: Sealed) -> None:
    """The same value sealed twice for the same place has another data key, nonce and ciphertext."""
    again = sealer.seal(SecretValue(string=_PASSWORD), context=_CONTEXT)
    assert again.wrapped_key != sealed.wrapped_key
    assert again.nonce != sealed.nonce
    assert again.ciphertext != sealed.ciphertext


@pytest.mark.parametrize("column", ["wrapped_key", "nonce", "ciphertext"])
@pytest.mark.parametrize("change", ["flipped", "cut", "longer", "empty"])
def test_an_altered_column_is_detected(
    sealer: Sealer, sealed: Sealed, column: str, change: str
) -> None:
    """A change of any byte column is refused with the secret, the version and the way out."""
    before: bytes = getattr(sealed, column)
    after = {
        "flipped": bytes([before[0] ^ 1]) + before[1:],
        "cut": before[:-1],
        "longer": before + b"\x00",
        "empty": b"",
    }[change]
    columns: dict[str, Any] = {column: after}
    _assert_refused(sealer, replace(sealed, **columns), context=_CONTEXT)


def test_an_altered_type_is_detected(sealer: Sealer, sealed: Sealed) -> None:
    """Text can't be passed off as binary."""
    _assert_refused(sealer, replace(sealed, binary=True), context=_CONTEXT)


@pytest.mark.parametrize("field", ["account", "region", "secret_arn", "version_id"])
def test_a_row_moved_to_another_place_is_detected(
    sealer: Sealer, sealed: Sealed, field: str
) -> None:
    """A row that belongs to another account, region, secret or version does not open here."""
    elsewhere = replace(_CONTEXT, **{field: getattr(_CONTEXT, field) + "x"})
    _assert_refused(sealer, sealed, context=elsewhere)


@pytest.mark.parametrize("columns", [("wrapped_key",), ("nonce", "ciphertext")])
def test_columns_swapped_between_versions_are_detected(
    sealer: Sealer, sealed: Sealed, columns: tuple[str, ...]
) -> None:
    """The data key of one version does not open the value of another of the same secret."""
    other = sealer.seal(
        SecretValue(string="other"), context=replace(_CONTEXT, version_id="another version")
    )
    theirs: dict[str, Any] = {column: getattr(other, column) for column in columns}
    swapped = replace(sealed, **theirs)
    _assert_refused(sealer, swapped, context=_CONTEXT)


def test_an_unknown_key_id_is_named_with_secret_and_version(sealer: Sealer, sealed: Sealed) -> None:
    """A row whose sealing key the keyring does not have says which secret, version and key."""
    with pytest.raises(KeyUnavailable) as refused:
        sealer.open(replace(sealed, key_id="unknown"), context=_CONTEXT)
    message = str(refused.value)
    assert _CONTEXT.secret_arn in message
    assert _CONTEXT.version_id in message
    assert "no sealing key unknown" in message


def test_another_sealing_key_needs_no_opening(
    sealed: Sealed, keyring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rewrapping changes key id and wrapped key alone, decrypts no value, and the value opens as before."""
    active = json.loads(keyring.read_text())["active"]
    sealer = _with_another_key(keyring)
    decrypted: list[bytes] = []
    decrypt = aead.decrypt

    def recording(key: bytes, *, nonce: bytes, ciphertext: bytes, bound: bytes) -> bytes:
        decrypted.append(ciphertext)
        return decrypt(key, nonce=nonce, ciphertext=ciphertext, bound=bound)

    monkeypatch.setattr(aead, "decrypt", recording)
    after = sealer.rewrap(sealed, context=_CONTEXT, key="another")
    assert sealed.ciphertext not in decrypted
    assert after.key_id == "another" != sealed.key_id == active
    changed = {"key_id": after.key_id, "wrapped_key": after.wrapped_key}
    assert after == replace(sealed, **changed)  # type: ignore[arg-type]
    assert sealer.open(after, context=_CONTEXT) == SecretValue(string=_PASSWORD)


def test_a_value_of_the_first_release_opens_and_keeps_its_binding(keyring: Path) -> None:
    """What was bound to the id of its sealing key opens under that key and, rewrapped, under another."""
    sealer = _with_another_key(keyring)
    key_id = sealer.provider.active_key_id
    place = (_CONTEXT.account, _CONTEXT.region, _CONTEXT.secret_arn, _CONTEXT.version_id)
    fields = [b"rotator:value:1", *(part.encode() for part in (*place, key_id, "string"))]
    bound, data_key = aead.encode(*fields), aead.new_key()
    nonce, ciphertext = aead.encrypt(data_key, _PASSWORD.encode(), bound=bound)
    old = Sealed(
        key_id=key_id,
        bound_key_id=key_id,
        wrapped_key=sealer.provider.wrap(data_key, key_id=key_id, context=bound),
        nonce=nonce,
        ciphertext=ciphertext,
        binary=False,
    )
    assert sealer.open(old, context=_CONTEXT) == SecretValue(string=_PASSWORD)
    moved = sealer.rewrap(old, context=_CONTEXT, key="another")
    assert (moved.key_id, moved.bound_key_id) == ("another", key_id)
    assert sealer.open(moved, context=_CONTEXT) == SecretValue(string=_PASSWORD)
    for bound_key_id in (None, "another"):
        _assert_refused(sealer, replace(moved, bound_key_id=bound_key_id), context=_CONTEXT)


def test_a_new_value_is_bound_to_no_key(sealer: Sealer, sealed: Sealed) -> None:
    """A binding that was written into the row of a new value is detected."""
    assert sealed.bound_key_id is None
    _assert_refused(sealer, replace(sealed, bound_key_id=sealed.key_id), context=_CONTEXT)


def test_a_value_is_sealed_under_the_key_that_is_named(keyring: Path) -> None:
    """The key's name decides; without one it is the active key, and an unknown one is refused with the secret."""
    sealer = _with_another_key(keyring)
    value = SecretValue(string=_PASSWORD)
    assert sealer.seal(value, context=_CONTEXT, key="another").key_id == "another"
    active = sealer.provider.active_key_id
    assert sealer.seal(value, context=_CONTEXT).key_id == active
    with pytest.raises(KeyUnavailable, match="no sealing key missing") as refused:
        sealer.seal(value, context=_CONTEXT, key="missing")
    assert _CONTEXT.secret_arn in str(refused.value)


def _with_another_key(keyring: Path) -> Sealer:
    add_key(keyring, "another")
    return Sealer(FileKeyProvider(keyring))


def test_text_that_is_no_unicode_is_refused_unquoted(sealer: Sealer) -> None:
    """A lone surrogate is refused, and neither the message nor its causes quote the value."""
    with pytest.raises(InvalidParameter) as refused:
        sealer.seal(SecretValue(string=_PASSWORD + "\ud800"), context=_CONTEXT)
    assert refused.value.__suppress_context__
    assert _PASSWORD not in str(refused.value)


_FIELDS = st.lists(st.binary(max_size=6), max_size=5)


@given(_FIELDS, _FIELDS)
def test_the_encoding_of_the_associated_data_is_injective(
    left: list[bytes], right: list[bytes]
) -> None:
    """Two lists of fields give the same bytes only where they are the same."""
    assert (aead.encode(*left) == aead.encode(*right)) == (left == right)


def _assert_refused(sealer: Sealer, sealed: Sealed, *, context: SealContext) -> None:
    with pytest.raises(DecryptionFailure) as refused:
        sealer.open(sealed, context=context)
    message = str(refused.value)
    assert context.secret_arn in message
    assert context.version_id in message
    assert "backup" in message
    assert _PASSWORD not in message

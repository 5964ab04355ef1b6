"""Sealing keys from the environment."""

import base64
from pathlib import Path

import pytest

from rotator.crypto.env_keys import EnvKeyProvider
from rotator.errors import InvalidRequest, KeyUnavailable
from rotator.sdk import KeyProviderSettings

_ONE, _TWO = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))


def test_the_first_key_is_active_and_each_unwraps() -> None:
    """Keys are separated by commas, with spaces around them or not."""
    provider = EnvKeyProvider(f" one:{_ONE}, two:{_TWO}\n")
    assert provider.active_key_id == provider.resolve(None) == "one"
    wrapped = provider.wrap(bytes(32), key_id="two", context=b"")
    assert EnvKeyProvider(f"two:{_TWO}").unwrap(wrapped, key_id="two", context=b"") == bytes(32)


@pytest.mark.parametrize(
    "text",
    [
        "one",
        f":{_ONE}",
        f"one:{_ONE},",
        f"one:{_ONE},one:{_TWO}",
        f"one {_ONE}",
        f"alias/a:{_ONE}",
        "one:" + base64.b64encode(b"short").decode(),
        f"one:{_ONE}x",
        "one:§",
    ],
)
def test_malformed_keys_are_refused_unquoted(text: str) -> None:
    """The message names the entry by its number alone: what stands there may be a key."""
    with pytest.raises(KeyUnavailable, match=r"entry [12] is malformed") as refused:
        EnvKeyProvider(text)
    message = str(refused.value)
    assert _ONE not in message
    assert "openssl rand -base64 32" in message
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_keys_that_are_missing_are_asked_for() -> None:
    """Without keys both places that may hold them are named."""
    with pytest.raises(KeyUnavailable, match=r"keys\.sealing_keys .* ROTATOR_SEALING_KEYS"):
        EnvKeyProvider.from_settings(KeyProviderSettings(keyring=Path("unused")))


def test_the_environment_is_read_only() -> None:
    """A change is refused with what to do instead."""
    provider = EnvKeyProvider(f"one:{_ONE}")
    with pytest.raises(InvalidRequest, match="put ID:KEY in front"):
        provider.change_or_make(lambda _: provider.keyring)


def test_neither_provider_nor_settings_show_a_key() -> None:
    """No repr holds a key, in base64 or as bytes."""
    settings = KeyProviderSettings(keyring=Path("unused"), sealing_keys=f"one:{_ONE}", options=_TWO)
    shown = repr(settings) + repr(EnvKeyProvider.from_settings(settings).keyring)
    for secret in (_ONE, _TWO, repr(bytes([1]) * 32)):
        assert secret not in shown

"""Key providers are found by their entry points, those of other distributions too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rotator.crypto.env_keys import EnvKeyProvider
from rotator.crypto.envelope import SealContext, Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.crypto.providers import load_provider
from rotator.errors import ConfigurationError
from rotator.sdk import KeyProviderSettings, SecretValue
from tests.support import plugins

_OPTIONS = "token-of-the-vault"


@pytest.fixture(autouse=True)
def _installed() -> Iterator[None]:
    with plugins.installed():
        yield


def _settings(keyring: Path, **more: str) -> KeyProviderSettings:
    return KeyProviderSettings(keyring=keyring, options=_OPTIONS, **more)


def test_the_house_s_own_go_first(keyring: Path) -> None:
    """Another distribution brings a provider `file` too, and is not asked."""
    provider = load_provider("file", _settings(keyring))
    assert isinstance(provider, FileKeyProvider)
    assert provider.resolve(None)
    text = "a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert isinstance(load_provider("env", _settings(keyring, sealing_keys=text)), EnvKeyProvider)


def test_a_provider_of_another_distribution_seals_and_rewraps(keyring: Path) -> None:
    """It gets its options, and needs no more than the protocol's four members."""
    provider = load_provider("vault", _settings(keyring))
    assert vars(provider) == {"options": _OPTIONS}
    sealer = Sealer(provider)
    place = SealContext(account="1", region="r", secret_arn="arn", version_id="v")
    value = SecretValue(string="value")
    sealed = sealer.seal(value, context=place, key="v1")
    moved = sealer.rewrap(sealed, context=place, key=None)
    assert (sealed.key_id, moved.key_id) == ("v1", "v2")
    assert sealer.open(moved, context=place) == value


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("half", "lacks resolve, wrap, unwrap"),
        ("failing", "failed with RuntimeError"),
        ("missing", "failed with AttributeError"),
        ("absent", "No module named 'rotator_test_no_such_module'"),
        (
            "nowhere",
            "there is no key provider nowhere. Installed: absent, aws-kms, env, failing, file",
        ),
    ],
)
def test_a_provider_that_can_t_be_used_is_told(keyring: Path, name: str, told: str) -> None:
    """The setting, the package and the reason are named, and nothing that may be secret."""
    with pytest.raises(ConfigurationError) as refused:
        load_provider(name, _settings(keyring))
    message = str(refused.value)
    assert message.startswith("keys.provider: ")
    assert told in message
    assert _OPTIONS not in message
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    if name != "nowhere":
        assert "rotator-test-plugins 1.0" in message

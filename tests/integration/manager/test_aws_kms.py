"""The key provider aws-kms, over HTTP against a server that speaks the API of AWS KMS."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rotator.access import sessions
from rotator.crypto.aws_kms import AwsKmsProvider
from rotator.crypto.envelope import SealContext, Sealer
from rotator.crypto.providers import load_provider
from rotator.errors import (
    ConfigurationError,
    DecryptionFailure,
    InvalidParameter,
    KeyClosed,
    KeyUnavailable,
    SealingRefused,
    UnrecognizedClient,
)
from rotator.manager.manager import SecretsManager
from rotator.sdk import KeyProviderSettings, SecretValue
from rotator.store.sealing import verify_sealing_key
from rotator.store.store import Store
from rotator.testing.ports import free_port
from tests.support.command import RotateCommand
from tests.support.kms_server import CREDENTIALS, KmsServer, running_kms
from tests.support.manager import ME, token, value
from tests.support.store import only_sqlite

PLACE = SealContext(account="1", region="r", secret_arn="arn", version_id="v")
VALUE = SecretValue(string="value")


@pytest.fixture(scope="module")
def kms() -> Iterator[KmsServer]:
    with running_kms() as server:
        yield server


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in CREDENTIALS.items():
        monkeypatch.setenv(name, text)


def _provider(options: str) -> AwsKmsProvider:
    provider = load_provider(
        "aws-kms", KeyProviderSettings(keyring=Path("unused"), options=options)
    )
    assert isinstance(provider, AwsKmsProvider)
    return provider


def test_a_session_token_under_another_key_of_kms_is_nobodys(kms: KmsServer) -> None:
    """Somebody may have a key of their own that this server may use: what is sealed under it says nothing."""
    kms.new_key(alias="alias/of-the-store")
    kms.new_key(alias="alias/of-an-attacker")
    ours = Sealer(_provider(kms.options("alias/of-the-store")))
    theirs = Sealer(_provider(kms.options("alias/of-an-attacker")))
    expires = datetime.now(UTC) + timedelta(hours=1)
    made = sessions.issue(ours, "AIDAALICE", expires=expires)
    forged = sessions.issue(theirs, "AIDAALICE", expires=expires)
    assert made.session_token
    assert forged.session_token
    assert sessions.read(ours, made.access_key_id, made.session_token).user_id == "AIDAALICE"
    with pytest.raises(UnrecognizedClient):
        sessions.read(ours, forged.access_key_id, forged.session_token)


def test_a_value_opens_in_its_own_place_alone(kms: KmsServer) -> None:
    """A wrapped data key that was moved to another place, or altered, is refused by KMS itself."""
    arn = kms.new_key(alias="alias/own-place")
    sealer = Sealer(_provider(kms.options("alias/own-place")))
    sealed = sealer.seal(VALUE, context=PLACE)
    assert sealed.key_id == arn
    assert sealer.open(sealed, context=PLACE) == VALUE
    for altered, context in (
        (sealed, replace(PLACE, version_id="w")),
        (replace(sealed, wrapped_key=sealed.wrapped_key[:-1] + b"?"), PLACE),
    ):
        with pytest.raises(DecryptionFailure):
            sealer.open(altered, context=context)


def test_keys_are_named_by_id_alias_and_arn(kms: KmsServer) -> None:
    """All of them mean the same key, and the default key's own names the one of the options."""
    arn = kms.new_key(alias="alias/named")
    provider = _provider(kms.options(arn))
    key_id = arn.rpartition("/")[2]
    alias_arn = arn.rpartition(":")[0] + ":alias/named"
    for name in (None, "alias/aws/secretsmanager", arn, key_id, "alias/named", alias_arn):
        assert provider.resolve(name) == arn, name


def test_a_key_of_another_account_is_used_only_where_it_is_listed(kms: KmsServer) -> None:
    """Who can write the store could seal under a key of their own that they let everybody use."""
    account = "999999999999"
    theirs = kms.new_key(alias="alias/theirs", account=account)
    for ours in (kms.new_key(), kms.new_key(alias="alias/ours") and "alias/ours"):
        trusting = _provider(kms.options(ours, accounts=[account]))
        assert trusting.resolve(theirs) == theirs
        wrapped = trusting.wrap(bytes(32), key_id=theirs, context=b"place")
        assert trusting.unwrap(wrapped, key_id=theirs, context=b"place") == bytes(32)
        provider = _provider(kms.options(ours))
        assert provider.wrap(bytes(32), key_id=provider.active_key_id, context=b"place")
        alias = theirs.rpartition(":")[0] + ":alias/theirs"
        for use in (
            lambda: provider.resolve(theirs),  # noqa: B023
            lambda: provider.resolve(alias),  # noqa: B023
            lambda: provider.wrap(bytes(32), key_id=theirs, context=b"place"),  # noqa: B023
            lambda: provider.unwrap(wrapped, key_id=theirs, context=b"place"),  # noqa: B023
            lambda: provider.unwrap(wrapped, key_id="alias/theirs", context=b"place"),  # noqa: B023
        ):
            with pytest.raises(KeyClosed, match="is not in the account"):
                use()


def test_each_failure_says_what_to_do(kms: KmsServer) -> None:
    """What stays so until somebody changes it is told from what may pass; no message has a key in it."""
    arn = kms.new_key()
    provider = _provider(kms.options(arn))
    wrapped = provider.wrap(bytes(32), key_id=arn, context=b"place")
    kms.disable(arn)
    for use in (
        lambda: provider.resolve(None),
        lambda: provider.wrap(bytes(32), key_id=arn, context=b"place"),
        lambda: provider.unwrap(wrapped, key_id=arn, context=b"place"),
    ):
        with pytest.raises(KeyClosed, match="aws kms enable-key"):
            use()
    with pytest.raises(KeyClosed, match="has no key"):
        provider.resolve("alias/nowhere")
    away = f'{{"key": "alias/a", "region": "r", "endpoint": "http://127.0.0.1:{free_port("127.0.0.1")}"}}'
    with pytest.raises(KeyUnavailable, match="can't be asked") as unreachable:
        _provider(away).resolve(None)
    assert not isinstance(unreachable.value, KeyClosed)
    with pytest.raises(KeyUnavailable, match=r"Check keys\.options"):
        _provider('{"key": "alias/a", "region": "r", "endpoint": "no URL"}').resolve(None)
    for options in (
        "",
        "{}",
        '{"key": ""}',
        '{"key": 5}',
        '{"key": "a", "more": "b"}',
        "[]",
        '{"key": "a", "accounts": 5}',
        '{"key": "a", "accounts": [null]}',
        '{"key": "a", "accounts": ["1"]}',
        '{"key": "a", "accounts": "111122223333"}',
    ):
        with pytest.raises(ConfigurationError, match="aws-kms"):
            _provider(options)


def test_a_region_that_nobody_names_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the options nor AWS's own configuration says it."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(KeyUnavailable, match="region"):
        _provider('{"key": "alias/a"}').resolve(None)


def test_secrets_have_keys_of_their_own(store: Store, kms: KmsServer) -> None:
    """KmsKeyId by alias; UpdateSecret reseals; a closed key closes its secrets with the service's codes."""
    default, payments = kms.new_key(), kms.new_key(alias=f"alias/{store.dialect}-payments")
    sealer = Sealer(_provider(kms.options(default)))
    verify_sealing_key(store, sealer)
    manager = SecretsManager(store, sealer)
    manager.create_secret(**ME, name="own", value=value("one"), kms_key_id=payments)
    manager.create_secret(**ME, name="usual", value=value("two"), client_request_token=token(1))
    kms.disable(payments)
    with pytest.raises(KeyClosed, match="can't be opened") as closed:
        manager.get_secret_value(**ME, secret_id="own")
    assert closed.value.code == "DecryptionFailure"
    with pytest.raises(SealingRefused) as refused:
        manager.put_secret_value(**ME, secret_id="own", value=value("three"))
    assert refused.value.code == "EncryptionFailure"
    with pytest.raises(InvalidParameter):
        manager.update_secret(**ME, secret_id="usual", kms_key_id=payments)
    batch = manager.batch_get_secret_value(**ME, secret_ids=["own", "usual"])
    assert [error.code for error in batch.errors] == ["DecryptionFailure"]
    assert [one.value for one in batch.values] == [value("two")]
    kms.enable(payments)
    manager.update_secret(**ME, secret_id="usual", kms_key_id=f"alias/{store.dialect}-payments")
    assert {key.key_id: key.versions for key in manager.list_keys(**ME)} == {
        default: 0,
        payments: 2,
    }
    manager.update_secret(**ME, secret_id="usual", kms_key_id="")
    later = SecretsManager(store, Sealer(_provider(kms.options(kms.new_key()))))
    assert later.rewrap_keys(**ME).moved == 1
    kms.disable(default)
    assert later.get_secret_value(**ME, secret_id="usual").value == value("two")


@only_sqlite
def test_a_home_whose_keys_are_in_kms(store_engine: str, tmp_path: Path, kms: KmsServer) -> None:
    """`rotate init` makes no keyring, secrets are stored and read, and another key takes over by rewrapping."""
    assert store_engine == "sqlite"
    environment = {**CREDENTIALS, "ROTATOR_KEYS_PROVIDER": "aws-kms"}
    arn, other = kms.new_key(), kms.new_key()
    rotate = RotateCommand(
        home=tmp_path / "home",
        environment={**environment, "ROTATOR_KEYS_OPTIONS": kms.options(arn)},
    )
    rotate.ok("init")
    assert not (tmp_path / "home" / "keyring.json").exists()
    rotate.ok("secret", "create", "app", value="the value")
    kms.disable(arn)
    closed = rotate("secret", "get", "app", "--reveal")
    assert (closed.code, "enable-key" in closed.err) == (8, True)
    kms.enable(arn)
    moved = RotateCommand(
        home=tmp_path / "home",
        environment={**environment, "ROTATOR_KEYS_OPTIONS": kms.options(other)},
    )
    assert moved.json("key", "rewrap")["rewrapped"]["moved"] == 1
    kms.disable(arn)
    assert moved.ok("secret", "get", "app", "--reveal").out == "the value\n"

"""The key provider `aws-kms`: data keys are wrapped by AWS Key Management Service, whose keys never leave it."""

import hashlib
import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from rotator.errors import ConfigurationError, DecryptionFailure, KeyClosed, KeyUnavailable
from rotator.sdk import KeyProviderSettings, key_in

_CONNECT, _READ, _ATTEMPTS = 3, 5, 3  # seconds, seconds, attempts: a read of a secret waits for it
_BOUND_TO = "rotator"
_FORM = (
    '{"key": "alias/rotator", "region": "eu-central-1"}, also with "endpoint" (a URL), "profile" and "accounts" '
    "(a list: whose keys may be used besides those of the key's own account)"
)

_ACCOUNT = re.compile(r"[0-9]{12}")
_DISABLED = frozenset({"DisabledException", "KMSInvalidStateException"})
_FORBIDDEN = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_MISSING = frozenset({"NotFoundException", "InvalidArnException"})
_ALTERED = frozenset({"IncorrectKeyException", "InvalidCiphertextException"})


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsOptions:
    """What the setting `keys.options` says.

    Attributes:
        key: the default key: an id, `alias/NAME`, or the ARN of one of them.
        region: None for the one that boto3 finds in the environment or the profile.
        endpoint: of another server than AWS's, such as an interface endpoint; None for AWS's own.
        profile: in AWS's configuration files, whose credentials are used; None for the usual search for credentials.
        accounts: whose keys may be used besides those of the account that the default key is in.
    """

    key: str
    region: str | None = None
    endpoint: str | None = None
    profile: str | None = None
    accounts: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """The options in a text.

        Raises:
            ConfigurationError: it is none.
        """
        try:
            given = json.loads(text or "")
            options = cls(**given | {"accounts": tuple(given.get("accounts", ()))})
        except (TypeError, ValueError, AttributeError):
            options = None
        if options is None or not _is_usable(options):
            raise ConfigurationError(
                f"keys.provider is aws-kms, so keys.options says which key to use. Write JSON: {_FORM}"
            )
        return options


class AwsKmsProvider:
    """Wraps and unwraps data keys by Encrypt and Decrypt, bound to their place by the encryption context.

    Keys of other accounts than the default key's are used only where the options name the account. Anyone may let
    anyone use a key of their own, so whoever can write the store could seal values under one, or have values sealed
    that its owner can open.

    Source: https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html. Ids of keys are their ARNs.
    """

    def __init__(self, options: KmsOptions) -> None:
        self._options = options
        self._made: Any = None
        self._making = threading.Lock()
        self._own_account = _account_in(options.key)

    @classmethod
    def from_settings(cls, settings: KeyProviderSettings) -> Self:
        """The entry point.

        Raises:
            ConfigurationError: the setting `keys.options` can't be used.
        """
        return cls(KmsOptions.parse(settings.options))

    @property
    def active_key_id(self) -> str:
        """See `KeyProvider`."""
        return self.resolve(None)

    def resolve(self, name: str | None) -> str:
        """See `KeyProvider`. An ARN may name a key of another region, or of another account that the options name."""
        asked = self._options.key if name is None or key_in(name) is None else name
        if _account_in(asked) is not None:
            self._require_trusted(asked)
        found = self._described(asked)
        if not found["Enabled"]:
            raise _disabled(asked, found["KeyState"])
        arn: str = found["Arn"]
        return arn

    def wrap(self, data_key: bytes, *, key_id: str, context: bytes) -> bytes:
        """See `KeyProvider`."""
        self._require_trusted(key_id)
        with _explained(key_id, action="kms:Encrypt"):
            answer = self._client().encrypt(
                KeyId=key_id, Plaintext=data_key, EncryptionContext=_bound(context)
            )
        wrapped: bytes = answer["CiphertextBlob"]
        return wrapped

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        """See `KeyProvider`."""
        self._require_trusted(key_id)
        with _explained(key_id, action="kms:Decrypt"):
            answer = self._client().decrypt(
                KeyId=key_id, CiphertextBlob=wrapped, EncryptionContext=_bound(context)
            )
        data_key: bytes = answer["Plaintext"]
        return data_key

    def _require_trusted(self, arn: str) -> None:
        account = _account_in(arn)
        if account in self._options.accounts:
            return
        if self._own_account is None:
            self._own_account = _account_in(self._described(self._options.key)["Arn"])
        if account is None or account != self._own_account:
            raise KeyClosed(
                f"the AWS KMS key {arn} is not in the account of this store's keys ({self._own_account}), and was not "
                "asked. Where its owner may be trusted with the values, name the account in keys.options: "
                f'"accounts": ["{account}"]'
            )

    def _described(self, key: str) -> Mapping[str, Any]:
        with _explained(key, action="kms:DescribeKey"):
            found: Mapping[str, Any] = self._client().describe_key(KeyId=key)["KeyMetadata"]
        return found

    def _client(self) -> Any:
        """The client, which threads share; it is made when it is first needed, since boto3 takes long to import."""
        with self._making:
            if self._made is None:
                self._made = self._connected()
            return self._made

    def _connected(self) -> Any:
        try:
            import boto3
            from botocore.config import Config
        except ImportError:
            raise ConfigurationError(
                "keys.provider is aws-kms, which needs boto3. Install it: pip install 'rotator-engine[aws]'"
            ) from None
        session = boto3.session.Session(
            profile_name=self._options.profile, region_name=self._options.region
        )
        patience = Config(
            connect_timeout=_CONNECT,
            read_timeout=_READ,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )
        return session.client("kms", endpoint_url=self._options.endpoint, config=patience)


def _account_in(arn: str) -> str | None:
    """Whose a key or alias is; None where that is no ARN."""
    fields = arn.split(":", 5)
    return fields[4] if len(fields) == 6 and fields[0] == "arn" and fields[2] == "kms" else None


def _bound(context: bytes) -> Mapping[str, str]:
    """An encryption context: it takes texts, and AWS logs it."""
    return {_BOUND_TO: hashlib.sha256(context).hexdigest()}


@contextmanager
def _explained(key: str, *, action: str) -> Iterator[None]:
    """Errors of boto3 as those of a key provider, each with what to do."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise _of_service(error.response.get("Error", {}), key=key, action=action) from None
    except (BotoCoreError, ValueError) as error:  # it is ValueError for an endpoint that is no URL
        raise KeyUnavailable(
            f"AWS KMS can't be asked for the key {key}: {error} Check keys.options (region, endpoint, profile), AWS's "
            "credentials and the network."
        ) from None


def _of_service(
    error: Mapping[str, str], *, key: str, action: str
) -> KeyUnavailable | DecryptionFailure:
    code, message = error.get("Code", "?"), error.get("Message", "")
    if code in _ALTERED:
        return DecryptionFailure("the wrapped key, or what it is bound to, was altered")
    if code in _DISABLED:
        return _disabled(key, code)
    if code in _MISSING:
        return KeyClosed(
            f"AWS KMS has no key {key} here. Check its name, and the region and account of keys.options."
        )
    if code in _FORBIDDEN:
        return KeyClosed(
            f"AWS KMS refused {action} on the key {key} ({code}). Let the credentials in use do that: in the key's "
            "policy, or in their own."
        )
    return KeyUnavailable(f"AWS KMS did not answer for the key {key}: {code}: {message} Try again.")


def _disabled(key: str, state: str) -> KeyClosed:
    return KeyClosed(
        f"the AWS KMS key {key} can't be used ({state}): it is disabled, or about to be deleted. Enable it in AWS: "
        f"aws kms enable-key --key-id {key}, after aws kms cancel-key-deletion where it is about to be deleted"
    )


def _is_usable(options: KmsOptions) -> bool:
    texts: tuple[object, ...] = (options.key, options.region, options.endpoint, options.profile)
    accounts: tuple[object, ...] = options.accounts
    return (
        bool(options.key)
        and all(text is None or isinstance(text, str) for text in texts)
        and all(isinstance(one, str) and _ACCOUNT.fullmatch(one) for one in accounts)
    )

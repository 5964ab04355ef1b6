"""Secrets on their way out of a store or into one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from rotator.errors import InvalidParameter
from rotator.manager import limits
from rotator.manager.checks import check_tags, checked_key, checked_token, checked_value
from rotator.model.labels import CURRENT, MAX_LABELS
from rotator.model.names import check_name
from rotator.sdk import KeyProvider, SecretValue


@dataclass(frozen=True, slots=True, kw_only=True)
class PortableVersion:
    """A version with its value.

    Attributes:
        version_id: None where it gets a new one.
        stages: its staging labels.
    """

    value: SecretValue
    version_id: str | None = None
    stages: tuple[str, ...] = (CURRENT,)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortableSecret:
    """A secret without what binds it to a store: its ARN, its dates, its rotation.

    Attributes:
        description: None where nothing is said of it.
        kms_key_id: the sealing key as its owner named it, None for the default one.
        versions: oldest first; none for a secret without a value.
    """

    name: str
    description: str | None = None
    kms_key_id: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[PortableVersion, ...] = ()

    @property
    def current(self) -> SecretValue | None:
        """The value that AWSCURRENT is on."""
        return next((v.value for v in self.versions if CURRENT in v.stages), None)


def check_portable(secret: PortableSecret, provider: KeyProvider) -> None:
    """Nothing, where a store can take the secret as it is.

    Args:
        provider: has the sealing key that the secret names.

    Raises:
        InvalidParameter, InvalidRequest, ValidationError: what is wrong with it, without any value.
        KeyUnavailable: the provider has no keys to give.
    """
    check_name(secret.name)
    limits.check("CreateSecret", Description=secret.description, KmsKeyId=secret.kms_key_id)
    checked_key(provider, secret.kms_key_id)
    check_tags(secret.tags)
    for version in secret.versions:
        checked_token(version.version_id)
        checked_value(version.value)
        if version.stages:
            limits.check("PutSecretValue", VersionStages=version.stages)
    _check_labels(secret.versions)


def _check_labels(versions: tuple[PortableVersion, ...]) -> None:
    stages = [stage for version in versions for stage in version.stages]
    ids = [version.version_id for version in versions if version.version_id is not None]
    if len(set(ids)) < len(ids):
        raise InvalidParameter("Two of its versions have the same id.")
    if len(set(stages)) < len(stages):
        raise InvalidParameter("A staging label is on two of its versions.")
    if len(stages) > MAX_LABELS:
        raise InvalidParameter(f"Its versions have more than {MAX_LABELS} staging labels.")
    if versions and CURRENT not in stages:
        raise InvalidParameter(f"None of its versions has the staging label {CURRENT}.")

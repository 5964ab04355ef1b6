"""What the operations answer: frozen, complete, without any rendering."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rotator.manager.settings import RotationSettings
from rotator.model.replication import ReplicaStatus
from rotator.sdk import SecretValue


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretName:
    """The secret that an operation was done to."""

    arn: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Untagged:
    """What UntagResource did.

    Attributes:
        removed: the keys of the tags that the secret had, sorted.
    """

    arn: str
    name: str
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaDescription:
    """One replica of a secret.

    Attributes:
        kms_key_id: None for the default key.
        message: why it is in this status.
        accessed_on: midnight UTC of the day of the last read there, None before the first.
    """

    region: str
    kms_key_id: str | None
    status: ReplicaStatus
    message: str
    accessed_on: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replication:
    """Where a secret is replicated to, in the order of the regions."""

    arn: str
    name: str
    regions: tuple[ReplicaDescription, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """What CreateSecret, PutSecretValue and UpdateSecret answer.

    Attributes:
        version_id: None where no value was given.
        stages: the labels that are now on the version.
        replication: where CreateSecret was asked to replicate the secret to.
    """

    arn: str
    name: str
    version_id: str | None
    stages: tuple[str, ...] = ()
    replication: tuple[ReplicaDescription, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretValueResult:
    """A value, with where it came from."""

    arn: str
    name: str
    version_id: str
    value: SecretValue
    stages: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemError:
    """Why one secret of a batch has no value in the answer.

    Attributes:
        secret_id: as it was given; the ARN of one that a filter found.
        code: the error's code in the API.
    """

    secret_id: str
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchValues:
    """What BatchGetSecretValue answers.

    Attributes:
        next_cursor: None where secrets were named, and on the last page of those that a filter finds.
    """

    values: tuple[SecretValueResult, ...]
    errors: tuple[ItemError, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delayed:
    """A read that waits for the read barrier.

    Attributes:
        seconds: until the barrier falls at the latest.
        row: the row id of the secret, to ask for its barrier by.
    """

    seconds: float
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretDescription:
    """All about a secret but its value.

    Attributes:
        kms_key_id: None for the default key.
        accessed_on: midnight UTC of the day of the last read, None before the first.
        deleted_at: when it was marked for deletion.
        purge_at: when it may be removed for good.
        tags: None where it was never tagged; empty where its tags were all taken off.
        versions: version id → its labels, for the versions that carry one.
        rotation: None where rotation was never configured.
        primary_region: where the primary is, of a secret with replicas and of a replica; else None.
        replication: the replicas, the same wherever one looks.
    """

    arn: str
    name: str
    description: str | None
    kms_key_id: str | None
    created_at: datetime
    changed_at: datetime
    accessed_on: datetime | None
    deleted_at: datetime | None
    purge_at: datetime | None
    tags: Mapping[str, str] | None = None
    versions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rotation: RotationSettings | None = None
    primary_region: str | None = None
    replication: tuple[ReplicaDescription, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPage:
    """Some of the secrets; `next_cursor` is None on the last page."""

    secrets: tuple[SecretDescription, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDescription:
    """All about a version but its value.

    Attributes:
        stages: empty for a deprecated version.
        pinned: kept until a probe settles whether its target accepts it.
    """

    version_id: str
    created_at: datetime
    accessed_on: datetime | None
    stages: tuple[str, ...]
    pinned: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPage:
    """Some of a secret's versions.

    Attributes:
        kms_key_id: of the secret, None for the default key.
        next_cursor: None on the last page.
    """

    arn: str
    name: str
    kms_key_id: str | None
    versions: tuple[VersionDescription, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """A secret that is gone, or will be.

    Attributes:
        deletion_date: when it may be removed for good.
    """

    arn: str
    name: str
    deletion_date: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePolicy:
    """The resource policy of a secret.

    Attributes:
        policy: its JSON text as it was given, None where the secret has none.
    """

    arn: str
    name: str
    policy: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyProblem:
    """What one check of a resource policy found."""

    check: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyValidation:
    """What the checks of a resource policy found; nothing where it may be put on a secret."""

    problems: tuple[PolicyProblem, ...]

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelledRotation:
    """A secret that rotates no more.

    Attributes:
        version_id: the version that a rotation left unfinished, still labelled AWSPENDING.
    """

    arn: str
    name: str
    version_id: str | None

"""A secrets manager in memory, written from AWS's own words beside the real one, slow and simple.

It keeps a set of labels for each version, as the API's answers do, and asks every secret about everything. It imports
nothing of what it is compared with.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NoReturn

Value = str | bytes
Answer = dict[str, Any]

CURRENT, PENDING, PREVIOUS = "AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"
MOST_LABELS = 20
MOST_TAGS = 50
WORD = re.compile(r"[a-z0-9]+")


class Refused(Exception):
    """What an operation refuses with: the error's class by name, and its text."""

    def __init__(self, error: str, text: str) -> None:
        super().__init__(error, text)
        self.error = error
        self.text = text


@dataclass
class NaiveVersion:
    token: str
    value: Value
    made: datetime
    labels: set[str] = field(default_factory=set)
    read_on: datetime | None = None


@dataclass
class NaiveSecret:
    name: str
    arn: str
    made: datetime
    changed: datetime
    description: str | None = None
    tags: dict[str, str] | None = None
    policy: str | None = None
    versions: list[NaiveVersion] = field(default_factory=list)
    read_on: datetime | None = None
    marked: datetime | None = None
    ends: datetime | None = None
    rotator: str | None = None
    rotates: bool = False

    def version(self, token: str) -> NaiveVersion | None:
        return next((v for v in self.versions if v.token == token), None)

    def at(self, label: str) -> NaiveVersion | None:
        holders = [v for v in self.versions if label in v.labels]
        assert len(holders) <= 1
        return holders[0] if holders else None

    def count_labels(self) -> int:
        return sum(len(v.labels) for v in self.versions)

    def attach(self, label: str, version: NaiveVersion) -> None:
        self.detach(label)
        version.labels.add(label)

    def detach(self, label: str) -> None:
        for version in self.versions:
            version.labels.discard(label)

    def make_current(self, version: NaiveVersion) -> None:
        """AWS: "automatically moves AWSPREVIOUS to the version that AWSCURRENT was removed from"."""
        left = self.at(CURRENT)
        if left is version:
            return
        self.attach(CURRENT, version)
        self.detach(PREVIOUS)
        if left is not None:
            self.attach(PREVIOUS, left)

    def relabelled(self, change: Callable[[], None]) -> None:
        """Does what `change` does to the labels, unless there would be too many: then nothing."""
        before = [(version, set(version.labels)) for version in self.versions]
        count = self.count_labels()
        change()
        if self.count_labels() > max(MOST_LABELS, count):
            for version, labels in before:
                version.labels = labels
            raise Refused(
                "LimitExceeded",
                "You can't attach more than 20 staging labels to the versions of a secret. Remove a label that is no "
                "longer used first.",
            )


def not_found() -> NoReturn:
    raise Refused("ResourceNotFound", "Secrets Manager can't find the specified secret.")


def no_value(what: str) -> NoReturn:
    raise Refused(
        "ResourceNotFound",
        f"Secrets Manager can't find the specified secret value for {what}",
    )


class NaiveManager:
    """Every operation on the secrets of one account and region.

    Attributes:
        now: the time of the next operation.
        suffix: the six characters of the next ARN.
        fresh: the token for an operation that is given none.
    """

    def __init__(self, *, account: str, region: str, kept: int) -> None:
        self.prefix = f"arn:aws:secretsmanager:{region}:{account}:secret:"
        self.kept = kept
        self.secrets: list[NaiveSecret] = []
        self.now = datetime(2026, 3, 3, 17, 20, tzinfo=UTC)
        self.suffix = ""
        self.fresh = ""

    # Finding.

    def _named(self, secret: NaiveSecret, secret_id: str) -> bool:
        if not secret_id.startswith("arn:"):
            return secret.name == secret_id
        if re.search("-[A-Za-z0-9]{6}$", secret_id):
            return secret.arn == secret_id
        return secret_id == self.prefix + secret.name

    def _find(self, secret_id: str) -> NaiveSecret:
        for secret in self.secrets:
            if self._named(secret, secret_id):
                return secret
        not_found()

    def _usable(self, secret_id: str) -> NaiveSecret:
        secret = self._find(secret_id)
        if secret.marked is not None:
            raise Refused(
                "MarkedForDeletion",
                "You can't perform this operation on the secret because it was marked for deletion.",
            )
        return secret

    def _today(self) -> datetime:
        return self.now.replace(hour=0, minute=0, second=0, microsecond=0)

    # Values and labels.

    def create_secret(
        self,
        *,
        name: str,
        value: Value | None,
        client_request_token: str | None,
        description: str | None,
        tags: Mapping[str, str],
    ) -> Answer:
        token = client_request_token or self.fresh
        for secret in self.secrets:
            if secret.name == name:
                return self._create_again(secret, token, value)
        secret = NaiveSecret(
            name=name,
            arn=f"{self.prefix}{name}-{self.suffix}",
            made=self.now,
            changed=self.now,
            description=description or None,
            tags=dict(tags) or None,
        )
        self.secrets.append(secret)
        if value is None:
            return self._stored(secret, None)
        version = NaiveVersion(token, value, self.now, {CURRENT})
        secret.versions.append(version)
        return self._stored(secret, version)

    def _create_again(self, secret: NaiveSecret, token: str, value: Value | None) -> Answer:
        if secret.marked is not None:
            raise Refused(
                "InvalidRequest",
                "You can't create this secret because a secret with this name is already scheduled for deletion.",
            )
        version = secret.version(token)
        if value is None or version is None:
            raise Refused(
                "ResourceExists",
                f"The operation failed because the secret {secret.name} already exists.",
            )
        return self._same(secret, version, value)

    def _same(self, secret: NaiveSecret, version: NaiveVersion, value: Value) -> Answer:
        if version.value != value:
            raise Refused(
                "ResourceExists",
                f"You can't use ClientRequestToken {version.token} because that value is already in use for a version "
                f"of secret {secret.arn}.",
            )
        return self._stored(secret, version)

    def _stored(self, secret: NaiveSecret, version: NaiveVersion | None) -> Answer:
        return {
            "arn": secret.arn,
            "name": secret.name,
            "version_id": None if version is None else version.token,
            "stages": () if version is None else tuple(sorted(version.labels)),
            "replication": (),
        }

    def put_secret_value(
        self,
        *,
        secret_id: str,
        value: Value,
        client_request_token: str | None,
        version_stages: Sequence[str] | None,
    ) -> Answer:
        secret = self._usable(secret_id)
        return self._put(secret, client_request_token or self.fresh, value, version_stages)

    def _put(
        self, secret: NaiveSecret, token: str, value: Value, stages: Sequence[str] | None
    ) -> Answer:
        there = secret.version(token)
        if there is not None:
            return self._same(secret, there, value)
        version = NaiveVersion(token, value, self.now)
        wanted = {CURRENT} if stages is None else set(stages)

        def label() -> None:
            if secret.rotator is not None:
                secret.detach(PENDING)
            if CURRENT in wanted or secret.at(CURRENT) is None:
                secret.make_current(version)
            for other in wanted - {CURRENT}:
                secret.attach(other, version)

        secret.versions.append(version)
        try:
            secret.relabelled(label)
        except Refused:
            secret.versions.remove(version)
            raise
        self._prune(secret)
        secret.changed = self.now
        return self._stored(secret, version)

    def _prune(self, secret: NaiveSecret) -> None:
        deprecated = [version for version in secret.versions if not version.labels]
        newest_first = sorted(deprecated, key=lambda version: version.made, reverse=True)
        for version in newest_first[self.kept :]:
            if self.now - version.made >= timedelta(hours=24):
                secret.versions.remove(version)

    def update_secret(
        self,
        *,
        secret_id: str,
        value: Value | None,
        client_request_token: str | None,
        description: str | None,
    ) -> Answer:
        secret = self._usable(secret_id)
        answer = self._stored(secret, None)
        if value is not None:
            answer = self._put(secret, client_request_token or self.fresh, value, None)
        if description is not None:
            secret.description = description or None
        if value is None or description is not None:
            secret.changed = self.now
        return answer

    def update_secret_version_stage(
        self,
        *,
        secret_id: str,
        version_stage: str,
        move_to_version_id: str | None,
        remove_from_version_id: str | None,
    ) -> Answer:
        to, source = move_to_version_id, remove_from_version_id
        if to is None and source is None:
            raise Refused(
                "InvalidParameter",
                "You must provide MoveToVersionId, RemoveFromVersionId, or both of them.",
            )
        secret = self._usable(secret_id)
        for token in (to, source):
            if token is not None and secret.version(token) is None:
                no_value(f"VersionId: {token}")
        holder = secret.at(version_stage)
        self._refuse_move(version_stage, holder, to, source)
        if to is None:
            secret.detach(version_stage)
            secret.changed = self.now
        elif holder is None or holder.token != to:
            target = secret.version(to)
            assert target is not None
            move = secret.make_current if version_stage == CURRENT else None
            secret.relabelled(
                lambda: move(target) if move else secret.attach(version_stage, target)
            )
            secret.changed = self.now
        return {"arn": secret.arn, "name": secret.name}

    def _refuse_move(
        self, label: str, holder: NaiveVersion | None, to: str | None, source: str | None
    ) -> None:
        at = None if holder is None else holder.token
        if at is not None and at != to and source is None:
            raise Refused(
                "InvalidParameter",
                f"The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to "
                f"version {at}, so you must explicitly reference that version in RemoveFromVersionId.",
            )
        if source is not None and at != source:
            where = "no version" if at is None else f"version {at}"
            raise Refused(
                "InvalidParameter",
                f"Staging label {label} is not attached to version {source}, which RemoveFromVersionId names. It is "
                f"attached to {where}.",
            )
        if to is None and label == CURRENT:
            raise Refused(
                "InvalidParameter",
                "You can only move staging label AWSCURRENT to a different secret version. It can't be completely "
                "removed.",
            )

    def get_secret_value(
        self, *, secret_id: str, version_id: str | None, version_stage: str | None
    ) -> Answer:
        secret = self._usable(secret_id)
        if version_id is None:
            stage = version_stage or CURRENT
            version = secret.at(stage)
            if version is None:
                no_value(f"staging label: {stage}")
        else:
            version = secret.version(version_id)
            if version is None:
                no_value(f"VersionId: {version_id}")
            if version_stage is not None and version_stage not in version.labels:
                raise Refused(
                    "InvalidRequest",
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                )
        secret.read_on = version.read_on = self._today()
        found = self._stored(secret, version) | {"value": version.value, "made": version.made}
        del found["replication"]
        return found

    # Looking.

    def describe_secret(self, *, secret_id: str) -> Answer:
        return self._described(self._find(secret_id))

    def _described(self, secret: NaiveSecret) -> Answer:
        return {
            "arn": secret.arn,
            "name": secret.name,
            "description": secret.description,
            "made": secret.made,
            "changed": secret.changed,
            "read_on": secret.read_on,
            "marked": secret.marked,
            "ends": secret.ends,
            "tags": secret.tags,
            "versions": {v.token: tuple(sorted(v.labels)) for v in secret.versions if v.labels},
            "rotation": None if secret.rotator is None else (secret.rotator, secret.rotates),
        }

    def list_secret_version_ids(self, *, secret_id: str, include_deprecated: bool) -> list[Answer]:
        secret = self._find(secret_id)
        return [
            {
                "version_id": version.token,
                "made": version.made,
                "read_on": version.read_on,
                "stages": tuple(sorted(version.labels)),
            }
            for version in sorted(secret.versions, key=lambda version: version.made)
            if include_deprecated or version.labels
        ]

    def list_secrets(
        self,
        *,
        filters: Sequence[tuple[str, Sequence[str]]],
        sort_by: str,
        descending: bool,
        include_deleted: bool,
    ) -> list[Answer]:
        orders: dict[str, Callable[[NaiveSecret], Any]] = {
            "created-date": lambda secret: secret.made,
            "last-changed-date": lambda secret: secret.changed,
            "name": lambda secret: secret.name,
        }
        found = [
            secret
            for secret in self.secrets
            if (include_deleted or secret.marked is None)
            and all(self._passes(secret, key, values) for key, values in filters)
        ]
        found.sort(key=orders[sort_by], reverse=descending)
        return [self._described(secret) for secret in found]

    def _passes(self, secret: NaiveSecret, key: str, values: Sequence[str]) -> bool:
        return any(
            not self._fits(secret, key, value[1:])
            if value.startswith("!")
            else self._fits(secret, key, value)
            for value in values
        )

    def _fits(self, secret: NaiveSecret, key: str, value: str) -> bool:
        tags = secret.tags or {}
        description = secret.description or ""
        if key == "name":
            return secret.name.startswith(value)
        if key == "tag-key":
            return any(tag.startswith(value) for tag in tags)
        if key == "tag-value":
            return any(tag.startswith(value) for tag in tags.values())
        text = description
        if key == "all":
            text = " ".join([secret.name, description, *tags, *tags.values()])
        there = WORD.findall(text.lower())
        asked = WORD.findall(value.lower())
        return bool(asked) and all(any(w.startswith(word) for w in there) for word in asked)

    # Tags, policies, rotation settings.

    def tag_resource(self, *, secret_id: str, tags: Mapping[str, str]) -> Answer:
        secret = self._usable(secret_id)
        merged = {**(secret.tags or {}), **tags}
        if len(merged) > MOST_TAGS:
            raise Refused(
                "InvalidParameter",
                f"A secret has at most 50 tags, and these would be {len(merged)}. Remove some first.",
            )
        if tags or secret.tags is not None:
            secret.tags = merged
        secret.changed = self.now
        return {"arn": secret.arn, "name": secret.name}

    def untag_resource(self, *, secret_id: str, tag_keys: Collection[str]) -> Answer:
        secret = self._usable(secret_id)
        removed = tuple(sorted(set(secret.tags or {}) & set(tag_keys)))
        if secret.tags is not None:
            secret.tags = {key: tag for key, tag in secret.tags.items() if key not in tag_keys}
        secret.changed = self.now
        return {"arn": secret.arn, "name": secret.name, "removed": removed}

    def put_resource_policy(self, *, secret_id: str, resource_policy: str) -> Answer:
        secret = self._usable(secret_id)
        secret.policy = resource_policy
        secret.changed = self.now
        return {"arn": secret.arn, "name": secret.name}

    def get_resource_policy(self, *, secret_id: str) -> Answer:
        secret = self._usable(secret_id)
        return {"arn": secret.arn, "name": secret.name, "policy": secret.policy}

    def delete_resource_policy(self, *, secret_id: str) -> Answer:
        secret = self._usable(secret_id)
        secret.policy = None
        secret.changed = self.now
        return {"arn": secret.arn, "name": secret.name}

    def set_rotation(self, *, secret_id: str, rotator: str | None) -> Answer:
        secret = self._usable(secret_id)
        if rotator is None and secret.rotator is None:
            self._never_configured()
        secret.rotator = rotator or secret.rotator
        secret.rotates = True
        secret.changed = self.now
        return {"rotator": secret.rotator}

    def cancel_rotation(self, *, secret_id: str) -> Answer:
        secret = self._usable(secret_id)
        if secret.rotator is None:
            self._never_configured()
        secret.rotates = False
        secret.changed = self.now
        pending = secret.at(PENDING)
        partial = None if pending is None or CURRENT in pending.labels else pending.token
        return {"arn": secret.arn, "name": secret.name, "version_id": partial}

    def _never_configured(self) -> NoReturn:
        raise Refused(
            "InvalidRequest", "No Lambda rotation function ARN is associated with this secret."
        )

    # Coming and going.

    def delete_secret(
        self, *, secret_id: str, recovery_window_in_days: int | None, force_without_recovery: bool
    ) -> Answer:
        if force_without_recovery:
            return self._force(secret_id)
        secret = self._usable(secret_id)
        days = 30 if recovery_window_in_days is None else recovery_window_in_days
        secret.marked = secret.changed = self.now
        secret.ends = self.now + timedelta(days=days)
        return {"arn": secret.arn, "name": secret.name, "ends": secret.ends}

    def _force(self, secret_id: str) -> Answer:
        for secret in self.secrets:
            if self._named(secret, secret_id):
                self.secrets.remove(secret)
                return {"arn": secret.arn, "name": secret.name, "ends": self.now}
        if secret_id.startswith("arn:"):
            name = secret_id.removeprefix(self.prefix)
            return {"arn": secret_id, "name": name, "ends": self.now}
        arn = f"{self.prefix}{secret_id}-{self.suffix}"
        return {"arn": arn, "name": secret_id, "ends": self.now}

    def restore_secret(self, *, secret_id: str) -> Answer:
        secret = self._find(secret_id)
        if secret.marked is not None:
            secret.marked = secret.ends = None
            secret.changed = self.now
        return {"arn": secret.arn, "name": secret.name}

    def purge(self, *, limit: int) -> int:
        over = [secret for secret in self.secrets if secret.ends and secret.ends <= self.now]
        over.sort(key=lambda secret: secret.ends or self.now)
        for secret in over[:limit]:
            self.secrets.remove(secret)
        return len(over[:limit])

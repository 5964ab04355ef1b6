"""Principals, groups and access keys as values: who there is at one revision, and what each may."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from rotator.crypto.envelope import Sealed
from rotator.errors import MalformedPolicyDocument
from rotator.model.policy_document import PolicyDocument, parse_identity_policy


class Kind(StrEnum):
    """What a row of `principals` is."""

    USER = "user"
    GROUP = "group"


class Principal(NamedTuple):
    """A principal or a group, in the words of `rotator.store.tables`.

    Attributes:
        groups: names of a user's groups.
        policies: name → document, as it was given.
    """

    id: int
    account: str
    kind: str
    name: str
    unique_id: str
    disabled: bool
    created_at: datetime
    groups: tuple[str, ...]
    policies: Mapping[str, str]

    @property
    def arn(self) -> str:
        """Its name in policies."""
        return f"arn:aws:iam::{self.account}:{self.kind}/{self.name}"


class AccessKey(NamedTuple):
    """An access key with its sealed secret."""

    access_key_id: str
    principal_id: int
    disabled: bool
    created_at: datetime
    used_on: datetime | None
    sealed: Sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """A policy that a principal has.

    Attributes:
        owner: the ARN of the principal or group whose it is.
        document: None where it is no policy, which denies everything.
    """

    owner: str
    name: str
    document: PolicyDocument | None


@dataclass(frozen=True, kw_only=True)
class Identities:
    """All of them at one revision, known to be authentic."""

    revision: int
    mac: bytes
    principals: Mapping[int, Principal]
    keys: Mapping[str, AccessKey]
    _policies: dict[int, tuple[Attached, ...]] = field(default_factory=dict, repr=False)

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str, str], Principal]:
        return {(each.account, each.kind, each.name): each for each in self.principals.values()}

    @cached_property
    def _by_unique_id(self) -> Mapping[str, Principal]:
        return {each.unique_id: each for each in self.principals.values()}

    def find(self, *, account: str, name: str, kind: Kind = Kind.USER) -> Principal | None:
        """The principal or group of a name."""
        return self._by_name.get((account, kind.value, name))

    def with_unique_id(self, unique_id: str) -> Principal | None:
        """The principal that an id was once given to, if it is there still."""
        return self._by_unique_id.get(unique_id)

    def keys_of(self, principal: Principal) -> tuple[AccessKey, ...]:
        """Its access keys, oldest first."""
        found = (key for key in self.keys.values() if key.principal_id == principal.id)
        return tuple(sorted(found, key=lambda key: (key.created_at, key.access_key_id)))

    def members(self, group: Principal) -> tuple[Principal, ...]:
        """The users of a group, by name."""
        found = (
            each
            for each in self.principals.values()
            if each.account == group.account and group.name in each.groups
        )
        return tuple(sorted(found, key=lambda each: each.name))

    def policies_of(self, user: Principal) -> tuple[Attached, ...]:
        """The user's own policies and those of its groups."""
        found = self._policies.get(user.id)
        if found is None:
            named = (
                self.find(account=user.account, name=name, kind=Kind.GROUP) for name in user.groups
            )
            owners = [user, *(group for group in named if group is not None)]
            found = self._policies[user.id] = tuple(_attached(owners))
        return found


def _attached(owners: Iterable[Principal]) -> Iterable[Attached]:
    for owner in owners:
        for name, document in sorted(owner.policies.items()):
            try:
                parsed = parse_identity_policy(document)
            except MalformedPolicyDocument:
                parsed = None  # it was a policy in the release that took it
            yield Attached(owner=owner.arn, name=name, document=parsed)

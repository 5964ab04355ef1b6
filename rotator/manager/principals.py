"""Principals, groups and their policies: who there is besides those who hold the store."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rotator.access import credentials as made
from rotator.errors import (
    InvalidParameter,
    LimitExceeded,
    ResourceExists,
    ResourceNotFound,
    ValidationError,
)
from rotator.manager.identifying import Identifying, account_of, find_principal
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.model.policy_document import parse_identity_policy
from rotator.store import identities
from rotator.store.identities import Identities, Kind, Principal
from rotator.store.store import Tx

ADMINISTRATOR = "administrator"
"""The name of the policy that an administrator has."""

EVERYTHING = (
    '{"Version": "2012-10-17", "Statement": [{"Sid": "Everything", "Effect": "Allow", '
    '"Action": "secretsmanager:*", "Resource": "*"}]}'
)
"""What it says."""

# IAM's limits: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{1,64}")
_LONGEST_POLICY = 10_240
_MOST_POLICIES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalDescription:
    """A principal or group.

    Attributes:
        kind: `user` or `group`.
        groups: those that a user is in.
        policies: name → document, its own alone.
        access_keys: how many it has.
    """

    name: str
    kind: str
    account: str
    arn: str
    unique_id: str
    disabled: bool
    created_at: datetime
    groups: tuple[str, ...]
    policies: Mapping[str, str]
    access_keys: int


class Principals(Identifying):
    """How principals and groups come and go, and what they may."""

    @audited("CreatePrincipal")
    def create_principal(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        account: str | None = None,
        group: bool = False,
        policies: Mapping[str, str] | None = None,
    ) -> PrincipalDescription:
        """A new principal, or a group, which may nothing but what the policies say.

        Args:
            account: that it is in; None for the caller's.
            policies: name → document.

        Raises:
            MalformedPolicyDocument: one of the policies is none.
            ResourceExists: there is one of this name.
            ValidationError: a name or the account can't be one.
        """
        where = account_of(account, caller)
        given = {_checked(name): _document(text) for name, text in (policies or {}).items()}
        kind = Kind.GROUP if group else Kind.USER

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            if known.find(account=where, name=principal, kind=kind) is not None:
                raise ResourceExists(f"There is a {kind} {principal} in account {where} already.")
            identities.add(
                tx,
                account=where,
                kind=kind,
                name=_checked(principal),
                unique_id=made.new_group_id() if group else made.new_user_id(),
                policies=given,
            )
            return {"kind": kind, "policies": sorted(given)}

        after = self._change_identities(
            "CreatePrincipal", caller, request_id, change, principal=principal
        )
        return _described(after, find_principal(after, where, principal, kind))

    @audited("DeletePrincipal")
    def delete_principal(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        account: str | None = None,
        group: bool = False,
    ) -> None:
        """Removes a principal with its keys and policies, or a group, which its members lose.

        Raises:
            ResourceNotFound: there is none of this name.
        """
        kind = Kind.GROUP if group else Kind.USER

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            found = find_principal(known, account_of(account, caller), principal, kind)
            for member in known.members(found) if group else ():
                left = [name for name in member.groups if name != found.name]
                identities.write(tx, member, groups=left)
            identities.remove(tx, found)
            return {"kind": kind, "arn": found.arn}

        self._change_identities("DeletePrincipal", caller, request_id, change, principal=principal)

    @audited("ListPrincipals")
    def list_principals(self, *, caller: Caller, request_id: str) -> Sequence[PrincipalDescription]:
        """All principals and groups of all accounts, by account, kind and name.

        Raises:
            RowAltered: they are not as they were written.
        """
        known = self._known("ListPrincipals", caller, request_id)
        found = sorted(
            known.principals.values(), key=lambda each: (each.account, each.kind, each.name)
        )
        return [_described(known, each) for each in found]

    @audited("SetPrincipalStatus")
    def set_principal_status(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        disabled: bool,
        account: str | None = None,
    ) -> PrincipalDescription:
        """Lets a principal in, or keeps it out, with all of its keys and temporary credentials.

        Raises:
            ResourceNotFound: there is none of this name.
        """
        where = account_of(account, caller)

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            identities.write(
                tx, find_principal(known, where, principal, Kind.USER), disabled=disabled
            )
            return {"disabled": disabled}

        after = self._change_identities(
            "SetPrincipalStatus", caller, request_id, change, principal=principal
        )
        return _described(after, find_principal(after, where, principal, Kind.USER))

    @audited("SetGroupMembership")
    def set_group_membership(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        group: str,
        member: bool,
        account: str | None = None,
    ) -> PrincipalDescription:
        """Puts a principal into a group, or takes it out.

        Raises:
            ResourceNotFound: there is no principal or group of this name.
        """
        where = account_of(account, caller)

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            user = find_principal(known, where, principal, Kind.USER)
            name = find_principal(known, where, group, Kind.GROUP).name
            left = {each for each in user.groups if each != name} | ({name} if member else set())
            identities.write(tx, user, groups=sorted(left))
            return {"group": group, "member": member}

        after = self._change_identities(
            "SetGroupMembership", caller, request_id, change, principal=principal
        )
        return _described(after, find_principal(after, where, principal, Kind.USER))

    @audited("PutPrincipalPolicy")
    def put_principal_policy(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        policy_name: str,
        document: str,
        account: str | None = None,
        group: bool = False,
    ) -> PrincipalDescription:
        """Gives a principal or group a policy, in place of the one of this name.

        Raises:
            LimitExceeded: it has 20 already.
            MalformedPolicyDocument: the text is no policy.
            ResourceNotFound: there is no principal or group of this name.
            ValidationError: the name can't be one.
        """
        text, name = _document(document), _checked(policy_name)

        def altered(policies: Mapping[str, str]) -> Mapping[str, str]:
            return {**policies, name: text}

        return self._set_policies(
            "PutPrincipalPolicy",
            caller,
            request_id,
            principal=principal,
            policy_name=policy_name,
            where=(account_of(account, caller), Kind.GROUP if group else Kind.USER),
            altered=altered,
        )

    @audited("DeletePrincipalPolicy")
    def delete_principal_policy(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        policy_name: str,
        account: str | None = None,
        group: bool = False,
    ) -> PrincipalDescription:
        """Takes a policy off a principal or group.

        Raises:
            ResourceNotFound: there is no principal or group of this name, or it has no such policy.
        """

        def altered(policies: Mapping[str, str]) -> Mapping[str, str]:
            if policy_name not in policies:
                raise ResourceNotFound(f"{principal} has no policy {policy_name}.")
            return {name: text for name, text in policies.items() if name != policy_name}

        return self._set_policies(
            "DeletePrincipalPolicy",
            caller,
            request_id,
            principal=principal,
            policy_name=policy_name,
            where=(account_of(account, caller), Kind.GROUP if group else Kind.USER),
            altered=altered,
        )

    def _set_policies(
        self,
        event: str,
        caller: Caller,
        request_id: str,
        *,
        principal: str,
        policy_name: str,
        where: tuple[str, Kind],
        altered: Callable[[Mapping[str, str]], Mapping[str, str]],
    ) -> PrincipalDescription:
        account, kind = where

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            found = find_principal(known, account, principal, kind)
            policies = altered(found.policies)
            if len(policies) > _MOST_POLICIES:
                raise LimitExceeded(f"A {kind} has at most {_MOST_POLICIES} policies.")
            identities.write(tx, found, policies=dict(policies))
            return {"kind": kind, "policy": policy_name}

        after = self._change_identities(event, caller, request_id, change, principal=principal)
        return _described(after, find_principal(after, account, principal, kind))


def _checked(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValidationError(
            "The names of principals, groups and policies have 1 to 64 letters, digits and characters of _+=,.@-"
        )
    return name


def _document(text: str) -> str:
    if len(text) > _LONGEST_POLICY:
        raise InvalidParameter(f"A policy has at most {_LONGEST_POLICY:,} characters.")
    parse_identity_policy(text)
    return text


def _described(known: Identities, found: Principal) -> PrincipalDescription:
    return PrincipalDescription(
        name=found.name,
        kind=found.kind,
        account=found.account,
        arn=found.arn,
        unique_id=found.unique_id,
        disabled=found.disabled,
        created_at=found.created_at,
        groups=found.groups,
        policies=found.policies,
        access_keys=len(known.keys_of(found)),
    )

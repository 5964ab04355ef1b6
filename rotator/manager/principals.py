"""Principals, groups, their policies and access keys: who there is besides those who hold the store."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rotator.access import credentials as made
from rotator.access.credentials import Credentials
from rotator.errors import (
    InvalidParameter,
    LimitExceeded,
    ResourceExists,
    ResourceNotFound,
    ValidationError,
)
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.model.policy_document import parse_identity_policy
from rotator.sdk import SecretValue
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
_ACCOUNT = re.compile(r"[0-9]{12}")
_LONGEST_POLICY = 10_240
_MOST_POLICIES = 20

_Change = Callable[[Tx, Identities], Mapping[str, Any]]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeyDescription:
    """An access key, without its secret.

    Attributes:
        used_on: midnight UTC of the day of the last request that it signed.
    """

    access_key_id: str
    principal: str
    disabled: bool
    created_at: datetime
    used_on: datetime | None


class Principals(Operations):
    """How it is kept who there is. Everything here can be done by who holds the store, in any account."""

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
        where = _account(account, caller)
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
        return _described(after, _found(after, where, principal, kind))

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
            found = _found(known, _account(account, caller), principal, kind)
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
        where = _account(account, caller)

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            identities.write(tx, _found(known, where, principal, Kind.USER), disabled=disabled)
            return {"disabled": disabled}

        after = self._change_identities(
            "SetPrincipalStatus", caller, request_id, change, principal=principal
        )
        return _described(after, _found(after, where, principal, Kind.USER))

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
        where = _account(account, caller)

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            user = _found(known, where, principal, Kind.USER)
            name = _found(known, where, group, Kind.GROUP).name
            left = {each for each in user.groups if each != name} | ({name} if member else set())
            identities.write(tx, user, groups=sorted(left))
            return {"group": group, "member": member}

        after = self._change_identities(
            "SetGroupMembership", caller, request_id, change, principal=principal
        )
        return _described(after, _found(after, where, principal, Kind.USER))

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
            where=(_account(account, caller), Kind.GROUP if group else Kind.USER),
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
            where=(_account(account, caller), Kind.GROUP if group else Kind.USER),
            altered=altered,
        )

    @audited("CreateAccessKey")
    def create_access_key(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        account: str | None = None,
        given: Credentials | None = None,
    ) -> Credentials:
        """A new access key of a principal. Its secret is given out this once.

        Args:
            given: one that was brought along; None to have one made.

        Raises:
            KeyUnavailable: its secret can't be sealed.
            ResourceExists: the access key id is in use.
            ResourceNotFound: there is no principal of this name.
        """
        where = _account(account, caller)
        credentials = made.new_credentials() if given is None else given
        key_id = credentials.access_key_id
        sealed = self._sealer.seal(
            SecretValue(string=credentials.secret_access_key),
            context=identities.seal_context(key_id),
        )

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            user = _found(known, where, principal, Kind.USER)
            if key_id in known.keys:
                raise ResourceExists(f"The access key id {key_id} is in use.")
            identities.add_key(tx, user.id, key_id, sealed)
            return {"access_key_id": key_id, "brought_along": given is not None}

        self._change_identities("CreateAccessKey", caller, request_id, change, principal=principal)
        return credentials

    @audited("SetAccessKeyStatus")
    def set_access_key_status(
        self, *, caller: Caller, request_id: str, access_key_id: str, disabled: bool
    ) -> AccessKeyDescription:
        """Lets requests be signed with an access key, or not.

        Raises:
            ResourceNotFound: there is no such key.
        """

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            _owner(known, access_key_id)
            identities.switch_key(tx, access_key_id, disabled=disabled)
            return {"access_key_id": access_key_id, "disabled": disabled}

        after = self._change_identities("SetAccessKeyStatus", caller, request_id, change)
        return _described_key(after, access_key_id)

    @audited("DeleteAccessKey")
    def delete_access_key(self, *, caller: Caller, request_id: str, access_key_id: str) -> None:
        """Removes an access key.

        Raises:
            ResourceNotFound: there is no such key.
        """

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            owner = _owner(known, access_key_id)
            identities.remove_key(tx, access_key_id)
            return {"access_key_id": access_key_id, "arn": owner.arn}

        self._change_identities("DeleteAccessKey", caller, request_id, change)

    @audited("ListAccessKeys")
    def list_access_keys(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str | None = None,
        account: str | None = None,
    ) -> Sequence[AccessKeyDescription]:
        """The access keys of a principal, or all.

        Raises:
            ResourceNotFound: there is no principal of this name.
            RowAltered: they are not as they were written.
        """
        # With what was noted of their use since they were last read.
        known = self._known("ListAccessKeys", caller, request_id, afresh=True)
        if principal is None:
            keys = tuple(sorted(known.keys))
        else:
            found = _found(known, _account(account, caller), principal, Kind.USER)
            keys = tuple(key.access_key_id for key in known.keys_of(found))
        return [_described_key(known, key) for key in keys]

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
            found = _found(known, account, principal, kind)
            policies = altered(found.policies)
            if len(policies) > _MOST_POLICIES:
                raise LimitExceeded(f"A {kind} has at most {_MOST_POLICIES} policies.")
            identities.write(tx, found, policies=dict(policies))
            return {"kind": kind, "policy": policy_name}

        after = self._change_identities(event, caller, request_id, change, principal=principal)
        return _described(after, _found(after, account, principal, kind))

    def _change_identities(
        self, event: str, caller: Caller, request_id: str, change: _Change, **asked: str
    ) -> Identities:
        """One change, with what it left behind in its record; gives what there is then."""
        call = Call(event=event, caller=caller, request_id=request_id)
        with self._store.write() as tx:
            call.permit(account=caller.account, region=caller.region)
            before = identities.begin_change(tx)
            detail = change(tx, before)
            after = identities.end_change(tx, before)
            left = {"revision": after.revision, "mac": after.mac.hex()}
            call.record(tx, None, detail={**asked, **detail, "access": left})
        return after

    def _known(
        self, event: str, caller: Caller, request_id: str, *, afresh: bool = False
    ) -> Identities:
        call = Call(event=event, caller=caller, request_id=request_id)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            if afresh:
                tx.memory.identities = None
            known = identities.load(tx)
            call.record(tx, None)
        return known


def _account(given: str | None, caller: Caller) -> str:
    if given is None:
        return caller.account
    if _ACCOUNT.fullmatch(given) is None:
        raise ValidationError("An account has twelve digits.")
    return given


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


def _found(known: Identities, account: str, name: str, kind: Kind) -> Principal:
    found = known.find(account=account, name=name, kind=kind)
    if found is None:
        what = "principal" if kind is Kind.USER else "group"
        raise ResourceNotFound(
            f"There is no {what} {name} in account {account}. See them all: rotate principal list"
        )
    return found


def _owner(known: Identities, access_key_id: str) -> Principal:
    key = known.keys.get(access_key_id)
    if key is None:
        raise ResourceNotFound(
            f"There is no access key {access_key_id}. See them all: rotate principal keys list"
        )
    return known.principals[key.principal_id]


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


def _described_key(known: Identities, access_key_id: str) -> AccessKeyDescription:
    key = known.keys[access_key_id]
    return AccessKeyDescription(
        access_key_id=access_key_id,
        principal=known.principals[key.principal_id].name,
        disabled=key.disabled,
        created_at=key.created_at,
        used_on=key.used_on,
    )

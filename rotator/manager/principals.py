"""Principals and groups: who there is besides those who hold the store."""

from collections.abc import Mapping, Sequence
from typing import Any

from rotator.access import credentials as made
from rotator.errors import ResourceExists
from rotator.manager.identifying import (
    Identifying,
    Named,
    PrincipalDescription,
    account_of,
    checked_name,
    described,
    find_principal,
    kind_of,
)
from rotator.manager.principal_policies import check_count, checked_document
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.store import identities
from rotator.store.principal_rows import Identities, Kind, Principal
from rotator.store.store import Tx

ADMINISTRATOR = "administrator"
"""The name of the policy that an administrator has."""

EVERYTHING = (
    '{"Version": "2012-10-17", "Statement": [{"Sid": "Everything", "Effect": "Allow", '
    '"Action": "secretsmanager:*", "Resource": "*"}]}'
)
"""What it says."""


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
            LimitExceeded: there are more than 20 policies.
            MalformedPolicyDocument: one of the policies is none.
            ResourceExists: there is one of this name.
            ValidationError: a name or the account can't be one.
        """
        named = Named(account_of(account, caller), principal, kind_of(group=group))
        given = {
            checked_name(name): checked_document(text) for name, text in (policies or {}).items()
        }
        check_count(named.kind, given)

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            if known.find(account=named.account, name=principal, kind=named.kind) is not None:
                raise ResourceExists(
                    f"There is a {named.kind} {principal} in account {named.account} already."
                )
            identities.add(
                tx,
                account=named.account,
                kind=named.kind,
                name=checked_name(principal),
                unique_id=made.new_group_id() if group else made.new_user_id(),
                policies=given,
            )
            return {"kind": named.kind, "policies": sorted(given)}

        after = self._change_identities(
            "CreatePrincipal", caller, request_id, change, principal=principal
        )
        return described(after, find_principal(after, named))

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
        named = Named(account_of(account, caller), principal, kind_of(group=group))

        def change(tx: Tx, known: Identities) -> Mapping[str, Any]:
            found = find_principal(known, named)
            for member in known.members(found) if group else ():
                left = [name for name in member.groups if name != found.name]
                identities.write(tx, member, groups=left)
            identities.remove(tx, found)
            return {"kind": named.kind, "arn": found.arn}

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
        return [described(known, each) for each in found]

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
        return self._alter(
            "SetPrincipalStatus",
            caller,
            request_id,
            Named(account_of(account, caller), principal, Kind.USER),
            lambda _known, _found: {"disabled": disabled},
            disabled=disabled,
        )

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

        def altered(known: Identities, user: Principal) -> Mapping[str, Any]:
            name = find_principal(known, Named(where, group, Kind.GROUP)).name
            left = {each for each in user.groups if each != name} | ({name} if member else set())
            return {"groups": sorted(left)}

        return self._alter(
            "SetGroupMembership",
            caller,
            request_id,
            Named(where, principal, Kind.USER),
            altered,
            group=group,
            member=member,
        )

"""The policies of principals and groups: what they may."""

from collections.abc import Mapping
from typing import Any, Final

from rotator.errors import InvalidParameter, LimitExceeded, ResourceNotFound
from rotator.manager.identifying import (
    Identifying,
    Named,
    PrincipalDescription,
    account_of,
    checked_name,
    kind_of,
)
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.model.policy_check import checked_identity_policy
from rotator.store.principal_rows import Identities, Kind, Principal

# IAM's limits: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_LONGEST_POLICY: Final = 10_240
_MOST_POLICIES: Final = 20


class PrincipalPolicies(Identifying):
    """How policies are given and taken."""

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
            MalformedPolicyDocument: the text is no policy, or has a condition that can't mean anything here.
            ResourceNotFound: there is no principal or group of this name.
            ValidationError: the name can't be one.
        """
        text, name = checked_document(document), checked_name(policy_name)
        kind = kind_of(group=group)

        def altered(_known: Identities, found: Principal) -> Mapping[str, Any]:
            policies = {**found.policies, name: text}
            check_count(kind, policies)
            return {"policies": policies}

        return self._alter(
            "PutPrincipalPolicy",
            caller,
            request_id,
            Named(account_of(account, caller), principal, kind),
            altered,
            kind=kind,
            policy=name,
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
        kind = kind_of(group=group)

        def altered(_known: Identities, found: Principal) -> Mapping[str, Any]:
            if policy_name not in found.policies:
                raise ResourceNotFound(f"{principal} has no policy {policy_name}.")
            left = {name: text for name, text in found.policies.items() if name != policy_name}
            return {"policies": left}

        return self._alter(
            "DeletePrincipalPolicy",
            caller,
            request_id,
            Named(account_of(account, caller), principal, kind),
            altered,
            kind=kind,
            policy=policy_name,
        )


def checked_document(text: str) -> str:
    """A policy's document itself.

    Raises:
        InvalidParameter: it is too long.
        MalformedPolicyDocument: it is no policy, or has a condition that can't mean anything here.
    """
    if len(text) > _LONGEST_POLICY:
        raise InvalidParameter(f"A policy has at most {_LONGEST_POLICY:,} characters.")
    checked_identity_policy(text)
    return text


def check_count(kind: Kind, policies: Mapping[str, str]) -> None:
    """Nothing, where a principal or group may have so many policies.

    Raises:
        LimitExceeded: it may not.
    """
    if len(policies) > _MOST_POLICIES:
        raise LimitExceeded(f"A {kind} has at most {_MOST_POLICIES} policies.")

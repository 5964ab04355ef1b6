"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy, ValidateResourcePolicy.

Policies are kept and checked here; `judgement.py` asks them who may do what. As on the real service a policy may keep
out the one who puts it; whoever holds the store can take it off again.
"""

from dataclasses import replace

from rotator.errors import MalformedPolicyDocument, PublicPolicy
from rotator.manager import limits
from rotator.manager.asked import asked
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.results import PolicyProblem, PolicyValidation, ResourcePolicy, SecretName
from rotator.model.caller import Caller
from rotator.model.policy_check import checked_policy
from rotator.model.public_access import lets_anyone_in
from rotator.store import secrets


class Policies(Operations):
    """How the resource policies of secrets are kept."""

    @audited("PutResourcePolicy")
    def put_resource_policy(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        resource_policy: str,
        block_public_policy: bool = False,
    ) -> SecretName:
        """Gives a secret its resource policy, in place of the one before, word for word.

        Args:
            block_public_policy: refuse a policy that lets anyone in.

        Raises:
            InvalidRequest: the secret is marked for deletion.
            MalformedPolicyDocument: the text is no policy, or has a condition that can't mean anything here.
            PublicPolicy: it lets anyone in.
            ResourceNotFound: no such secret.
            ValidationError: the text is too long.
        """
        limits.check("PutResourcePolicy", ResourcePolicy=resource_policy)
        policy = checked_policy(resource_policy)
        if block_public_policy and lets_anyone_in(policy):
            raise PublicPolicy(
                "You can't attach a resource-based policy that allows broad access to the secret. Name the principals, "
                "or let a condition on aws:PrincipalArn, aws:PrincipalAccount or aws:SourceIp keep others out."
            )
        call = Call(
            event="PutResourcePolicy",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
            asked=asked(BlockPublicPolicy=block_public_policy),
        )
        return self._set_policy(call, resource_policy)

    @audited("DeleteResourcePolicy")
    def delete_resource_policy(
        self, *, caller: Caller, request_id: str, secret_id: str
    ) -> SecretName:
        """Takes the resource policy off a secret; one that has none is no error.

        Raises:
            InvalidRequest: the secret is marked for deletion.
            ResourceNotFound: no such secret.
        """
        call = Call(
            event="DeleteResourcePolicy", caller=caller, request_id=request_id, secret_id=secret_id
        )
        return self._set_policy(call, None)

    @audited("GetResourcePolicy")
    def get_resource_policy(
        self, *, caller: Caller, request_id: str, secret_id: str
    ) -> ResourcePolicy:
        """The resource policy of a secret, word for word.

        Raises:
            InvalidRequest: the secret is marked for deletion.
            ResourceNotFound: no such secret.
        """
        call = Call(
            event="GetResourcePolicy", caller=caller, request_id=request_id, secret_id=secret_id
        )
        with self._store.read() as tx:
            secret = call.find_usable(tx)
            policy = secrets.resource_policy(tx, secret.id)
            call.record(tx, secret.arn)
        return ResourcePolicy(arn=secret.arn, name=secret.name, policy=policy)

    @audited("ListResourcePolicies")
    def list_resource_policies(self, *, caller: Caller, request_id: str, secret_id: str) -> bool:
        """Whether the secret has its one resource policy, whose name is `default`.

        Raises:
            InvalidRequest: the secret is marked for deletion.
            ResourceNotFound: no such secret.
        """
        call = Call(
            event="ListResourcePolicies", caller=caller, request_id=request_id, secret_id=secret_id
        )
        with self._store.read() as tx:
            secret = call.find_usable(tx)
            policy = secrets.resource_policy(tx, secret.id)
            call.record(tx, secret.arn)
        return policy is not None

    @audited("ValidateResourcePolicy")
    def validate_resource_policy(
        self,
        *,
        caller: Caller,
        request_id: str,
        resource_policy: str,
        secret_id: str | None = None,
    ) -> PolicyValidation:
        """What is wrong with a resource policy, without giving it to a secret.

        Args:
            secret_id: the secret that it is meant for, which has to be there.

        Raises:
            InvalidRequest: the secret is marked for deletion.
            ResourceNotFound: no such secret.
            ValidationError: the text is too long.
        """
        limits.check("ValidateResourcePolicy", ResourcePolicy=resource_policy)
        call = Call(
            event="ValidateResourcePolicy",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
        )
        with self._store.read() as tx:
            secret = None if secret_id is None else call.find_usable(tx)
            putting = replace(
                call, event="PutResourcePolicy"
            )  # which the real service asks for too
            if secret is None:
                for asked_for in (call, putting):
                    asked_for.permit(tx, account=caller.account, region=caller.region)
            else:
                putting.find_usable(tx)
            call.record(tx, None if secret is None else secret.arn)
        return PolicyValidation(problems=_problems(resource_policy))

    def _set_policy(self, call: Call, policy: str | None) -> SecretName:
        with self._store.write() as tx:
            secret = call.find_usable(tx, for_update=True)
            call.change(tx, secret, {"changed_at": tx.now, "resource_policy": policy})
        return SecretName(arn=secret.arn, name=secret.name)


def _problems(text: str) -> tuple[PolicyProblem, ...]:
    try:
        policy = checked_policy(text)
    except MalformedPolicyDocument as error:
        return (PolicyProblem(check="SYNTAX", message=str(error)),)
    if not lets_anyone_in(policy):
        return ()
    message = "This resource policy grants broad access to your secret."
    return (PolicyProblem(check="BROAD_ACCESS", message=message),)

"""What policies would say of a call, without the call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rotator.errors import InvalidParameter, ResourceNotFound
from rotator.manager import limits
from rotator.manager.asked import About, Asked, asked
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.model.caller import Caller, CallerKind
from rotator.model.labels import CURRENT
from rotator.model.names import parse_secret_id
from rotator.store import audit_policies, identities, secrets
from rotator.store.store import Tx

_PREFIX = "secretsmanager:"
# What requests bring that name no more than they must.
_BROUGHT: Mapping[str, Asked] = {
    "CreateSecret": asked(ForceOverwriteReplicaSecret=False),
    "DeleteSecret": asked(ForceDeleteWithoutRecovery=False),
    "GetSecretValue": asked(VersionStage=CURRENT),
    "PutResourcePolicy": asked(BlockPublicPolicy=False),
    "ReplicateSecretToRegions": asked(ForceOverwriteReplicaSecret=False),
    "RotateSecret": asked(ModifyRotationRules=False, RotateImmediately=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What policies would say.

    Attributes:
        resource: the ARN that was judged, `*` where no secret was named.
        disabled: the principal is, so that it is kept out whatever policies say.
        found: the secret is there, so that its policy and tags were looked at.
        statement: the one that decides; None where none does.
    """

    principal: str
    action: str
    resource: str
    disabled: bool
    found: bool
    allowed: bool
    reason: str
    statement: str | None


class Simulating(Operations):
    """How one learns what a principal may."""

    @audited("SimulatePolicy")
    def simulate_policy(
        self,
        *,
        caller: Caller,
        request_id: str,
        principal: str,
        action: str,
        secret_id: str | None = None,
        account: str | None = None,
        context: Mapping[str, Sequence[str]] | None = None,
    ) -> Simulation:
        """Whether a principal might do something now, and which statement says so.

        A principal that is disabled is judged as if it were not. The call is one in the secret's region that names no
        more than it must, but for the context.

        Args:
            action: an operation of the API, with or without `secretsmanager:` before it.
            account: that the principal is in; None for the caller's.
            context: condition keys → values, in place of what a request would bring.

        Raises:
            InvalidParameter: the action is no operation.
            ResourceNotFound: there is no such principal.
            RowAltered: who may what, or the secret's policy, is not as it was written.
        """
        event = _operation(action)
        from rotator.access.decision import decide
        from rotator.manager import judgement

        call = Call(event="SimulatePolicy", caller=caller, request_id=request_id)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            known = identities.load(tx)
            who = known.find(account=account or caller.account, name=principal)
            if who is None:
                raise ResourceNotFound(
                    f"There is no principal {principal}. See them all: rotate principal list"
                )
            asker = Caller(
                kind=CallerKind.PRINCIPAL,
                name=who.name,
                account=who.account,
                region=_region(secret_id) or caller.region,
                arn=who.arn,
                user_id=who.unique_id,
            )
            about = self._about(tx, asker, secret_id)
            policy, key = (
                (None, None) if about.row is None else secrets.policy_and_key(tx, about.row)
            )
            if policy is not None:
                audit_policies.require(tx, arn=about.arn, policy=policy)
            view = judgement.View(
                tx=tx, caller=asker, about=about, asked=_asked(event, secret_id, about, context)
            )
            decision = decide(
                judgement.question(asker, event=event, about=about, view=view),
                identity=known.policies_of(who),
                resource=None if policy is None else judgement.on_resource(policy),
            )
            kept_home = judgement.is_kept_home(asker, event=event, about=about, key=key)
            refused = decision.allowed and kept_home
            detail = {"principal": who.arn, "action": event, "resource": about.arn}
            call.record(tx, None, detail=detail)
        return Simulation(
            principal=who.arn,
            action=f"{_PREFIX}{event}",
            resource=about.arn,
            disabled=who.disabled,
            found=about.row is not None,
            allowed=decision.allowed and not refused,
            reason=judgement.KEPT_HOME if refused else decision.reason.value,
            statement=None if refused else decision.statement,
        )

    @staticmethod
    def _about(tx: Tx, asker: Caller, secret_id: str | None) -> About:
        if secret_id is None:
            return About(arn="*", account=asker.account)
        home = {"account": asker.account, "region": asker.region}
        try:
            found = secrets.find(
                tx, account=home["account"], region=home["region"], secret_id=secret_id
            )
        except ResourceNotFound:
            ref = parse_secret_id(secret_id)
            account, region = ref.account or home["account"], ref.region or home["region"]
            arn = ref.arn or f"arn:aws:secretsmanager:{region}:{account}:secret:{ref.name}"
            return About(arn=arn, account=account)
        return About(arn=found.arn, account=found.account, row=found.id)


def _region(secret_id: str | None) -> str | None:
    return None if secret_id is None else parse_secret_id(secret_id).region


def _asked(
    event: str,
    secret_id: str | None,
    about: About,
    context: Mapping[str, Sequence[str]] | None,
) -> Asked:
    """What the call would bring."""
    given = {key.lower(): tuple(values) for key, values in (context or {}).items()}
    brought = dict(_BROUGHT.get(event, {}))
    if f"{_PREFIX}versionid" in given:  # a read of a version by its id asks for no label
        brought.pop(f"{_PREFIX}versionstage", None)
    if secret_id is not None:
        brought[f"{_PREFIX}secretid"] = sorted({secret_id, about.arn})
        if event == "CreateSecret":
            brought[f"{_PREFIX}name"] = (secret_id,)
    return {**brought, **given}


def _operation(action: str) -> str:
    """Its name in the API; actions are the same in capitals and small letters, as in IAM."""
    asked = action.removeprefix(_PREFIX).lower()
    for name in limits.operations():
        if name.lower() == asked:
            return name
    raise InvalidParameter(
        f"{action} is no operation of the API, such as secretsmanager:GetSecretValue; wildcards name none."
    )

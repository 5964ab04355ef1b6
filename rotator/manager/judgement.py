"""What policies say of a call, on what stands in its transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from rotator.access.credentials import TEMPORARY
from rotator.access.decision import (
    Asker,
    Decision,
    OnResource,
    Question,
    Reason,
    asks_the_request,
    decide,
)
from rotator.errors import (
    AccessDenied,
    InvalidRequest,
    MalformedPolicyDocument,
    UnrecognizedClient,
)
from rotator.manager.asked import About, Asked
from rotator.model.caller import Caller
from rotator.model.policy_document import parse_policy
from rotator.store import audit_policies, identities, replicas, secrets, tags
from rotator.store.principal_rows import Identities, Principal
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx

_KEPT = 4096
_KEPT_DECISIONS: dict[tuple[bytes | int | str, ...], Decision] = {}
_TAG_KEYS = ("secretsmanager:resourcetag/", "aws:resourcetag/")
_OF_VALUES = frozenset({"GetSecretValue", "PutSecretValue"})
KEPT_HOME = (
    "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service "
    "key."
)


@dataclass(slots=True, kw_only=True)
class View:
    """What conditions get to see of one call (`rotator.access.conditions.Context`)."""

    tx: Tx
    caller: Caller
    about: About
    asked: Asked
    _tags: Mapping[str, str] | None = field(default=None)
    _row: SecretRow | None = field(default=None)

    def get(self, key: str) -> Sequence[str]:
        """The values of a key; none where the call has no such key."""
        given = self.asked.get(key)
        if given is not None:
            return given
        for prefix in _TAG_KEYS:
            if key.startswith(prefix):
                return self._tagged(key.removeprefix(prefix))
        read = _KEYS.get(key)
        found = None if read is None else read(self)
        return () if found is None else (found,)

    def _tagged(self, key: str) -> Sequence[str]:
        """Keys of conditions have no case, so every tag counts whose key is this one but for that."""
        if self._tags is None:
            row = self.about.row
            self._tags = {} if row is None else tags.load_many(self.tx, [row]).get(row, {})
        return [value for name, value in sorted(self._tags.items()) if name.lower() == key]

    @property
    def secret(self) -> SecretRow | None:
        """The secret as it is before the call; None where it is about none that there is."""
        if self._row is None and self.about.row is not None:
            self._row = secrets.by_id(self.tx, self.about.row)
        return self._row


def _primary_region(view: View) -> str | None:
    """As descriptions have it: of a secret with replicas, or a replica, alone."""
    secret = view.secret
    if secret is None:
        return None
    return secret.primary_region or (secret.region if secret.replicas else None)


def _rotator(view: View) -> str | None:
    secret = view.secret
    return None if secret is None else replicas.origin(view.tx, secret).rotator


_KEYS: Mapping[str, Callable[[View], str | None]] = {
    "aws:sourceip": lambda view: view.caller.context.source_ip,
    "aws:securetransport": lambda view: str(view.caller.context.secure_transport).lower(),
    "aws:useragent": lambda view: view.caller.context.user_agent,
    "aws:currenttime": lambda view: view.tx.now.isoformat(),
    "aws:epochtime": lambda view: str(int(view.tx.now.timestamp())),
    "aws:principalarn": lambda view: view.caller.arn,
    "aws:principalaccount": lambda view: view.caller.account,
    "aws:principaltype": lambda _: "User",
    "aws:principalisawsservice": lambda _: "false",
    "aws:viaawsservice": lambda _: "false",
    "aws:username": lambda view: view.caller.name,
    "aws:userid": lambda view: view.caller.user_id,
    "aws:requestedregion": lambda view: view.caller.region,
    "aws:resourceaccount": lambda view: view.about.account,
    "secretsmanager:secretprimaryregion": _primary_region,
    "secretsmanager:resource/allowrotationlambdaarn": _rotator,
}


def judge(tx: Tx, *, caller: Caller, event: str, about: About, asked: Asked) -> Decision:
    """Whether policies let a principal's call through.

    Raises:
        InvalidRequest: they do, but the value of another account's secret is sealed under the default key.
        RowAltered: who may what, or the secret's policy, is not as it was written.
        UnrecognizedClient: the principal, or the access key, was disabled or deleted since the call came.
    """
    known = identities.load(tx)
    principal = _admitted(known, caller)
    policy, key = about.governed_by or (
        (None, None) if about.row is None else secrets.policy_and_key(tx, about.row)
    )
    if policy is not None:
        audit_policies.require(tx, arn=about.arn, policy=policy)
    view = View(tx=tx, caller=caller, about=about, asked=asked)
    decision = _decided(known, principal, view, event=event, policy=policy)
    if decision.allowed and is_kept_home(caller, event=event, about=about, key=key):
        raise InvalidRequest(KEPT_HOME)
    return decision


def is_kept_home(caller: Caller, *, event: str, about: About, key: str | None) -> bool:
    """Whether a call is about the value of another account's secret, which is sealed under the default key.

    Args:
        key: the name of the secret's sealing key, None for the default one.
    """
    foreign = about.account != caller.account and about.row is not None
    return foreign and event in _OF_VALUES and key is None


def question(caller: Caller, *, event: str, about: About, view: View) -> Question:
    """The question that a call puts to policies."""
    return Question(
        asker=Asker(arn=caller.arn or "", account=caller.account, user_id=caller.user_id or ""),
        action=f"secretsmanager:{event}",
        resource=about.arn,
        account=about.account,
        context=view,
    )


def denied(caller: Caller, *, event: str, named: str, decision: Decision) -> AccessDenied:
    """The refusal, in the real service's words."""
    action = f"secretsmanager:{event}"
    because = {
        Reason.DENIED_BY_IDENTITY: "with an explicit deny in an identity-based policy",
        Reason.DENIED_BY_RESOURCE: "with an explicit deny in a resource-based policy",
        Reason.NOT_ALLOWED_BY_RESOURCE: f"because no resource-based policy allows the {action} action",
    }.get(decision.reason, f"because no identity-based policy allows the {action} action")
    error = AccessDenied(
        f"User: {caller.arn} is not authorized to perform: {action} on resource: {named} {because}"
    )
    error.why, error.statement = decision.reason.value, decision.statement
    return error


def _decided(
    known: Identities, principal: Principal, view: View, *, event: str, policy: str | None
) -> Decision:
    """What the principal's policies and the secret's say.

    What nothing but the principal's decide is worked out once for as long as nobody changes a principal.
    """
    about, caller = view.about, view.caller
    # The code is that of all principals, at one revision, with all that they have.
    place = (known.mac, principal.id, caller.account, event, about.account, about.arn)
    kept = None if policy is not None else _KEPT_DECISIONS.get(place)
    if kept is not None:
        return kept
    policies = known.policies_of(principal)
    decision = decide(
        question(caller, event=event, about=about, view=view),
        identity=policies,
        resource=None if policy is None else on_resource(policy),
    )
    if policy is None and not asks_the_request(policies):
        if len(_KEPT_DECISIONS) >= _KEPT:
            _KEPT_DECISIONS.clear()
        _KEPT_DECISIONS[place] = decision
    return decision


def _admitted(known: Identities, caller: Caller) -> Principal:
    """The principal that calls, as it is now."""
    principal = known.with_unique_id(caller.user_id or "")
    key_id = caller.context.access_key_id or ""
    key = known.keys.get(key_id)
    held = key is not None and principal is not None and key.principal_id == principal.id
    usable = (held and key is not None and not key.disabled) or (
        # Temporary ones have no row; their session was opened as the request came.
        key is None and key_id.startswith(TEMPORARY)
    )
    if principal is None or principal.disabled or not usable:
        raise UnrecognizedClient("The security token included in the request is invalid.")
    return principal


@lru_cache(_KEPT)
def on_resource(policy: str) -> OnResource:
    """The policy of a secret, as it was given."""
    try:
        return OnResource(document=parse_policy(policy))
    except MalformedPolicyDocument:
        return OnResource(document=None)

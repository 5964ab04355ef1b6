"""The rotation settings of secrets: set without rotating, shown, cancelled."""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from rotator.errors import InvalidRequest
from rotator.manager.abandon import abandon_rotation
from rotator.manager.asked import Asked, asked
from rotator.manager.authority import readable_admin, resolve_authority
from rotator.manager.call import Call
from rotator.manager.next_due import NOT_DUE
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.results import CancelledRotation
from rotator.manager.rotation_rules import RotationRules, due_columns, rules_columns
from rotator.manager.settings import (
    RotationOptions,
    RotationSettings,
    authority_column,
    rotation_settings,
    settings_of,
)
from rotator.model.caller import Caller
from rotator.model.labels import CURRENT, PENDING
from rotator.sdk import Authority
from rotator.store import administration, labels, rotations
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx

_NEVER_CONFIGURED = "No Lambda rotation function ARN is associated with this secret."


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationBefore:
    """A secret whose rotation is about to be set.

    Attributes:
        settings: None where rotation was never configured.
    """

    arn: str
    name: str
    account: str
    region: str
    settings: RotationSettings | None


class Rotating(Operations):
    """How rotation is set up."""

    @audited("RotateSecret")
    def set_rotation(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        rotator: str | None = None,
        rules: RotationRules | None = None,
        authority: Authority | None = None,
        options: RotationOptions | None = None,
        immediately: bool = True,
        then: Callable[[Tx, Call, SecretRow], None] | None = None,
    ) -> RotationSettings:
        """Turns rotation on and stores its settings; nothing rotates yet. What is None stays as it was.

        Setting the same rules again moves no due time. Other rules count from now.

        Args:
            rotator: its name or a RotationLambdaARN.
            authority: what a rotation may act on, as the rotator's `claims` reads it from the value; the admin secret
                is stored by its full ARN.
            immediately: whether the call has it rotate at once, which policies may ask.
            then: called at the end of the transaction, with the secret's row as it is then; what it raises leaves
                everything as it was.

        Raises:
            AccessDenied: the caller may not read the admin secret: one who may not must neither pin it nor change
                what it may be used for.
            InvalidParameter: the rules are no schedule, or the admin secret is the secret itself or depends on it.
            InvalidRequest: no rotator was ever given, or a secret is marked for deletion.
            ResourceNotFound: no such secret, or no such admin secret.
        """
        schedule_columns = (
            {} if rules is None else rules_columns(rules, limits=self._planner.limits)
        )
        call = Call(
            event="RotateSecret",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
            asked=_asked(rotator, rules, immediately),
        )
        with self._store.write() as tx:
            if authority is not None:
                administration.lock_authority(tx)
            secret = call.find_usable(tx, for_update=True)
            named = rotator or secret.rotator
            if named is None:
                raise InvalidRequest(_NEVER_CONFIGURED)
            columns: dict[str, Any] = {
                "changed_at": tx.now,
                "rotation_enabled": True,
                "rotator": named,
                **schedule_columns,
            }
            if options is not None:
                columns["rotation_options"] = options.to_column()
            if authority is not None:
                pinned = resolve_authority(tx, call, secret, authority)
                columns |= {"authority": authority_column(pinned), "admin_arn": pinned.admin}
            elif secret.admin_arn is not None and _uses_otherwise(secret, named, options):
                readable_admin(tx, call, secret.admin_arn)
            columns |= due_columns(tx, secret, secret._replace(**columns), planner=self._planner)
            after = secret._replace(**columns, revision=secret.revision + 1)
            settings = settings_of(after, rotator=named)
            call.change(tx, secret, columns, detail=_recorded(settings))
            if then is not None:
                then(tx, call, after)
        return settings

    @audited("RotateSecret")
    def rotation_before(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        rotator: str | None = None,
        rules: RotationRules | None = None,
        immediately: bool = True,
    ) -> RotationBefore:
        """A secret whose rotation the caller may set so, as it is before that; what becomes of it leaves the record.

        Raises:
            AccessDenied: the caller may not rotate it.
            InvalidRequest: it is marked for deletion.
            ResourceNotFound: there is no such secret.
        """
        call = Call(
            event="RotateSecret",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
            asked=_asked(rotator, rules, immediately),
        )
        with self._store.read() as tx:
            secret = call.find_usable(tx)
        return RotationBefore(
            arn=secret.arn,
            name=secret.name,
            account=secret.account,
            region=secret.region,
            settings=rotation_settings(secret),
        )

    @audited("DescribeSecret")
    def get_rotation(
        self, *, caller: Caller, request_id: str, secret_id: str
    ) -> RotationSettings | None:
        """The rotation settings of a secret, None where rotation was never configured.

        Raises:
            ResourceNotFound: there is no such secret.
        """
        call = Call(
            event="DescribeSecret", caller=caller, request_id=request_id, secret_id=secret_id
        )
        with self._store.read() as tx:
            secret = call.find(tx)
            secret = self._planner.as_it_holds(tx, secret)
            call.record(tx, secret.arn)
        return rotation_settings(secret)

    @audited("CancelRotateSecret")
    def cancel_rotation(
        self, *, caller: Caller, request_id: str, secret_id: str
    ) -> CancelledRotation:
        """Turns rotation off and abandons what is under way; rules, rotator and labels stay.

        Raises:
            InvalidRequest: rotation was never configured, or the secret is marked for deletion.
            ResourceNotFound: there is no such secret.
        """
        call = Call(
            event="CancelRotateSecret", caller=caller, request_id=request_id, secret_id=secret_id
        )
        with self._store.write() as tx:
            secret = call.find_usable(tx, for_update=True)
            if secret.rotator is None:
                raise InvalidRequest(_NEVER_CONFIGURED)
            abandon_rotation(
                tx,
                call=call,
                secret=secret,
                rotation=rotations.active(tx, secret.id, for_update=True),
                reason="rotation was cancelled",
            )
            at = labels.load(tx, secret.id)
            pending = at.version(PENDING)
            partial = None if pending == at.version(CURRENT) else pending
            cancelled = {"changed_at": tx.now, "rotation_enabled": False, **NOT_DUE}
            call.change(tx, secret, cancelled, version_id=partial)
        return CancelledRotation(arn=secret.arn, name=secret.name, version_id=partial)


def _asked(rotator: str | None, rules: RotationRules | None, immediately: bool) -> Asked:
    return asked(
        RotationLambdaARN=rotator,
        ModifyRotationRules=rules is not None,
        RotateImmediately=immediately,
    )


def _uses_otherwise(secret: SecretRow, rotator: str, options: RotationOptions | None) -> bool:
    """Whether this changes what the admin secret may be used for, or where it is sent: the rotator's own settings may
    name servers.
    """
    if rotator != secret.rotator:
        return True
    if options is None:
        return False
    uses = attrgetter("allow_privileged", "allow_other_server", "settings")
    return bool(uses(options) != uses(RotationOptions.from_column(secret.rotation_options)))


def _recorded(settings: RotationSettings) -> dict[str, Any]:
    """The settings as the audit record keeps them: who may do what to whom, and when."""
    return {
        "rotator": settings.rotator,
        "schedule_expression": settings.schedule_expression,
        "automatically_after_days": settings.automatically_after_days,
        "duration": settings.duration,
        "timezone": settings.timezone,
        "missed": settings.missed,
        "authority": None if settings.authority is None else authority_column(settings.authority),
        "options": settings.options.to_column(),
    }

"""DeleteSecret, RestoreSecret."""

from datetime import datetime, timedelta

from rotator.errors import InvalidParameter, InvalidRequest, ResourceNotFound
from rotator.manager.abandon import abandon_rotation
from rotator.manager.asked import asked
from rotator.manager.call import Call
from rotator.manager.checks import checked_recovery
from rotator.manager.next_due import NOT_DUE, anchor_of
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.results import Deletion, SecretName
from rotator.model.caller import Caller, CallerKind
from rotator.model.names import parse_secret_id, secret_arn
from rotator.model.rotation import Status
from rotator.store import administration, rotations, secrets, versions
from rotator.store.changes import GONE
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx

# Events of the service itself; purging ends with the last of them.
MARKED = "StartSecretVersionDelete"
RESTORED = "CancelSecretVersionDelete"
PURGED = "EndSecretVersionDelete"

_NAMED = 5  # secrets that a refusal names


class Deleting(Operations):
    """How a secret goes, and comes back before it is gone for good."""

    @audited("DeleteSecret")
    def delete_secret(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        recovery_window_in_days: int | None = None,
        force_without_recovery: bool = False,
    ) -> Deletion:
        """Marks a secret for deletion, or removes it at once.

        A rotation under way is abandoned. An old credential whose grace period lasts longer than the recovery window is
        retired when that is over: at once with forcing. Where a rotation may have changed its target and no probe has
        settled which value lives, forcing marks the secret with a window that is over, so that the value is there until
        then.

        Raises:
            InvalidParameter: the window is out of range, or named although none is wanted; or the secret is a replica,
                or has replicas.
            InvalidRequest: it is marked already, or is the admin secret of others and the caller is a person at the
                command line. On the real service nothing but a rotation knows of admin secrets, so the API lets it go.
            ResourceNotFound: there is no such secret; forcing succeeds then.
        """
        days = checked_recovery(recovery_window_in_days, force=force_without_recovery)
        call = Call(
            event="DeleteSecret",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
            asked=asked(
                RecoveryWindowInDays=recovery_window_in_days,
                ForceDeleteWithoutRecovery=force_without_recovery,
            ),
        )
        try:
            with self._store.write() as tx:
                if force_without_recovery:
                    return _remove(tx, call)
                return _mark(tx, call, days=days)
        except ResourceNotFound:
            if not force_without_recovery:
                raise
        return self._already_gone(call, secret_id)

    def _already_gone(self, call: Call, secret_id: str) -> Deletion:
        """The answer to forcing the deletion of what isn't there: the same as if it had been."""
        ref = parse_secret_id(secret_id)
        arn = ref.arn or secret_arn(
            region=call.caller.region,
            account=call.caller.account,
            name=ref.name,
            suffix=self._random_suffix(),
        )
        with self._store.write() as tx:
            call.permit(tx, account=call.caller.account, region=call.caller.region, arn=arn)
            tx.record(call.nothing_done({"missing": True}))
            return Deletion(arn=arn, name=ref.name, deletion_date=tx.now)

    @audited("RestoreSecret")
    def restore_secret(self, *, caller: Caller, request_id: str, secret_id: str) -> SecretName:
        """Takes back a deletion; its schedule, if it has one, goes on from now.

        Raises:
            ResourceNotFound: there is no such secret, or it is gone for good.
        """
        call = Call(
            event="RestoreSecret", caller=caller, request_id=request_id, secret_id=secret_id
        )
        with self._store.write() as tx:
            secret = call.find(tx, for_update=True)
            restored = secret._replace(deleted_at=None, purge_at=None)
            anchor = anchor_of(secret, now=tx.now)
            due = self._planner.due_columns(tx, restored, rotated_at=anchor, now=tx.now)
            if secret.deleted_at is not None:
                call.record(tx, secret.arn, event=RESTORED)
                unmarked = {"deleted_at": None, "purge_at": None, "changed_at": tx.now}
                call.change(tx, secret, {**unmarked, **due})
            else:
                call.record(tx, secret.arn)
        return SecretName(arn=secret.arn, name=secret.name)


def _mark(tx: Tx, call: Call, *, days: int) -> Deletion:
    administration.lock_authority(tx)
    secret = call.find_usable(tx, for_update=True)
    _refuse_replicated(call, secret)
    _refuse_admin(tx, call, secret)
    purge_at = tx.now + timedelta(days=days)
    _abandon(tx, call, secret, purge_at=purge_at)
    call.record(tx, secret.arn, event=MARKED)
    marked = {"deleted_at": tx.now, "purge_at": purge_at, "changed_at": tx.now, **NOT_DUE}
    call.change(tx, secret, marked, detail={"recovery_window_in_days": days})
    return Deletion(arn=secret.arn, name=secret.name, deletion_date=purge_at)


def _remove(tx: Tx, call: Call) -> Deletion:
    administration.lock_authority(tx)
    secret = call.find(tx, for_update=True)
    _refuse_replicated(call, secret)
    _refuse_admin(tx, call, secret)
    _abandon(tx, call, secret, purge_at=tx.now)
    unsettled = versions.any_pinned(tx, secret.id)
    if unsettled:
        marked = {"deleted_at": secret.deleted_at or tx.now, "purge_at": tx.now, **NOT_DUE}
        call.change(tx, secret, marked, detail={"forced": True, "unsettled": True})
    else:
        secrets.remove(tx, secret.id)
        gone = secret.revision + 1
        call.record(tx, secret.arn, event=PURGED, detail={"left": GONE}, revision=gone)
        call.record(tx, secret.arn, detail={"forced": True, "unsettled": False})
    return Deletion(arn=secret.arn, name=secret.name, deletion_date=tx.now)


def _refuse_replicated(call: Call, secret: SecretRow) -> None:
    if secret.replicas:
        regions = ", ".join(sorted(secret.replicas))
        raise InvalidParameter(
            f"You can't delete secret {call.secret_id} that still has replica regions [{regions}]."
        )


def _refuse_admin(tx: Tx, call: Call, secret: SecretRow) -> None:
    if call.caller.kind is not CallerKind.LOCAL:
        return
    found = administration.administered(tx, secret.arn, limit=_NAMED + 1)
    if not found:
        return
    shown = ", ".join(found[:_NAMED]) + (" and others" if len(found) > _NAMED else "")
    raise InvalidRequest(
        f"{secret.name} is the admin secret of {shown}: without it their rotations fail. Give each another one first "
        f"(rotate rotation set {found[0]} --admin SECRET), or none (--no-admin) where the credential changes itself."
    )


def _abandon(tx: Tx, call: Call, secret: SecretRow, *, purge_at: datetime) -> None:
    """Abandons its rotation; or lets the grace period of an old credential end with the secret's window."""
    rotation = rotations.active(tx, secret.id, for_update=True)
    abandon_rotation(
        tx, call=call, secret=secret, rotation=rotation, reason="the secret was deleted"
    )
    if rotation is not None and rotation.status == Status.GRACE and not rotation.touched:
        rotations.end_grace_by(tx, rotation, moment=purge_at)

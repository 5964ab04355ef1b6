"""CreateSecret, DeleteSecret, RestoreSecret."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy.exc import IntegrityError

from rotator.crypto.envelope import SealContext
from rotator.errors import InvalidParameter, InvalidRequest, ResourceExists, ResourceNotFound
from rotator.manager import limits
from rotator.manager.abandon import abandon_rotation
from rotator.manager.asked import asked, asked_key, asked_tags
from rotator.manager.call import Call
from rotator.manager.checks import (
    check_tags,
    checked_key,
    checked_recovery,
    checked_token,
    checked_value,
)
from rotator.manager.next_due import NOT_DUE, anchor_of
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.replica_regions import asked_regions, checked_regions, closed_keys
from rotator.manager.replica_rows import replicate
from rotator.manager.replicating import described
from rotator.manager.results import Deletion, ReplicaDescription, SecretName, StoredVersion
from rotator.model.caller import Caller, CallerKind
from rotator.model.labels import CURRENT, Labels
from rotator.model.names import check_name, parse_secret_id, secret_arn
from rotator.model.replication import ReplicaRegion
from rotator.model.rotation import Status
from rotator.sdk import SecretValue
from rotator.store import administration, creation, replicas, rotations, secrets, versions
from rotator.store.changes import GONE
from rotator.store.creation import NewSecret
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx
from rotator.store.versions import VersionRow

# Events of the service itself; purging ends with the last of them.
MARKED = "StartSecretVersionDelete"
RESTORED = "CancelSecretVersionDelete"
PURGED = "EndSecretVersionDelete"

_NAMED = 5  # secrets that a refusal names


@dataclass(frozen=True, slots=True, kw_only=True)
class _NewSecret:
    name: str
    token: str
    value: SecretValue | None
    description: str | None
    kms_key_id: str | None
    tags: Mapping[str, str]
    regions: Sequence[ReplicaRegion]
    force_overwrite: bool


class Lifecycle(Operations):
    """How a secret comes and goes."""

    @audited("CreateSecret")
    def create_secret(
        self,
        *,
        caller: Caller,
        request_id: str,
        name: str,
        value: SecretValue | None = None,
        client_request_token: str | None = None,
        description: str | None = None,
        kms_key_id: str | None = None,
        tags: Mapping[str, str] | None = None,
        add_replica_regions: Sequence[ReplicaRegion] | None = None,
        force_overwrite: bool = False,
    ) -> StoredVersion:
        """Makes a secret, with a first version labelled AWSCURRENT where a value is given.

        Args:
            add_replica_regions: where it is replicated to, as ReplicateSecretToRegions has it.
            force_overwrite: likewise.

        Raises:
            InvalidParameter, ValidationError: a parameter is out of its limits.
            ResourceExists: the name is in use, or the token is, with another value.
            InvalidRequest: a secret of this name is scheduled for deletion.
        """
        check_name(name)
        token = checked_token(client_request_token) or self._new_token()
        limits.check("CreateSecret", Description=description, KmsKeyId=kms_key_id)
        key = checked_key(self._sealer.provider, kms_key_id)
        check_tags(tags or {})
        if add_replica_regions is not None:
            checked_regions(
                "CreateSecret", add_replica_regions, own=caller.region, served=self._regions
            )
        if value is not None:
            checked_value(value)
        call = Call(
            event="CreateSecret",
            caller=caller,
            request_id=request_id,
            secret_id=name,
            asked=asked(
                Name=name,
                Description=description,
            )
            | asked_key(self._sealer.provider, kms_key_id, caller)
            | asked_regions(add_replica_regions, force=force_overwrite)
            | (asked_tags(tags) if tags else {}),
        )
        new = _NewSecret(
            name=name,
            token=token,
            value=value,
            description=description or None,
            kms_key_id=key,
            tags=tags or {},
            regions=add_replica_regions or (),
            force_overwrite=force_overwrite,
        )
        try:
            made = self._create(call, new)
        except IntegrityError:
            # Another process made a secret of this name after we looked for one: now we find it.
            made = self._create(call, new)
        if isinstance(made, StoredVersion):
            return made
        return self._repeat_create(call, new, *made)

    def _create(
        self, call: Call, new: _NewSecret
    ) -> StoredVersion | tuple[SecretRow, VersionRow | None]:
        """What was made, or the secret that has the name, with its version of the same token."""
        caller = call.caller
        arn = secret_arn(
            region=caller.region,
            account=caller.account,
            name=new.name,
            suffix=self._random_suffix(),
        )
        context = SealContext(
            account=caller.account, region=caller.region, secret_arn=arn, version_id=new.token
        )
        sealed = (
            None
            if new.value is None
            else self._sealer.seal(new.value, context=context, key=new.kms_key_id)
        )
        closed = closed_keys(self._sealer.provider, new.regions)
        with self._store.write() as tx:
            account, region = caller.account, caller.region
            call.permit(tx, account=account, region=region, arn=arn)
            for event, too in (
                ("TagResource", new.tags),
                ("ReplicateSecretToRegions", new.regions),
            ):
                if too:
                    replace(call, event=event).permit(tx, account=account, region=region, arn=arn)
            try:
                # Not as `Call.find`: what policies say was asked of the ARN that it would get.
                secret = secrets.find(tx, account=account, region=region, secret_id=new.name)
            except ResourceNotFound:
                pass
            else:
                return secret, versions.get(tx, secret_id=secret.id, version_id=new.token)
            made = NewSecret(
                account=caller.account,
                region=caller.region,
                name=new.name,
                arn=arn,
                description=new.description,
                kms_key_id=new.kms_key_id,
                tags=new.tags,
                versions={} if sealed is None else {new.token: sealed},
                labels=Labels() if sealed is None else Labels().first(new.token),
            )
            creation.add(tx, [made])
            version_id = None if sealed is None else new.token
            left = {"left": creation.left(tx, made)}
            call.record(tx, arn, version_id=version_id, detail=left, revision=creation.REVISION)
            replication = _replicate_new(tx, call, new, closed=closed)
        return StoredVersion(
            arn=arn,
            name=new.name,
            version_id=version_id,
            stages=() if version_id is None else (CURRENT,),
            replication=replication,
        )

    def _repeat_create(
        self, call: Call, new: _NewSecret, secret: SecretRow, version: VersionRow | None
    ) -> StoredVersion:
        """The answer to a creation that was answered before: the same, where it is the same."""
        if secret.deleted_at is not None:
            raise InvalidRequest(
                "You can't create this secret because a secret with this name is already scheduled "
                "for deletion."
            )
        if new.value is None or version is None or version.sealed is None:
            raise ResourceExists(
                f"The operation failed because the secret {new.name} already exists."
            )
        self._refuse_other_content(call, secret, version, new.value)
        return self._repeated(call, secret, new.token)

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


def _replicate_new(
    tx: Tx, call: Call, new: _NewSecret, *, closed: Mapping[str, str]
) -> tuple[ReplicaDescription, ...]:
    if not new.regions:
        return ()
    replicas.lock(tx)
    secret = call.find(tx, for_update=True)
    kept = replicate(tx, call, secret, new.regions, closed=closed, force=new.force_overwrite)
    return described(secret._replace(replicas=kept), {})

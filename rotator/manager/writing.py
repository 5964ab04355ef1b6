"""PutSecretValue and UpdateSecretVersionStage: new values, and which version is which."""

from collections.abc import Sequence

from rotator.crypto.envelope import Sealed
from rotator.errors import InvalidParameter, InvalidRequest, ResourceNotFound
from rotator.manager.abandon import abandon_rotation
from rotator.manager.call import Call
from rotator.manager.checks import check_stage, check_stages, check_value, checked_token
from rotator.manager.next_due import due_columns, rules_of
from rotator.manager.operations import Operations, seal_context
from rotator.manager.results import SecretName, StoredVersion
from rotator.model.caller import Caller, CallerKind
from rotator.model.labels import CURRENT, PENDING, PREVIOUS, Labels
from rotator.model.rotation import Status
from rotator.schedule import Rate
from rotator.sdk import SecretValue
from rotator.store import labels, rotations, secrets, versions
from rotator.store.rotations import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx
from rotator.store.versions import VersionRow

# A rotation stands on these; a label of one's own may move while it runs.
_ROTATION_LABELS = frozenset({CURRENT, PENDING, PREVIOUS})


class Writing(Operations):
    """How values are stored and labelled."""

    def put_secret_value(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        value: SecretValue,
        client_request_token: str | None = None,
        version_stages: Sequence[str] | None = None,
    ) -> StoredVersion:
        """Stores a value as a new version, or as the value of the version that a rotation has prepared.

        The version gets AWSCURRENT where no stages are named or the secret has no value yet. With the token of the
        rotation under way and AWSPENDING alone it is that rotation's own; any other abandons it and takes AWSPENDING
        off. A value put by hand counts as a rotation where the schedule is a rate.

        Raises:
            InvalidParameter: a parameter is out of its limits.
            InvalidRequest: the secret is marked for deletion.
            LimitExceeded: there would be more than 20 labels.
            ResourceExists: the token is in use for a version with another value.
            ResourceNotFound: no such secret.
        """
        token = checked_token(client_request_token) or self._new_token()
        check_value(value)
        check_stages(version_stages)
        call = Call(
            event="PutSecretValue", caller=caller, request_id=request_id, secret_id=secret_id
        )
        while True:
            with call.read(self._store) as tx:
                secret = call.find_usable(tx)
                version = versions.get(tx, secret_id=secret.id, version_id=token)
            if version is not None and version.sealed is not None:
                self._refuse_other_content(call, secret, version, value)
                return self._repeated(call, secret, token)
            sealed = self._sealer.seal(value, context=seal_context(secret, token))
            stored = self._put(call, sealed, secret=secret, token=token, stages=version_stages)
            if stored is not None:
                return stored

    def _put(
        self,
        call: Call,
        sealed: Sealed,
        *,
        secret: SecretRow,
        token: str,
        stages: Sequence[str] | None,
    ) -> StoredVersion | None:
        """The stored version; None where someone else has used the token, or replaced the secret, since we looked."""
        with call.write(self._store) as tx:
            now_secret = call.find_usable(tx, for_update=True)
            version = versions.get(tx, secret_id=now_secret.id, version_id=token)
            if now_secret.id != secret.id or (version is not None and version.sealed is not None):
                return None
            rotation = rotations.active(tx, secret.id, for_update=True)
            before = labels.load(tx, secret.id)
            if _is_of_rotation(rotation, token=token, stages=stages):
                after = before.put(token, stages)
            else:
                after = _labels_after_put(now_secret, before, token=token, stages=stages)
                abandon_rotation(
                    tx,
                    call=call,
                    secret=now_secret,
                    rotation=rotation,
                    reason="a value was put from outside",
                )
            _store_value(tx, version, secret_id=secret.id, token=token, sealed=sealed)
            labels.save(tx, secret.id, before=before, after=after)
            versions.prune(tx, secret.id)
            made_current = after.version(CURRENT) == token != before.version(CURRENT)
            due = _due_after_put(tx, now_secret) if made_current else {}
            secrets.update(tx, secret.id, changed_at=tx.now, **due)
            call.record(tx, secret.arn, version_id=token)
        return StoredVersion(
            arn=secret.arn, name=secret.name, version_id=token, stages=after.of(token)
        )

    def update_secret_version_stage(
        self,
        *,
        caller: Caller,
        request_id: str,
        secret_id: str,
        version_stage: str,
        move_to_version_id: str | None = None,
        remove_from_version_id: str | None = None,
    ) -> SecretName:
        """Moves a staging label to a version, or takes it off.

        AWSPREVIOUS follows AWSCURRENT to the version that it left; AWSPENDING stays. A move of one of these three
        from outside abandons a rotation under way.

        Raises:
            InvalidParameter: the label is elsewhere than said, or AWSCURRENT would be on no version.
            InvalidRequest: the secret is marked for deletion, or AWSCURRENT would be on a version without a value.
            LimitExceeded: there would be more than 20 labels.
            ResourceNotFound: no such secret or version.
        """
        check_stage(version_stage)
        if move_to_version_id is None and remove_from_version_id is None:
            raise InvalidParameter(
                "You must provide MoveToVersionId, RemoveFromVersionId, or both of them."
            )
        call = Call(
            event="UpdateSecretVersionStage",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
        )
        with call.write(self._store) as tx:
            secret = call.find_usable(tx, for_update=True)
            before = labels.load(tx, secret.id)
            named = [v for v in (move_to_version_id, remove_from_version_id) if v is not None]
            _refuse_unfit(tx, secret, named, to=move_to_version_id, stage=version_stage)
            after = before.move(
                version_stage, to=move_to_version_id, remove_from=remove_from_version_id
            )
            if after != before:
                _move(tx, call, secret, stage=version_stage, before=before, after=after)
            call.record(
                tx,
                secret.arn,
                version_id=move_to_version_id,
                detail={"stage": version_stage, "removed_from": remove_from_version_id},
            )
        return SecretName(arn=secret.arn, name=secret.name)


def _is_of_rotation(
    rotation: RotationRow | None, *, token: str, stages: Sequence[str] | None
) -> bool:
    """Whether a put is the rotation's own createSecret. One that asks for AWSCURRENT would skip testSecret."""
    return (
        rotation is not None
        and rotation.status != Status.ABANDONING
        and rotation.token == token
        and set(stages or ()) == {PENDING}
    )


def _labels_after_put(
    secret: SecretRow, before: Labels, *, token: str, stages: Sequence[str] | None
) -> Labels:
    # AWS: a new version during a rotation takes AWSPENDING off, also where the rotation has ended and left it behind.
    kept = before if secret.rotator is None else before.without_pending()
    if kept.version(CURRENT) is None:
        return kept.first(token, stages)
    return kept.put(token, stages)


def _store_value(
    tx: Tx, version: VersionRow | None, *, secret_id: int, token: str, sealed: Sealed
) -> None:
    if version is None:
        versions.insert(tx, secret_id=secret_id, version_id=token, sealed=sealed)
    else:
        versions.set_value(tx, secret_id=secret_id, version_id=token, sealed=sealed)


def _due_after_put(tx: Tx, secret: SecretRow) -> dict[str, object]:
    """A value put by hand counts as a rotation for a rate; a cron expression names its windows whatever happens."""
    if not secret.rotation_enabled or not isinstance(rules_of(secret), Rate):
        return {}
    return {"rules_at": tx.now, **due_columns(secret, rotated_at=tx.now, now=tx.now)}


def _refuse_unfit(
    tx: Tx, secret: SecretRow, named: Sequence[str], *, to: str | None, stage: str
) -> None:
    found = versions.many(tx, secret.id, named)
    for version_id in named:
        if version_id not in found:
            raise ResourceNotFound(
                f"Secrets Manager can't find the specified secret value for VersionId: {version_id}"
            )
    if stage == CURRENT and to is not None and found[to].sealed is None:
        raise InvalidRequest(
            f"Version {to} has no value yet, so it can't be AWSCURRENT. Put its value first."
        )


def _move(
    tx: Tx, call: Call, secret: SecretRow, *, stage: str, before: Labels, after: Labels
) -> None:
    labels.save(tx, secret.id, before=before, after=after)
    secrets.update(tx, secret.id, changed_at=tx.now)
    if stage in _ROTATION_LABELS and call.caller.kind is not CallerKind.SERVICE:
        abandon_rotation(
            tx,
            call=call,
            secret=secret,
            rotation=rotations.active(tx, secret.id, for_update=True),
            reason=f"{stage} was moved from outside",
        )

"""UpdateSecretVersionStage: which version is which."""

from collections.abc import Sequence

from rotator.errors import InvalidParameter, InvalidRequest, ResourceNotFound
from rotator.manager import limits
from rotator.manager.abandon import abandon_rotation
from rotator.manager.call import Call
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.results import SecretName
from rotator.model.caller import Caller, CallerKind
from rotator.model.labels import CURRENT, PENDING, PREVIOUS
from rotator.store import labels, rotations, versions
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx

# A rotation stands on these; a label of one's own may move while it runs.
_ROTATION_LABELS = frozenset({CURRENT, PENDING, PREVIOUS})


class Staging(Operations):
    """How versions are labelled."""

    @audited("UpdateSecretVersionStage")
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
            ValidationError: a parameter is out of its limits.
        """
        limits.check(
            "UpdateSecretVersionStage",
            VersionStage=version_stage,
            MoveToVersionId=move_to_version_id,
            RemoveFromVersionId=remove_from_version_id,
        )
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
        with self._store.write() as tx:
            secret = call.find_usable(tx, for_update=True)
            before = labels.load(tx, secret.id)
            named = [v for v in (move_to_version_id, remove_from_version_id) if v is not None]
            _refuse_unfit(tx, secret, named, to=move_to_version_id, stage=version_stage)
            after = before.move(
                version_stage, to=move_to_version_id, remove_from=remove_from_version_id
            )
            detail = {"stage": version_stage, "removed_from": remove_from_version_id}
            if after == before:
                call.record(tx, secret.arn, version_id=move_to_version_id, detail=detail)
            else:
                labels.save(tx, secret.id, before=before, after=after)
                _abandon(tx, call, secret, stage=version_stage)
                call.change(
                    tx,
                    secret,
                    {"changed_at": tx.now},
                    version_id=move_to_version_id,
                    detail=detail,
                    labels=after.at,
                )
        return SecretName(arn=secret.arn, name=secret.name)


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


def _abandon(tx: Tx, call: Call, secret: SecretRow, *, stage: str) -> None:
    if stage in _ROTATION_LABELS and call.caller.kind is not CallerKind.SERVICE:
        abandon_rotation(
            tx,
            call=call,
            secret=secret,
            rotation=rotations.active(tx, secret.id, for_update=True),
            reason=f"{stage} was moved from outside",
        )

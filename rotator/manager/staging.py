"""UpdateSecretVersionStage: which version is which."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rotator.errors import InvalidParameter, InvalidRequest, ResourceNotFound
from rotator.manager import limits
from rotator.manager.abandon import abandon_rotation
from rotator.manager.asked import asked
from rotator.manager.call import Call
from rotator.manager.function_runs import is_of_rotation, refuse_late
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.results import SecretName
from rotator.model.caller import Caller, CallerKind
from rotator.model.labels import CURRENT, PENDING, PREVIOUS, Labels
from rotator.store import labels, rotations, versions
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx

# A rotation stands on these; a label of one's own may move while it runs.
_ROTATION_LABELS = frozenset({CURRENT, PENDING, PREVIOUS})
_NO_BARRIER: Final[Mapping[str, Any]] = {"barrier_raised_at": None, "barrier_until": None}


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
        from outside abandons a rotation under way; that of AWSCURRENT to its tested version, which is what finishSecret
        of a rotation function does, is its own, and lets the read barrier fall.

        Raises:
            InvalidParameter: the label is elsewhere than said, or AWSCURRENT would be on no version.
            InvalidRequest: the secret is marked for deletion; or AWSCURRENT would be on a version without a value, or
                on one that a rotation has yet to test; or a rotation function is late, or moves what it may not.
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
            asked=asked(VersionStage=version_stage),
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
                own = _is_own(tx, call, secret, stage=version_stage, before=before, after=after)
                labels.save(tx, secret.id, before=before, after=after)
                call.change(
                    tx,
                    secret,
                    {"changed_at": tx.now, **(_NO_BARRIER if own else {})},
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


def _is_own(
    tx: Tx, call: Call, secret: SecretRow, *, stage: str, before: Labels, after: Labels
) -> bool:
    """Whether a move is that of the rotation under way. Any other abandons it, where a rotation stands on the label."""
    if call.caller.kind is CallerKind.SERVICE:
        return False
    function = call.caller.run is not None
    if stage not in _ROTATION_LABELS and not function:
        return False
    rotation = rotations.active(tx, secret.id, for_update=True)
    refuse_late(rotation, caller=call.caller, rotation_token=None)
    if is_of_rotation(rotation, caller=call.caller, stage=stage, before=before, after=after):
        return True
    if stage in _ROTATION_LABELS:
        abandon_rotation(
            tx,
            call=call,
            secret=secret,
            rotation=rotation,
            reason=f"{stage} was moved from outside",
        )
    return False

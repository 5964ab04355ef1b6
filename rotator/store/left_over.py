"""Queries on credentials that a rotation has replaced, and that may still log in."""

from sqlalchemy import and_, bindparam, or_, select

from rotator.model.rotation import Status
from rotator.sdk import Overlap
from rotator.store import tables
from rotator.store.tx import Tx

_R = tables.rotations.c
UNRETIRED = and_(
    _R.finished,
    ~_R.retired,
    or_(_R.status == str(Status.UNRETIRED), and_(_R.status == str(Status.ABANDONED), _R.touched)),
)
"""The old credential of the rotation may still log in, and nobody is about to retire it."""

_GIVEN_UP = select(
    select(_R.id)
    .where(
        _R.secret_id == bindparam("secret_id"),
        _R.current_version == bindparam("version_id"),
        or_(_R.retired, _R.compromised, UNRETIRED),
    )
    .exists()
)
_SET_BESIDE = and_(
    _R.status == str(Status.ABANDONED),
    ~_R.finished,
    or_(_R.touched, _R.dirty),
    _R.overlap == str(Overlap.DUAL),
)
"""The new credential of the rotation, which was abandoned, may log in beside the one that is in use."""

OF_VERSION = and_(
    _R.secret_id == tables.versions.c.secret_id,
    or_(
        and_(_R.current_version == tables.versions.c.version_id, UNRETIRED),
        and_(_R.token == tables.versions.c.version_id, _SET_BESIDE),
    ),
)
"""The rotation has left the credential of the version on the target, where a later one takes it away."""

_LEFT_OVER = (
    select(tables.versions.c.version_id)
    .distinct()
    .join(tables.rotations, OF_VERSION)
    .where(tables.versions.c.secret_id == bindparam("secret_id"), tables.versions.c.pinned)
)


def was_given_up(tx: Tx, secret_id: int, version_id: str) -> bool:
    """Whether a rotation has retired the credential of a version, was about to, or knew it to be compromised."""
    of = {"secret_id": secret_id, "version_id": version_id}
    return bool(tx.execute(_GIVEN_UP, of).scalar_one())


def left_over(tx: Tx, secret_id: int) -> frozenset[str]:
    """Pinned versions whose credential a rotation has replaced and could not retire, or set before it was abandoned."""
    return frozenset(tx.execute(_LEFT_OVER, {"secret_id": secret_id}).scalars())

"""What always holds of a secret, whatever fails: the design's invariants, as far as the simulation reaches."""

from rotator.model import labels as names
from rotator.model.rotation import Status
from rotator.sdk import Overlap
from tests.simulation.rows import Rotation, Secret
from tests.simulation.store import POLICY, UNSETTLED

_AS_BEFORE = {Status.SUCCEEDED, Status.UNRETIRED, Status.FAILED, Status.ABANDONED, Status.DEGRADED}


class Broken(AssertionError):
    """An invariant does not hold; it says where, and by which seed it is seen again."""


def check(secret: Secret) -> None:
    """Everything that holds between any two instants.

    Raises:
        AssertionError: something does not.
    """
    _labels_are_right(secret)
    _what_logs_in_is_stored(secret)
    _bounded(secret)
    _no_late_change(secret)
    if not secret.meddled:
        _clients_log_in(secret)
        _both_log_in_during_the_grace(secret)
        _the_end_is_true(secret)


def _labels_are_right(secret: Secret) -> None:
    """Invariant 1."""
    current = secret.labels.version(names.CURRENT)
    assert current in secret.versions, "AWSCURRENT has no value"
    for label, version in secret.labels.at.items():
        given_up = (
            label == names.PENDING and secret.row is not None and not secret.row.state.created
        )
        assert version in secret.versions or given_up, f"{label} is on a version that is gone"


def _what_logs_in_is_stored(secret: Secret) -> None:
    """Invariants 2 and 12: a value is stored before the target has it, and kept while the target may have it.

    Where somebody has put a value: until a probe has settled which one lives.
    """
    lost = secret.rotator.target.accepted() - set(secret.versions.values())
    if secret.meddled:
        doubted = _token_in_doubt(secret)
        lost = {c for c in lost if doubted is not None and c.password.startswith(f"of-{doubted}#")}
    assert not lost, f"the target accepts what nobody has stored: {lost}"


def _token_in_doubt(secret: Secret) -> str | None:
    if secret.row is not None:
        return secret.row.token
    doubtful = secret.last is not None and secret.last.state.status in UNSETTLED
    return secret.last.token if secret.last is not None and doubtful else None


def _bounded(secret: Secret) -> None:
    """Invariant 9."""
    row = secret.row
    if row is not None:
        assert row.state.attempt <= POLICY.retry.attempts, "more attempts than allowed"
        assert row.state.reverts <= POLICY.retry.reverts, "more reverts than allowed"


def _no_late_change(secret: Secret) -> None:
    """Invariant 4, on the target."""
    assert not secret.rotator.target.late, (
        "an older owner's change arrived after its successor's login"
    )


def _clients_log_in(secret: Secret) -> None:
    """AWSCURRENT logs in all along; with a gap, but for what the journal says may be half done."""
    target = secret.rotator.target
    if target.accepts(secret.versions[secret.labels.at[names.CURRENT]]):
        return
    assert secret.rotator.overlap is Overlap.GAP, "a client's login failed"
    row = secret.row
    if row is None:
        assert secret.last is not None
        assert secret.last.state.status in UNSETTLED, "AWSCURRENT is dead, and nobody is told"
        return
    assert row.state.touched or row.state.dirty, "AWSCURRENT died before that was journalled"
    before = secret.last is not None and secret.last.state.status in UNSETTLED
    assert row.barrier or before, "AWSCURRENT died without a read barrier"


def _both_log_in_during_the_grace(secret: Secret) -> None:
    row = secret.row
    if row is not None and _rests(row):
        for version in (row.token, row.current):
            accepted = secret.rotator.target.accepts(secret.versions[version])
            assert accepted, f"{version} doesn't log in during the grace period"


def _rests(row: Rotation) -> bool:
    return row.state.status is Status.GRACE and not row.state.touched


def _the_end_is_true(secret: Secret) -> None:
    """Invariant 11, and that what was retired stays dead."""
    target = secret.rotator.target
    if secret.row is None and secret.last is not None:
        state = secret.last.state
        current = secret.versions[secret.labels.at[names.CURRENT]]
        if state.status in _AS_BEFORE:
            assert target.accepts(current), f"{state.status}, but AWSCURRENT doesn't log in"
        if state.retired:
            old = secret.versions.get(secret.last.current)
            assert old is None or not target.accepts(old), (
                "the old credential was retired and logs in"
            )

"""What a claim finds: whether the secret can be rotated, its admin secret, the versions that may log in."""

from collections.abc import Mapping
from dataclasses import dataclass

from rotator.errors import InvalidRequest, ResourceNotFound
from rotator.manager.next_due import rules_of
from rotator.manager.settings import pinned_authority
from rotator.model import labels as names
from rotator.model.labels import Labels
from rotator.model.rotation import Status
from rotator.sdk import Candidate
from rotator.store import secrets, versions
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx
from rotator.store.versions import VersionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What every claim has read.

    Attributes:
        admin: the admin secret with its current version, where one is pinned.
        asked: when the claim began to read, a reading of `rotator.sdk.clock`.
    """

    secret: SecretRow
    labels: Labels
    admin: tuple[SecretRow, VersionRow] | None
    asked: float


def left_token(at: Labels) -> str | None:
    """The version that AWSPENDING was left on, None where there is none but the current one."""
    pending = at.version(names.PENDING)
    return None if pending == at.version(names.CURRENT) else pending


def check_rotatable(secret: SecretRow, row: RotationRow | None) -> str:
    """The secret's rotator.

    Raises:
        InvalidRequest: it has no rotation settings, or is marked for deletion.
    """
    if row is not None and row.status in {Status.ABANDONING, Status.GRACE}:
        return row.rotator
    if secret.deleted_at is not None:
        raise InvalidRequest(
            "You can't perform this operation on the secret because it was marked for deletion. "
            "Restore it first: rotate secret restore"
        )
    if secret.rotator is None:
        raise InvalidRequest(
            "No Lambda rotation function ARN is associated with this secret. "
            "Choose a rotator first: rotate rotation set SECRET --rotator NAME"
        )
    try:
        rules_of(secret)
    except ValueError:
        raise InvalidRequest(
            f"The rotation rules of {secret.name} are none that can be set: their row in the store was altered. "
            "Set them again: rotate rotation set SECRET --schedule EXPRESSION. What else was altered: "
            "rotate audit verify"
        ) from None
    if pinned_authority(secret) is None:
        raise InvalidRequest(
            "What a rotation of this secret may act on was never pinned. "
            "Pin it: rotate rotation set SECRET --rotator NAME"
        )
    return secret.rotator


def admin_value(
    tx: Tx, secret: SecretRow, *, for_update: bool = False
) -> tuple[SecretRow, VersionRow] | None:
    """The pinned admin secret with its current version, None where none is pinned.

    Args:
        for_update: the admin secret's own claim waits until this transaction ends, so that both see each other.

    Raises:
        InvalidRequest: the admin secret is gone, marked for deletion, or has no value.
    """
    if secret.admin_arn is None:
        return None
    way_out = (
        f"Name another: rotate rotation set {secret.name} --admin ADMIN-SECRET; or, where the credential may "
        "change itself, --no-admin"
    )
    try:
        admin = secrets.find(
            tx,
            account=secret.account,
            region=secret.region,
            secret_id=secret.admin_arn,
            for_update=for_update,
        )
    except ResourceNotFound:
        raise InvalidRequest(
            f"{secret.name}'s admin secret {secret.admin_arn} is gone. {way_out}"
        ) from None
    if admin.deleted_at is not None:
        raise InvalidRequest(
            f"{secret.name}'s admin secret {admin.name} is marked for deletion. Restore it: "
            f"rotate secret restore {admin.name}. {way_out}"
        )
    version, _ = versions.at_label(tx, secret_id=admin.id, label=names.CURRENT)
    if version is None or version.sealed is None:
        raise InvalidRequest(
            f"The admin secret {admin.name} has no value. Store one: rotate secret put {admin.name}"
        )
    return admin, version


def candidates_of(
    tx: Tx, secret: SecretRow, labels: Labels, *, row: RotationRow | None, token: str | None
) -> dict[Candidate, VersionRow]:
    """The versions with a value that a probe may be about, by what they were when the rotation began."""
    settling = row is not None and row.status == Status.ABANDONING
    wanted: dict[Candidate, str | None]
    if row is None or settling:
        wanted = {
            Candidate.CURRENT: labels.version(names.CURRENT),
            Candidate.PREVIOUS: labels.version(names.PREVIOUS),
        }
    else:
        wanted = {Candidate.CURRENT: row.current_version, Candidate.PREVIOUS: row.previous_version}
    wanted[Candidate.PINNED if settling else Candidate.PENDING] = token
    current = labels.version(names.CURRENT)
    if row is not None and row.status == Status.GRACE and current != row.token:
        # What was stored from outside has taken the place of the rotation's own value, which is a left-over as well.
        wanted = {
            Candidate.CURRENT: row.current_version,
            Candidate.PENDING: current,
            Candidate.PINNED: token,
        }
    ids = {
        candidate: version_id for candidate, version_id in wanted.items() if version_id is not None
    }
    rows = versions.named_or_pinned(tx, secret.id, set(ids.values()))
    found = {c: rows[v] for c, v in ids.items() if v in rows and rows[v].sealed is not None}
    strangers = [row for version_id, row in rows.items() if version_id not in ids.values()]
    # An abandoned rotation that has stored no value yet may have begun with one that lives as an earlier one left it.
    if strangers and Candidate.PINNED not in (found if settling else wanted):
        found[Candidate.PINNED] = strangers[-1]
    return found


def pinned_beside(
    tx: Tx, secret: SecretRow, candidates: Mapping[Candidate, VersionRow]
) -> tuple[VersionRow, ...]:
    """Pinned versions with a value beyond the candidates, oldest first; there can be some where one of these is one."""
    if Candidate.PINNED not in candidates:
        return ()
    known = {row.version_id for row in candidates.values()}
    rows = versions.named_or_pinned(tx, secret.id, ())
    return tuple(
        row
        for version_id, row in rows.items()
        if version_id not in known and row.sealed is not None
    )

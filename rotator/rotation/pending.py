"""The version under a rotation's token, at AWSPENDING."""

from sqlalchemy.exc import IntegrityError

from rotator.crypto.envelope import Sealed
from rotator.errors import InvalidRequest
from rotator.model import labels as names
from rotator.rotation.claim import Claim
from rotator.store import labels, versions
from rotator.store.tx import Tx


def store(tx: Tx, claim: Claim, sealed: Sealed) -> None:
    """Stores the new value.

    Raises:
        InvalidRequest: somebody else has stored one under the token.
    """
    secret_id, token = claim.secret.id, claim.token
    found = None if claim.new_token else versions.get(tx, secret_id=secret_id, version_id=token)
    if found is None:
        try:
            versions.insert(tx, secret_id=secret_id, version_id=token, sealed=sealed)
        except IntegrityError:
            raise _not_ours(token) from None
    elif found.sealed is not None:
        raise _not_ours(token)
    else:
        versions.set_value(tx, secret_id=secret_id, version_id=token, sealed=sealed)
    before = labels.load(tx, claim.secret.id)
    labels.save(tx, claim.secret.id, before=before, after=before.put(claim.token, {names.PENDING}))


def prepare(tx: Tx, claim: Claim) -> None:
    """Makes it without a value, where there is none yet."""
    secret_id, token = claim.secret.id, claim.token
    if versions.get(tx, secret_id=secret_id, version_id=token) is None:
        versions.insert(tx, secret_id=secret_id, version_id=token, sealed=None)
    before = labels.load(tx, secret_id)
    if before.version(names.CURRENT) != token:
        labels.save(tx, secret_id, before=before, after=before.put(token, {names.PENDING}))


def _not_ours(token: str) -> InvalidRequest:
    return InvalidRequest(
        f"Somebody else stored a value under the token of this rotation, {token}, so it was given up before anything "
        "was changed. Rotate again: rotate now"
    )

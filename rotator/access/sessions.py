"""Temporary credentials. No row of the store tells of them: the session token is sealed, and carries what they are for.

Whoever holds the sealing keys can verify them, on any process; they end by themselves. That a rotation's run was taken
over ends them sooner, since each of its writes brings the fencing number along.
"""

import base64
import binascii
import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from rotator.access.credentials import TEMPORARY, Credentials, new_credentials
from rotator.crypto.envelope import SealContext, Sealed, Sealer
from rotator.errors import (
    DecryptionFailure,
    ExpiredToken,
    KeyUnavailable,
    UnrecognizedClient,
)
from rotator.model.caller import RotationRun
from rotator.sdk import SecretValue

_PLACE = "session-token"
_INVALID = "The security token included in the request is invalid."


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """What a session token says.

    Attributes:
        user_id: of the principal whose it is; None for a run's.
        run: the run of a rotation that it is for; None for a principal's.
    """

    secret_access_key: str = field(repr=False)
    expires: datetime
    user_id: str | None = None
    run: RotationRun | None = None


def issue(sealer: Sealer, subject: RotationRun | str, *, expires: datetime) -> Credentials:
    """Temporary credentials.

    Args:
        subject: the run of a rotation that they are for, or the unique id of a principal.
        expires: no request is let in with them after that.

    Raises:
        KeyUnavailable: nothing can be sealed.
    """
    made = new_credentials(TEMPORARY)
    claims: dict[str, object] = {
        "secret": made.secret_access_key,
        "expires": expires.astimezone(UTC).isoformat(),
    }
    if isinstance(subject, RotationRun):
        claims["run"] = asdict(subject)
    else:
        claims["user_id"] = subject
    value = SecretValue(binary=json.dumps(claims).encode())
    sealed = sealer.seal(value, context=_context(made.access_key_id))
    parts = (sealed.key_id.encode(), sealed.wrapped_key, sealed.nonce, sealed.ciphertext)
    token = ".".join(base64.b64encode(part).decode() for part in parts)
    return Credentials(
        access_key_id=made.access_key_id,
        secret_access_key=made.secret_access_key,
        session_token=token,
    )


def read(sealer: Sealer, access_key_id: str, token: str) -> Session:
    """What the token of temporary credentials says, whether it has expired or not.

    Raises:
        UnrecognizedClient: it is none that this server's keys sealed for this access key id.
    """
    try:
        key_id, wrapped_key, nonce, ciphertext = (
            base64.b64decode(part, validate=True) for part in token.split(".")
        )
        sealed = Sealed(
            key_id=key_id.decode(),
            wrapped_key=wrapped_key,
            binary=True,
            nonce=nonce,
            ciphertext=ciphertext,
        )
        if not sealer.vouches_for(sealed.key_id):
            raise UnrecognizedClient(_INVALID)
        opened = sealer.open(sealed, context=_context(access_key_id))
    except (ValueError, binascii.Error, DecryptionFailure, KeyUnavailable):
        raise UnrecognizedClient(_INVALID) from None
    claims = json.loads(opened.binary or b"{}")
    run = claims.get("run")
    return Session(
        secret_access_key=claims["secret"],
        expires=datetime.fromisoformat(claims["expires"]),
        user_id=claims.get("user_id"),
        run=None if run is None else RotationRun(**run),
    )


def refuse_expired(session: Session, now: datetime) -> None:
    """Nothing, where the credentials are good still.

    Raises:
        ExpiredToken: they are not.
    """
    if session.expires <= now:
        raise ExpiredToken("The security token included in the request is expired")


def _context(access_key_id: str) -> SealContext:
    return SealContext(account="", region="", secret_arn=_PLACE, version_id=access_key_id)

"""Access keys: how new ones are made, and which ones can be brought along."""

import re
import secrets
import string
from dataclasses import dataclass, field

from rotator.errors import InvalidParameter

LONG_TERM = "AKIA"
TEMPORARY = "ASIA"
_USER, _GROUP = "AIDA", "AGPA"
_ID_ALPHABET = string.ascii_uppercase + "234567"
_SECRET_ALPHABET = string.ascii_letters + string.digits + "+/"
_SECRET_LENGTH = 40
# IAM's own limits of an access key id. What begins as a temporary one would be taken for one.
_GIVEN_ID = re.compile(r"[A-Za-z0-9_]{16,128}")
_SHORTEST_SECRET = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What requests are signed with; the secret is shown in no repr."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)


def new_credentials(prefix: str = LONG_TERM) -> Credentials:
    """A random access key id, and a secret of 240 bits."""
    return Credentials(
        access_key_id=new_id(prefix),
        secret_access_key="".join(secrets.choice(_SECRET_ALPHABET) for _ in range(_SECRET_LENGTH)),
    )


def new_id(prefix: str) -> str:
    """A random id of 80 bits behind its prefix."""
    return prefix + "".join(secrets.choice(_ID_ALPHABET) for _ in range(16))


def new_user_id() -> str:
    """An id for a principal."""
    return new_id(_USER)


def new_group_id() -> str:
    """An id for a group."""
    return new_id(_GROUP)


def brought_along(access_key_id: str, secret_access_key: str) -> Credentials:
    """An access key that somebody has already.

    Raises:
        InvalidParameter: it can't be one; the secret is not quoted.
    """
    if _GIVEN_ID.fullmatch(access_key_id) is None or access_key_id.startswith(TEMPORARY):
        raise InvalidParameter(
            "An access key id has 16 to 128 letters, digits and underscores, and doesn't begin with "
            f"{TEMPORARY}, as those of temporary credentials do."
        )
    if not (len(secret_access_key) >= _SHORTEST_SECRET and secret_access_key.isascii()) or (
        secret_access_key.split() != [secret_access_key]
    ):
        raise InvalidParameter(
            f"A secret access key has at least {_SHORTEST_SECRET} ASCII characters, and no spaces."
        )
    return Credentials(access_key_id=access_key_id, secret_access_key=secret_access_key)

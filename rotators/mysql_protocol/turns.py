"""An account that gets a password."""

from dataclasses import dataclass
from typing import Generic

from rotators.mysql_protocol.accounts import A

LOCK = " ACCOUNT LOCK"
UNLOCK = " ACCOUNT UNLOCK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn(Generic[A]):
    """An account that gets a password.

    Attributes:
        name: quoted.
        model: the account whose way of authentication it takes: the original's, for a clone too.
        clone: it is the clone's.
        account: the account as it is, None where it isn't there yet.
    """

    name: str
    model: A
    clone: bool
    account: A | None

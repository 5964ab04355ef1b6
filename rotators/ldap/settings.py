"""The settings of the rotator."""

from dataclasses import dataclass
from typing import Literal

from rotator.sdk import PasswordSettings, setting

Scheme = Literal["SSHA", "SSHA256", "SSHA512"]


@dataclass(frozen=True, kw_only=True)
class LdapSettings(PasswordSettings):
    """What `rotation set` stored for the rotator."""

    scheme: Scheme = setting(
        "how the server is given a new password; those of SHA-2 need its module pw-sha2",
        default="SSHA",
    )

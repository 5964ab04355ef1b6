"""The settings of the rotators besides those of the password."""

from collections.abc import Mapping
from typing import Any

from rotators.mysql_protocol.accounts import SETTING as ACCOUNTS

CLEAR_TEXT = "clear_text"
"""True: where MariaDB's strict_password_validation refuses every hash, passwords are sent as clear text instead, which
its general log and binary log show."""

OWN_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "MySQL": (ACCOUNTS,),
    "MariaDB": (ACCOUNTS, CLEAR_TEXT),
}


def clear_text_allowed(settings: Mapping[str, Any]) -> bool:
    """Whether the setting is true; as text too, which is how the command line gives it."""
    return settings.get(CLEAR_TEXT) in (True, "true")

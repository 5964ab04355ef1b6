"""The settings of the rotators besides those of the password."""

from dataclasses import dataclass

from rotator.sdk import PasswordSettings, setting

ACCOUNTS = "accounts"
CLEAR_TEXT = "clear_text"


@dataclass(frozen=True, kw_only=True)
class AccountSettings(PasswordSettings):
    """Those of MySQL, which MariaDB has too."""

    accounts: tuple[str, ...] = setting(
        "the accounts that rotate together, as user@host; without it those that have the secret's password",
        default=(),
    )


@dataclass(frozen=True, kw_only=True)
class MariadbSettings(AccountSettings):
    """Those of MariaDB."""

    clear_text: bool = setting(
        "where strict_password_validation refuses every hash, send passwords as clear text, which the server's general "
        "log and binary log show",
        default=False,
    )

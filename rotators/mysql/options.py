"""The options of a MySQL account, as clauses of ALTER USER. Pure.

Source: MySQL's manual, "Grant Tables", "ALTER USER Statement".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rotators.mysql_protocol.options import expiry, require

_LIMITS = {
    "MAX_QUERIES_PER_HOUR": "max_questions",
    "MAX_UPDATES_PER_HOUR": "max_updates",
    "MAX_CONNECTIONS_PER_HOUR": "max_connections",
    "MAX_USER_CONNECTIONS": "max_user_connections",
}

LOCKING_SINCE = (8, 0, 19)
"""FAILED_LOGIN_ATTEMPTS and PASSWORD_LOCK_TIME."""


def options(
    row: Mapping[str, Any], attributes: Mapping[str, Any], *, version: tuple[int, ...]
) -> tuple[str, ...]:
    """All clauses that the release knows, each with what the account has or with the default.

    Args:
        row: of mysql.user.
        attributes: its User_attributes.
        version: the server's.
    """
    return (
        _require(row),
        "WITH " + " ".join(f"{clause} {row[column]}" for clause, column in _LIMITS.items()),
        expiry(row["password_lifetime"]),
        *_reuse(row),
        *(_locking(attributes.get("Password_locking", {})) if version >= LOCKING_SINCE else ()),
    )


def _require(row: Mapping[str, Any]) -> str:
    match row["ssl_type"]:
        case "SPECIFIED":
            return require(
                subject=_text(row["x509_subject"]),
                issuer=_text(row["x509_issuer"]),
                cipher=_text(row["ssl_cipher"]),
            )
        case "X509":
            return "REQUIRE X509"
        case "ANY":
            return "REQUIRE SSL"
    return "REQUIRE NONE"


def _reuse(row: Mapping[str, Any]) -> Iterator[str]:
    for column, clause, unit in (
        ("Password_reuse_history", "PASSWORD HISTORY", ""),
        ("Password_reuse_time", "PASSWORD REUSE INTERVAL", " DAY"),
    ):
        if column in row:
            number = row[column]
            yield f"{clause} DEFAULT" if number is None else f"{clause} {number}{unit}"
    if "Password_require_current" in row:
        words = {"Y": "", "N": " OPTIONAL"}
        yield "PASSWORD REQUIRE CURRENT" + words.get(row["Password_require_current"], " DEFAULT")


def _locking(locking: Mapping[str, Any]) -> tuple[str, ...]:
    days = locking.get("password_lock_time_days", 0)
    return (
        f"FAILED_LOGIN_ATTEMPTS {locking.get('failed_login_attempts', 0)}",
        f"PASSWORD_LOCK_TIME {'UNBOUNDED' if days == -1 else days}",
    )


def _text(column: str | bytes) -> str:
    return column.decode("utf-8", "replace") if isinstance(column, bytes) else column

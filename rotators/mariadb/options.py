"""The options of a MariaDB account, as clauses of ALTER USER. Pure.

Source: MariaDB's documentation, "mysql.global_priv Table", "ALTER USER".
"""

from collections.abc import Mapping
from typing import Any

from rotators.mysql_protocol.options import expiry, require

_REQUIRE = {1: "REQUIRE SSL", 2: "REQUIRE X509"}
_SPECIFIED = 3
_LIMITS = {
    "MAX_QUERIES_PER_HOUR": "max_questions",
    "MAX_UPDATES_PER_HOUR": "max_updates",
    "MAX_CONNECTIONS_PER_HOUR": "max_connections",
    "MAX_USER_CONNECTIONS": "max_user_connections",
    "MAX_STATEMENT_TIME": "max_statement_time",
}


def options(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """All clauses, each with what the account has or with the default.

    Args:
        facts: the column Priv of mysql.global_priv.
    """
    limits = " ".join(f"{clause} {facts.get(name) or 0:g}" for clause, name in _LIMITS.items())
    lifetime = facts.get("password_lifetime", -1)
    return (_require(facts), f"WITH {limits}", expiry(None if lifetime < 0 else lifetime))


def _require(facts: Mapping[str, Any]) -> str:
    kind = facts.get("ssl_type", 0)
    if kind != _SPECIFIED:
        return _REQUIRE.get(kind, "REQUIRE NONE")
    return require(
        subject=facts.get("x509_subject", ""),
        issuer=facts.get("x509_issuer", ""),
        cipher=facts.get("ssl_cipher", ""),
    )

"""The options of an account besides its password, as clauses of CREATE USER and ALTER USER. Pure."""

from rotators.mysql_protocol.quoting import literal


def require(*, subject: str, issuer: str, cipher: str) -> str:
    """The clause for accounts whose certificate or cipher is specified."""
    wanted = {"SUBJECT": subject, "ISSUER": issuer, "CIPHER": cipher}
    named = (f"{name} {literal(text)}" for name, text in wanted.items() if text)
    return "REQUIRE " + " AND ".join(named)


def expiry(lifetime: int | None) -> str:
    """When passwords expire.

    Args:
        lifetime: days, 0 for never, None for the server's default.
    """
    if lifetime is None:
        return "PASSWORD EXPIRE DEFAULT"
    return f"PASSWORD EXPIRE INTERVAL {lifetime} DAY" if lifetime else "PASSWORD EXPIRE NEVER"

"""Names and texts in statements.

Every session runs under `NO_BACKSLASH_ESCAPES` (see `session`), whatever the server's default is, so that a quote is
the only character of a text that means something.
"""


def literal(text: str) -> str:
    """`text` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """`name` as an SQL identifier."""
    return "`" + name.replace("`", "``") + "`"


def account(user: str, host: str) -> str:
    """The account `user`@`host` as statements name it."""
    return f"{literal(user)}@{literal(host)}"


def split_account(text: str) -> tuple[str, str]:
    """User and host of what CURRENT_USER() says: a user name may hold @, a host can't."""
    user, _, host = text.rpartition("@")
    return user, host

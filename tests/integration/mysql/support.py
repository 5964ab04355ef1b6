"""Values of MySQL and MariaDB accounts, for rotations that are driven verb by verb."""

from typing import Any

from rotator.sdk import Candidate, Overlap, Rotator, SecretValue
from tests.support.mysql import Account, MysqlDatabase
from tests.support.rotations import ADMIN_ARN, Values, attempt, rotation_of, with_pending


def value(server: MysqlDatabase, account: Account, **fields: Any) -> SecretValue:
    """The account's secret; further fields replace or, with None, remove what it has."""
    parsed = server.secret_value(account) | fields
    return SecretValue.from_json(
        {name: field for name, field in parsed.items() if field is not None}
    )


def current(server: MysqlDatabase, account: Account, **fields: Any) -> Values:
    """The values of a secret that was never rotated."""
    return {Candidate.CURRENT: value(server, account, **fields)}


def pending_of(
    kind: type[Rotator], server: MysqlDatabase, account: Account, **fields: Any
) -> Values:
    """The values with a new pending one, which no server knows yet."""
    return with_pending(kind, current(server, account, **fields))


def account_of(values: Values, candidate: Candidate, *, host: str = "%") -> Account:
    """The account and password that a value holds."""
    fields = values[candidate].fields()
    return Account(name=fields["username"], password=fields["password"], host=host)


def by_admin(server: MysqlDatabase, admin: Account | None = None) -> dict[str, Any]:
    """A rotation's fields for changes by the admin, the superuser by default."""
    return {"admin": value(server, admin or server.superuser)}


def both(values: Values, *, host: str = "%") -> tuple[Account, Account]:
    """The current and the pending credential."""
    return (
        account_of(values, Candidate.CURRENT, host=host),
        account_of(values, Candidate.PENDING, host=host),
    )


def retire(kind: type[Rotator], values: Values, **fields: Any) -> None:
    """The retirement of the current value, after a rotation to the pending one."""
    with attempt(kind) as rotator:
        rotator.retire_secret(
            rotation_of(values, live=Candidate.PENDING, overlap=Overlap.DUAL, **fields)
        )


__all__ = [
    "ADMIN_ARN",
    "account_of",
    "both",
    "by_admin",
    "current",
    "pending_of",
    "retire",
    "value",
]

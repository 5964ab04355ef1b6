"""The accounts `user`@`host` that belong to one secret. Pure: what the catalogue says in, a choice out."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from rotator.sdk import Misconfigured
from rotators.mysql_protocol import quoting
from rotators.mysql_protocol.settings import ACCOUNTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(ABC):
    """One account.

    Attributes:
        user: its user name.
        host: the pattern of the hosts that it may come from.
        locked: nobody may log in to it.
        options: its REQUIRE, limits and password policy, as clauses of ALTER USER.
    """

    user: str
    host: str
    locked: bool
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The account as statements name it."""
        return quoting.account(self.user, self.host)

    @abstractmethod
    def accepts(self, password: str) -> bool:
        """Whether the password is one of those that log in to it, as far as the catalogue can tell."""


A = TypeVar("A", bound=Account)


def choose(
    accounts: Sequence[A], passwords: Iterable[str], *, user: str, listed: Sequence[str]
) -> list[A]:
    """The accounts that rotate together.

    Args:
        accounts: all of the user.
        passwords: of the secret: an account that has one of them belongs to it.
        user: the secret's.
        listed: the rotation's setting `accounts`, which lists them instead where it isn't empty.

    Raises:
        Misconfigured: there is none, or nothing tells which of several.
    """
    hosts = existing_hosts(accounts, user=user, listed=listed)
    if hosts:
        return [account for account in accounts if account.host in hosts]
    known = set(passwords)
    matching = [a for a in accounts if any(a.accepts(password) for password in known)]
    if matching or len(accounts) == 1:
        return matching or list(accounts)
    raise none_belongs(accounts, user=user)


def none_belongs(accounts: Sequence[A], *, user: str) -> Misconfigured:
    """That nothing tells which of the user's accounts are the secret's."""
    if not accounts:
        return Misconfigured(
            f'there is no account of the user "{user}"', hint=f"CREATE USER {quoting.literal(user)}"
        )
    return Misconfigured(
        f'none of the {len(accounts)} accounts of the user "{user}" has the stored password: '
        + ", ".join(account.name for account in accounts),
        hint=f"say which belong to the secret in the rotation's setting {ACCOUNTS}: "
        f"{ACCOUNTS}={user}@{accounts[0].host}",
    )


def existing_hosts(accounts: Sequence[A], *, user: str, listed: Sequence[str]) -> frozenset[str]:
    """The hosts of the accounts that the rotation's setting lists.

    Args:
        accounts: all of the user.
        user: the secret's.
        listed: the setting.

    Raises:
        Misconfigured: one isn't there, is no account, or another user's.
    """
    hosts = listed_hosts(listed, user=user)
    missing = hosts - {account.host for account in accounts}
    if missing:
        raise Misconfigured(
            f"the setting {ACCOUNTS} lists accounts that are not there: "
            + ", ".join(quoting.account(user, host) for host in sorted(missing)),
            hint="correct it: SELECT user, host FROM mysql.user",
        )
    return hosts


def listed_hosts(listed: Sequence[str], *, user: str) -> frozenset[str]:
    """The hosts of the accounts that the rotation's setting lists.

    Raises:
        Misconfigured: one of them is no account, or another user's.
    """
    names = [quoting.split_account(name) for name in listed]
    strangers = sorted({name for name, _ in names if name != user})
    if strangers:
        raise Misconfigured(
            f'the setting {ACCOUNTS} lists accounts of other users than the secret\'s "{user}": {", ".join(strangers)}',
            hint="a secret is of one user; give the other one a secret of its own",
        )
    return frozenset(host for _, host in names)

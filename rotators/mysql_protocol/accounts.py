"""The accounts `user`@`host` that belong to one secret. Pure: what the catalogue says in, a choice out."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rotator.sdk import Misconfigured
from rotators.mysql_protocol import quoting

SETTING = "accounts"
"""The rotation's setting that lists the accounts: `app@10.%,app@localhost`, or a list of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account(ABC):
    """One account.

    Attributes:
        user: its user name.
        host: the pattern of the hosts that it may come from.
        locked: nobody may log in to it.
    """

    user: str
    host: str
    locked: bool

    @property
    def name(self) -> str:
        """The account as statements name it."""
        return quoting.account(self.user, self.host)

    @abstractmethod
    def accepts(self, password: str) -> bool:
        """Whether the password is one of those that log in to it, as far as the catalogue can tell."""


A = TypeVar("A", bound=Account)


def choose(
    accounts: Sequence[A], passwords: Iterable[str], *, user: str, settings: Mapping[str, Any]
) -> list[A]:
    """The accounts that rotate together.

    Args:
        accounts: all of the user.
        passwords: of the secret: an account that has one of them belongs to it.
        user: the secret's.
        settings: the rotation's; `accounts` lists them instead.

    Raises:
        Misconfigured: there is none, or nothing tells which of several.
    """
    listed = listed_hosts(settings, user=user)
    if listed is not None:
        missing = listed - {account.host for account in accounts}
        if missing:
            raise Misconfigured(
                f"the setting {SETTING} lists accounts that are not there: "
                + ", ".join(quoting.account(user, host) for host in sorted(missing)),
                hint="correct it: SELECT user, host FROM mysql.user",
            )
        return [account for account in accounts if account.host in listed]
    known = set(passwords)
    matching = [a for a in accounts if any(a.accepts(password) for password in known)]
    if matching or len(accounts) == 1:
        return matching or list(accounts)
    if not accounts:
        raise Misconfigured(
            f'there is no account of the user "{user}"', hint=f"CREATE USER {quoting.literal(user)}"
        )
    raise Misconfigured(
        f'none of the {len(accounts)} accounts of the user "{user}" has the stored password: '
        + ", ".join(account.name for account in accounts),
        hint=f"say which belong to the secret in the rotation's setting {SETTING}: "
        f"{SETTING}={user}@{accounts[0].host}",
    )


def listed_hosts(settings: Mapping[str, Any], *, user: str) -> frozenset[str] | None:
    """The hosts of the accounts that the rotation's setting lists; None where it lists none.

    Raises:
        Misconfigured: the setting is no list of accounts of this user.
    """
    setting = settings.get(SETTING)
    if setting is None:
        return None
    if isinstance(setting, str):
        setting = [name.strip() for name in setting.split(",")]
    if not isinstance(setting, list) or not setting or not all(type(n) is str for n in setting):
        raise Misconfigured(
            f"the setting {SETTING} is no list of accounts",
            hint=f"write it as {SETTING}={user}@%,{user}@localhost",
        )
    names = [quoting.split_account(name) for name in setting]
    strangers = sorted({name for name, _ in names if name != user})
    if strangers:
        raise Misconfigured(
            f'the setting {SETTING} lists accounts of other users than the secret\'s "{user}": {", ".join(strangers)}',
            hint="a secret is of one user; give the other one a secret of its own",
        )
    return frozenset(host for _, host in names)

"""The accounts of two users that take turns: each account of the original with the clone's at the same host. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic

from rotator.sdk import Misconfigured
from rotators.databases.user_names import pair_of
from rotators.mysql_protocol import quoting
from rotators.mysql_protocol.accounts import A, existing_hosts, none_belongs
from rotators.mysql_protocol.secret import MysqlSecret, Product


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Generic[A]):
    """An account of the original and the clone's at the same host, None where it isn't there yet."""

    original: A
    clone: A | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs(Generic[A]):
    """The accounts that a secret's rotation is about.

    Attributes:
        original, clone: the users' names.
        chosen: those that rotate together.
        others: further accounts of the original, which stay as they are.
        leftovers: accounts of the clone where the original has none that rotates.
    """

    original: str
    clone: str
    chosen: tuple[Pair[A], ...]
    others: tuple[A, ...]
    leftovers: tuple[A, ...]

    def clone_name(self, pair: Pair[A]) -> str:
        """The clone's account of a pair, quoted."""
        return quoting.account(self.clone, pair.original.host)

    def of(self, user: str) -> list[A]:
        """The accounts of one of the two users that are there."""
        if user == self.original:
            return [pair.original for pair in self.chosen]
        return [pair.clone for pair in self.chosen if pair.clone is not None]

    def strangers(self, user: str) -> tuple[A, ...]:
        """The accounts of one of the two users that don't rotate."""
        return self.others if user == self.original else self.leftovers

    def complete(self, user: str) -> bool:
        """Whether the user has all of its accounts."""
        return len(self.of(user)) == len(self.chosen)


def user_pair(username: str, product: Product) -> tuple[str, str]:
    """The original user and its clone, whichever of the two `username` is.

    Raises:
        Misconfigured: the clone's name would be longer than a server takes.
    """
    original, clone = pair_of(username)
    excess = len(clone) - product.name_characters
    if excess > 0:
        raise Misconfigured(
            f'the clone\'s name "{clone}" is {excess} characters longer than the {product.name_characters} of a '
            f"{product.name} user name",
            hint=f"use a user name of at most {len(original) - excess} characters, or the rotator "
            f"{product.name.lower()}-single-user",
        )
    return original, clone


def other_user(username: str, product: Product) -> str:
    """The user whose turn comes after `username`'s; see `user_pair`."""
    original, clone = user_pair(username, product)
    return original if username == clone else clone


def choose_pairs(
    originals: Sequence[A],
    clones: Sequence[A],
    secrets: Iterable[MysqlSecret],
    *,
    users: tuple[str, str],
    listed: Sequence[str],
) -> Pairs[A]:
    """The accounts that rotate together: those that the setting lists, else those that have a password of the secret.

    Args:
        originals, clones: all accounts of the two users.
        secrets: the values that there are, of either user.
        users: the original and its clone.
        listed: the rotation's setting `accounts`, which lists those of the original.

    Raises:
        Misconfigured: there is no account, or nothing tells which of several.
    """
    original, clone = users
    known = set(secrets)
    hosts = {account.host for account in originals}
    rotating = set(existing_hosts(originals, user=original, listed=listed))
    if not rotating:
        rotating = hosts & {each.host for each in (*originals, *clones) if _belongs(each, known)}
        rotating = rotating or (hosts if len(hosts) == 1 else set())
    if not rotating:
        raise none_belongs(originals, user=original)
    by_host = {account.host: account for account in clones}
    return Pairs(
        original=original,
        clone=clone,
        chosen=tuple(
            Pair(original=each, clone=by_host.get(each.host))
            for each in originals
            if each.host in rotating
        ),
        others=tuple(each for each in originals if each.host not in rotating),
        leftovers=tuple(each for each in clones if each.host not in rotating),
    )


def _belongs(account: A, known: Iterable[MysqlSecret]) -> bool:
    return any(
        secret.username == account.user and account.accepts(secret.password) for secret in known
    )

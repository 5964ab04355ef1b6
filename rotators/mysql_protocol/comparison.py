"""Clones beside their originals, as the catalogue has them now."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic

from rotators.mysql_protocol.accounts import A, Account
from rotators.mysql_protocol.clone_state import (
    State,
    differences,
    read_held,
    statements,
    without_object,
)
from rotators.mysql_protocol.granting import may_grant
from rotators.mysql_protocol.grants import Grants, active_roles, parse_grants
from rotators.mysql_protocol.held import Held, Kind, parse_held
from rotators.mysql_protocol.pairs import Pair, Pairs
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import explained
from rotators.mysql_protocol.turns import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared(Generic[A]):
    """One pair.

    Attributes:
        clone_user, clone_name: the clone's user name, and its account quoted.
        wanted: the original's state, without what can't be granted any more.
        have: the clone's, None where it isn't there.
        gone: what was left out of `wanted`.
    """

    pair: Pair[A]
    clone_user: str
    clone_name: str
    wanted: State
    have: State | None
    gone: frozenset[Held]

    @property
    def lacking(self) -> frozenset[Held]:
        """What the clone has to be granted."""
        return self.wanted.held - (self.have.held if self.have else frozenset())

    @property
    def beyond(self) -> frozenset[Held]:
        """What is taken from the clone."""
        return (self.have.held if self.have else frozenset()) - self.wanted.held

    @property
    def turn(self) -> Turn[A]:
        """The clone's."""
        return Turn(
            name=self.clone_name, model=self.pair.original, clone=True, account=self.pair.clone
        )

    @property
    def turn_of_original(self) -> Turn[A]:
        """The original's."""
        return Turn(
            name=self.pair.original.name,
            model=self.pair.original,
            clone=False,
            account=self.pair.original,
        )

    def statements(self, *, mariadb: bool) -> list[str]:
        """What brings the clone, as it is or as it is made, closer to the original."""
        have = self.have or State(options=self.wanted.options)
        return statements(
            self.wanted,
            have,
            name=self.clone_name,
            original=self.pair.original.name,
            mariadb=mariadb,
        )

    def differences(self) -> Iterator[str]:
        """In what the clone differs, in words."""
        if self.have is None:
            yield "it isn't there"
        else:
            yield from differences(self.wanted, self.have)


def compare(
    session: Session,
    pairs: Pairs[A],
    default_roles: Mapping[str, Mapping[str, frozenset[str]]],
    admins: frozenset[Held],
) -> list[Compared[A]]:
    """Each chosen pair.

    Args:
        session: the admin's.
        pairs: the accounts.
        default_roles: by user and host.
        admins: what the admin holds; it sees what it has a privilege on.
    """
    compared = []
    for pair in pairs.chosen:
        wanted = _state(session, pair.original, default_roles)
        have = None if pair.clone is None else _state(session, pair.clone, default_roles)
        held = have.held if have else frozenset()
        grantable = frozenset(each for each in wanted.held - held if may_grant(admins, each))
        gone = without_object(session, grantable, wanted.held)
        compared.append(
            Compared(
                pair=pair,
                clone_user=pairs.clone,
                clone_name=pairs.clone_name(pair),
                wanted=wanted.without(gone),
                have=have,
                gone=gone,
            )
        )
    return compared


def read_own_held(session: Session) -> frozenset[Held]:
    """What the session's own account holds, its active roles included."""
    with explained("reading the privileges of the session"):
        rows = session.run(f"SHOW GRANTS FOR CURRENT_USER(){active_roles(session)}")
    return parse_held([str(row[0]) for row in rows], mariadb=session.mariadb, account=None)


def read_grants(session: Session, account: Account) -> Grants:
    """What an account may do everywhere, through its roles too."""
    everywhere: set[str] = set()
    writes = False
    seen: set[str] = set()
    unread = [account.name]
    while unread:
        name = unread.pop()
        seen.add(name)
        with explained("reading the privileges of the accounts"):
            lines = [str(row[0]) for row in session.run(f"SHOW GRANTS FOR {name}")]
        own = parse_grants(lines)
        everywhere |= own.everywhere
        writes = writes or own.writes_accounts
        held = parse_held(lines, mariadb=session.mariadb, account=None)
        unread += [h.name for h in held if h.kind is Kind.ROLE and h.name not in seen]
    return Grants(everywhere=frozenset(everywhere), writes_accounts=writes)


def _state(
    session: Session, account: A, default_roles: Mapping[str, Mapping[str, frozenset[str]]]
) -> State:
    return State(
        options=account.options,
        held=read_held(session, account.user, account.host),
        default_roles=default_roles[account.user].get(account.host, frozenset()),
    )

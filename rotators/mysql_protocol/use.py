"""Who is logged in as a user, by the server's process list, and how such sessions are ended."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rotator.sdk import NotSupported, Rotation, Use
from rotators.mysql_protocol.accounts import Account
from rotators.mysql_protocol.grants import Grants
from rotators.mysql_protocol.session import Session
from rotators.mysql_protocol.statement_failure import Refusal, explained

_GONE = 1094
_DOING = "ending sessions of the old user"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Process:
    number: int
    client: str
    database: str | None

    def use_by(self, user: str) -> Use:
        at = f", database {self.database}" if self.database else ""
        return Use(user=user, client=self.client, detail=f"connection {self.number}{at}")


def sessions_of(session: Session, user: str, *, grants: Grants, admin: str) -> tuple[Use, ...]:
    """The sessions of `user`.

    Args:
        session: the admin's.
        user: the user's name.
        grants: the admin's.
        admin: its account, quoted.

    Raises:
        NotSupported: the admin sees its own sessions only.
    """
    if not grants.may("PROCESS"):
        raise NotSupported(
            f"the admin user {admin} can't see the sessions of others",
            hint=f"GRANT PROCESS ON *.* TO {admin}",
        )
    return tuple(process.use_by(user) for process in _processes(session, user))


def check_decidable(user: str, strangers: Sequence[Account]) -> None:
    """Refuses to tell whose a session is where the user's name stands for accounts that don't rotate too.

    Args:
        strangers: those accounts.

    Raises:
        NotSupported: there are some; the process list names users, not accounts.
    """
    if strangers:
        named = ", ".join(each.name for each in strangers)
        raise NotSupported(
            f'"{user}" has accounts that rotations leave alone ({named}), and no session tells whose it is',
            hint="look at SHOW PROCESSLIST, and end by KILL those that come from the hosts of the other accounts",
        )


def end_sessions(
    session: Session, rotation: Rotation, user: str, uses: Sequence[Use], *, admin: str
) -> None:
    """End those sessions of `user` that `sessions_of` has named and that are still there.

    Raises:
        TargetRefused: the admin may not end them.
    """
    named = {use.detail for use in uses}
    hint = (
        f"GRANT {'CONNECTION ADMIN' if session.mariadb else 'CONNECTION_ADMIN'} ON *.* TO {admin}"
    )
    for process in _processes(session, user):
        if process.use_by(user).detail not in named:
            continue
        rotation.check_deadline()
        try:
            with explained(_DOING, hint=hint):
                session.run(f"KILL {process.number}")
        except Refusal as refusal:
            if refusal.number != _GONE:
                raise


def _processes(session: Session, user: str) -> Iterator[_Process]:
    with explained("looking for sessions of the old user"):
        rows = session.run("SHOW PROCESSLIST")
    for number, name, host, database, *_ in rows:
        if name == user:
            client = str(host or "an unknown address").rpartition(":")
            yield _Process(number=int(number), client=client[0] or client[2], database=database)

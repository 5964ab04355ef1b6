"""A simulated target: what it accepts, whose sessions it has, and changes that are still under way."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.simulation.timeline import Timeline


class Credential(NamedTuple):
    """A user's password."""

    user: str
    password: str


@dataclass
class Session:
    """A login of a rotation, tagged with its fencing number."""

    fencing: int
    alive: bool = True


@dataclass
class Change:
    """A change that was sent."""

    applied: bool = False


@dataclass
class Target:
    """Users with their passwords, the primary one first."""

    timeline: Timeline
    passwords: dict[str, list[str]]
    changed: Callable[[], None] = lambda: None
    sessions: list[Session] = field(default_factory=list)
    down: bool = False
    newest: int = 0  # the highest fencing number that has logged in
    late: int = 0  # changes of an older owner after a newer one had come

    def accepts(self, credential: Credential) -> bool:
        return credential.password in self.passwords.get(credential.user, ())

    def accepted(self) -> set[Credential]:
        return {
            Credential(user, password)
            for user, known in self.passwords.items()
            for password in known
        }

    def log_in(self, fencing: int) -> Session:
        session = Session(fencing)
        self.sessions.append(session)
        self.newest = max(self.newest, fencing)
        return session

    def end_older(self, fencing: int) -> None:
        for session in self.sessions:
            session.alive = session.alive and session.fencing >= fencing
        self.sessions = [session for session in self.sessions if session.alive]

    def close(self, session: Session) -> None:
        if session in self.sessions:
            self.sessions.remove(session)

    def send(self, session: Session, change: Callable[[], None], *, arrival: float) -> Change:
        """Has the change made at `arrival`, whatever becomes of the sender; not where the session was ended by then."""
        sent = Change()

        def arrive() -> None:
            if not session.alive or self.down:
                return
            self.late += session.fencing < self.newest
            change()
            sent.applied = True
            self.changed()

        self.timeline.at(arrival, arrive)
        return sent

    # Changes

    def replace(self, credential: Credential) -> None:
        self.passwords[credential.user] = [credential.password]

    def retain(self, credential: Credential) -> None:
        """As MySQL's RETAIN CURRENT PASSWORD: what was the first password is the second now, whichever it was."""
        before = self.passwords[credential.user][:1]
        self.passwords[credential.user] = [credential.password, *before]

    def discard(self, user: str) -> None:
        self.passwords[user] = self.passwords[user][:1]

    def disable(self, user: str) -> None:
        self.passwords[user] = []

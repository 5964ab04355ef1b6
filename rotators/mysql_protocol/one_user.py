"""One user of MySQL or MariaDB on the target: who changes it, and its accounts that rotate together."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic

from rotator.sdk import Candidate, Rotation
from rotators.databases.credential import by_whichever
from rotators.databases.kept_session import KeptSession
from rotators.mysql_protocol import fence
from rotators.mysql_protocol.accounts import A, choose
from rotators.mysql_protocol.admin import admin_secret
from rotators.mysql_protocol.credential import Prover
from rotators.mysql_protocol.secret import MysqlSecret, Product, parse
from rotators.mysql_protocol.session import Session, login


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """The values of one rotation that a change is about."""

    current: MysqlSecret
    pending: MysqlSecret


Change = Callable[[Session, Passwords, Rotation], None]


class OneUser(ABC, Generic[A]):
    """Reads and changes the accounts of one user. The session of preflight is kept for the change, to spare a login."""

    product: ClassVar[Product]
    oldest: ClassVar[tuple[int, ...]]

    def __init__(self) -> None:
        self._prover = Prover()
        self._kept = KeptSession[Session]()

    @abstractmethod
    def _read_accounts(self, session: Session, user: str) -> list[A]:
        """All accounts of the user, as an admin sees them."""

    def close(self) -> None:
        """End the kept session."""
        self._kept.close()

    def _parse(self, rotation: Rotation, candidate: Candidate) -> MysqlSecret:
        return parse(rotation.value(candidate), self.product)

    def _values(self, rotation: Rotation) -> Passwords:
        return Passwords(
            current=self._parse(rotation, Candidate.CURRENT),
            pending=self._parse(rotation, Candidate.PENDING),
        )

    def _admin(self, secret: MysqlSecret, rotation: Rotation) -> MysqlSecret:
        return admin_secret(rotation, secret, self.product)

    def _rotating(self, session: Session, rotation: Rotation) -> list[A]:
        """The accounts that rotate together, as an admin sees them now."""
        user = self._parse(rotation, Candidate.CURRENT).username
        return self._choose(self._read_accounts(session, user), rotation)

    def _choose(self, accounts: Sequence[A], rotation: Rotation) -> list[A]:
        secrets = [self._parse(rotation, candidate) for candidate in rotation.values]
        return choose(
            accounts,
            [secret.password for secret in secrets],
            user=secrets[0].username,
            listed=rotation.settings.accounts,
        )

    def _accepted_by_catalogue(
        self, session: Session, candidate: Candidate, rotation: Rotation
    ) -> bool:
        """Whether the accounts accept the candidate: the pending one all of them, another one any."""
        password = self._parse(rotation, candidate).password
        accepting = (each.accepts(password) for each in self._rotating(session, rotation))
        return all(accepting) if candidate is Candidate.PENDING else any(accepting)

    def _change(
        self, session: Session, rotation: Rotation, values: Passwords, change: Change
    ) -> None:
        """Make a change under the secret's lock, and close: a user may have few sessions, and testSecret needs one."""
        self._prover.forget()
        try:
            fence.take_lock(session, rotation)
            change(session, values, rotation)
        finally:
            self.close()

    def _session_for_change(self, rotation: Rotation) -> Session:
        secret = self._parse(rotation, rotation.live)
        return self._kept.get(
            rotation,
            as_admin=lambda: login(self._admin(secret, rotation), rotation, admin=True),
            as_live=lambda: self._prover.log_in(secret, rotation),
        )

    def _any_session(self, rotation: Rotation) -> Session:
        return by_whichever(
            rotation, lambda each: self._prover.log_in(self._parse(rotation, each), rotation)
        )

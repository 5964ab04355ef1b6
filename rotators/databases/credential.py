"""Proof that the server takes a credential, and only that one."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from rotator.sdk import Candidate, LoginRefused, Misconfigured, Proof, Rotation


class Credential(Protocol):
    """A user and its password on one server; hashable."""

    @property
    def username(self) -> str:
        """The user."""
        ...


class OpenSession(Protocol):
    """A session that a login opened."""

    @property
    def password_asked(self) -> bool:
        """Whether the server asked for the password."""
        ...

    def close(self) -> None:
        """End it."""
        ...


C = TypeVar("C", bound=Credential)
S = TypeVar("S", bound=OpenSession)
Opened = TypeVar("Opened")


def by_whichever(rotation: Rotation, log_in: Callable[[Candidate], Opened]) -> Opened:
    """A session by the first value that logs in, the one that is thought to live before all: after a takeover nobody
    knows which does.

    Raises:
        LoginRefused: none does.
        StepError: any other failure of a login, by its class.
    """
    order = (rotation.live, *Candidate)
    *others, last = [c for c in dict.fromkeys(order) if c in rotation.values]
    for candidate in others:
        try:
            return log_in(candidate)
        except LoginRefused:
            continue
    return log_in(last)


class Prover(ABC, Generic[C, S]):
    """Logs in with credentials and takes a success for proof only where a wrong password fails.

    A refusal is remembered and a random password is tried once for each user, since failures may count towards a
    lockout. Whoever learns that a password may have changed has it `forget`.
    """

    def __init__(self) -> None:
        self._discerning: set[str] = set()
        self._refusals: dict[C, LoginRefused] = {}

    @abstractmethod
    def _open(self, secret: C, rotation: Rotation) -> S:
        """Log in."""

    @abstractmethod
    def _with_password(self, secret: C, password: str) -> C:
        """The same user with another password."""

    @abstractmethod
    def _lets_anyone_in(self, secret: C) -> Misconfigured:
        """What to say of a server that checks no password."""

    def log_in(self, secret: C, rotation: Rotation) -> S:
        """A session that was opened by password.

        Raises:
            LoginRefused: the server refused the credential, just now or before.
            Misconfigured: it asked for no password.
            StepError: any other failure of the login, by its class.

        """
        if secret in self._refusals:
            raise self._refusals[secret]
        try:
            session = self._open(secret, rotation)
        except LoginRefused as refusal:
            self._refusals[secret] = refusal
            self._discerning.add(secret.username)
            raise
        if not session.password_asked:
            session.close()
            raise self._lets_anyone_in(secret)
        return session

    def refused(self, secret: C, rotation: Rotation) -> bool:
        """Whether the server refuses the credential.

        Raises:
            Misconfigured: it asked for no password.
            StepError: the login failed for another reason, which proves nothing.

        """
        try:
            self.log_in(secret, rotation).close()
        except LoginRefused:
            return True
        return False

    def knows_refused(self, secret: C) -> bool:
        """Whether the server has refused the credential before."""
        return secret in self._refusals

    def admit(self, secret: C, rotation: Rotation) -> Proof:
        """Whether one login with the credential succeeds, which is no proof: a server may let anyone in."""
        return Proof.REFUSED if self.refused(secret, rotation) else Proof.ACCEPTED

    def forget(self) -> None:
        """What was refused may be accepted from now on."""
        self._refusals.clear()

    def insist_on_password(self, secret: C, rotation: Rotation) -> None:
        """Make sure that the server refuses a random password of the same user.

        Raises:
            Misconfigured: it lets anyone in.

        """
        if secret.username in self._discerning:
            return
        random = self._with_password(secret, secrets.token_urlsafe(24))
        if not self.refused(random, rotation):
            raise self._lets_anyone_in(secret)

    def prove(self, secret: C, rotation: Rotation) -> Proof:
        """Whether the server accepts the credential for what it is."""
        if self.refused(secret, rotation):
            return Proof.REFUSED
        self.insist_on_password(secret, rotation)
        return Proof.ACCEPTED

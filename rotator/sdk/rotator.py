"""The interface of a rotator: few verbs, each with one request object."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from rotator.sdk.errors import NotSupported
from rotator.sdk.rotation import Authority, Candidate, Preflight, Proof, Rotation, Use
from rotator.sdk.values import SecretValue


class Rotator(ABC):
    """Rotates one kind of credential on one kind of target.

    An instance serves one attempt of one rotation in one thread, so it may keep a connection between the verbs;
    `close` ends it. Every verb may be repeated after a crash: it looks at the target before it changes it. Every verb
    respects `rotation.deadline` on each socket and statement, tags its sessions with `rotation.session_tag`, and calls
    `rotation.check_deadline()` right before it sends a change.

    Verbs raise the classes of `rotator.sdk.errors`; anything else counts as a bug with an unknown outcome.
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    summary: ClassVar[str] = ""

    @abstractmethod
    def claims(self, value: SecretValue) -> Authority:
        """What the value's JSON says that a rotation acts on; pure, no connection.

        The engine compares it with the pinned authority and refuses the rotation where they differ.

        Raises:
            Misconfigured: the JSON lacks a field or has a wrong one; the message names it.
        """

    @abstractmethod
    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the rotation can work, and with which overlap. Changes nothing."""

    @abstractmethod
    def create_secret(self, rotation: Rotation) -> SecretValue:
        """The new value (createSecret). Touches no target; the engine seals and commits it before setSecret."""

    @abstractmethod
    def set_secret(self, rotation: Rotation) -> None:
        """Makes the target accept the pending value (setSecret), by `rotation.live` or the admin secret."""

    @abstractmethod
    def test_secret(self, rotation: Rotation) -> None:
        """Proves that the pending value logs in and may do what the old one could (testSecret); for `gap` also that the
        old one is refused.
        """

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the target accepts `candidate`. Accepted counts only where a random password is refused.

        Raises:
            NotSupported: this rotator can't tell.
        """
        raise NotSupported(f"{self.name} can't tell which value the target accepts")

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the target lets `candidate` in, just now: one login, as an application makes it.

        `rotate prove` calls it over and over, each time on a new instance, with `candidate` as the only value and no
        admin secret. By default it is `probe`; where that tries a wrong password too, a plain login here spares the
        target a failure that may count towards a lockout.

        Raises:
            NotSupported: this rotator can't tell.
        """
        return self.probe(rotation, candidate)

    def revert(self, rotation: Rotation) -> None:
        """Puts the target back to the current value, logging in with `rotation.live` or the admin secret.

        Raises:
            NotSupported: this rotator can't.
            RevertDegraded: the current value logs in again, but only as the target's second password.
        """
        raise NotSupported(f"{self.name} can't put the target back")

    def retire_secret(self, rotation: Rotation) -> None:
        """Makes the target refuse the current value, which a finished rotation has replaced by the pending one.

        It comes after finishSecret, when the grace period is over; the values keep the names that they had in the
        rotation, and `rotation.live` is the pending one, which goes on logging in. By default nothing is left to do:
        for `gap` the old value died as the new one was set.

        Raises:
            TargetRefused: the pending value is not the one that would stay, so nothing was removed.
        """
        return

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        """The sessions that still use the current value, which `retire_secret` is about to end or has just ended.

        It is asked with the values of `retire_secret`, and changes nothing.

        Raises:
            NotSupported: the target can't tell; the old value is retired all the same.
        """
        raise NotSupported(f"{self.name} can't tell who still uses the old credential")

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        """Ends sessions that `in_use` has named, after `retire_secret`, so that none of them can log in again.

        One that is over by itself is no failure.

        Raises:
            NotSupported: this rotator can't.
        """
        raise NotSupported(f"{self.name} can't end the sessions that use the old credential")

    def end_older_sessions(self, rotation: Rotation) -> None:
        """After a takeover: ends the sessions of this rotation's older owners, or waits until they are over."""
        return

    def close(self) -> None:
        """Ends what the instance holds open."""
        return

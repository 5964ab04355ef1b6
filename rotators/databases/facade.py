"""The work on the target is loaded when it is first needed.

A driver takes longer to import than the rest of a command to start, and most commands that load
rotators, such as those that list them or read a secret's claims, never log in.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, cast

from rotator.sdk import Candidate, Preflight, Proof, Rotation, Rotator, Use


class Steps(Protocol):
    """The verbs that reach the target; see `rotator.sdk.Rotator`."""

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the rotation can work; changes nothing."""
        ...

    def set_secret(self, rotation: Rotation) -> None:
        """Make the server accept the pending value."""
        ...

    def test_secret(self, rotation: Rotation) -> None:
        """Prove that the pending value logs in and may do what the old one could."""
        ...

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the server accepts the candidate and refuses a random password."""
        ...

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the server lets the candidate in, by one login."""
        ...

    def revert_secret(self, rotation: Rotation) -> None:
        """Put the server back to the current value."""
        ...

    def retire_secret(self, rotation: Rotation) -> None:
        """Make the server refuse the value that the pending one replaced."""
        ...

    def end_older_sessions(self, rotation: Rotation) -> None:
        """End what older owners of the rotation left open."""
        ...

    def close(self) -> None:
        """End the open session."""
        ...


class DatabaseRotator(Rotator):
    """A rotator whose steps are made on first use and kept, with their open session, until `close`."""

    def __init__(self) -> None:
        self._loaded: Steps | None = None

    @abstractmethod
    def _load(self) -> Steps:
        """Import and make the steps."""

    @property
    def _steps(self) -> Steps:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def preflight(self, rotation: Rotation) -> Preflight:
        """Whether the rotation can work; changes nothing."""
        return self._steps.preflight(rotation)

    def set_secret(self, rotation: Rotation) -> None:
        """Make the server accept the pending value."""
        self._steps.set_secret(rotation)

    def test_secret(self, rotation: Rotation) -> None:
        """Prove that the pending value logs in and may do what the old one could."""
        self._steps.test_secret(rotation)

    def probe(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the server accepts the candidate and refuses a random password."""
        return self._steps.probe(rotation, candidate)

    def log_in(self, rotation: Rotation, candidate: Candidate) -> Proof:
        """Whether the server lets the candidate in, by one login."""
        return self._steps.log_in(rotation, candidate)

    def revert_secret(self, rotation: Rotation) -> None:
        """Put the server back to the current value."""
        self._steps.revert_secret(rotation)

    def retire_secret(self, rotation: Rotation) -> None:
        """Make the server refuse the value that the pending one replaced."""
        self._steps.retire_secret(rotation)

    def end_older_sessions(self, rotation: Rotation) -> None:
        """End what older owners of the rotation left open."""
        self._steps.end_older_sessions(rotation)

    def close(self) -> None:
        """End the open session."""
        if self._loaded is not None:
            self._loaded.close()
            self._loaded = None


class SessionTellingSteps(Steps, Protocol):
    """The verbs where the target tells which sessions may have been opened with the old credential."""

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        """Who may still be logged in with the old credential."""
        ...

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        """End those sessions."""
        ...


class SessionTellingRotator(DatabaseRotator):
    """A rotator whose target tells which sessions may have been opened with the old credential."""

    @abstractmethod
    def _load(self) -> SessionTellingSteps:
        """Import and make the steps."""

    @property
    def _telling(self) -> SessionTellingSteps:
        if self._loaded is None:
            self._loaded = self._load()
        return cast("SessionTellingSteps", self._loaded)

    def in_use(self, rotation: Rotation) -> tuple[Use, ...]:
        """Who may still be logged in with the old credential."""
        return self._telling.in_use(rotation)

    def end_use(self, rotation: Rotation, uses: Sequence[Use]) -> None:
        """End those sessions."""
        self._telling.end_use(rotation, uses)

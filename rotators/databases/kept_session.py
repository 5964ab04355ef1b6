"""The session that makes a rotation's changes, kept from preflight to spare a login."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from rotator.sdk import Candidate, Rotation


class Keepable(Protocol):
    """A session that can serve more than one step.

    Attributes:
        deadline: a reading of the rotation's clock, the one of the step that the session serves.
    """

    deadline: float

    @property
    def usable(self) -> bool:
        """Whether statements may still be sent."""
        ...

    def close(self) -> None:
        """End it."""
        ...


K = TypeVar("K", bound=Keepable)


class KeptSession(Generic[K]):
    """At most one session, and whose credential opened it: that of a candidate, or the admin's."""

    def __init__(self) -> None:
        self._kept: tuple[K, Candidate | None] | None = None

    def get(self, rotation: Rotation, *, as_admin: Callable[[], K], as_live: Callable[[], K]) -> K:
        """The session that may change the target now, by the admin's credential where there is one.

        Raises:
            StepError: its login failed, by its class.
        """
        opener = None if rotation.admin is not None else rotation.live
        if self._kept is not None:
            session, opened_by = self._kept
            if opened_by is opener and session.usable:
                session.deadline = rotation.deadline
                return session
        self.close()
        session = as_admin() if opener is None else as_live()
        self._kept = session, opener
        return session

    def close(self) -> None:
        """End the session."""
        if self._kept is not None:
            self._kept[0].close()
            self._kept = None

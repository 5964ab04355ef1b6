"""What several threads do in one transaction, each with an outcome of its own."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from rotator.errors import RotatorError
from rotator.store.tx import Tx

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Writer(Generic[R]):
    """What one thread writes, and what that answered, the last time that it was tried."""

    act: Callable[[Tx], R]
    answers: list[R] = field(default_factory=list)


@dataclass(slots=True)
class Look(Generic[R]):
    """What one thread looks up, and what that gave."""

    act: Callable[[Tx], R]
    answer: R | None = None
    failure: RotatorError | None = None

    def __call__(self, tx: Tx) -> None:
        """Looks, and keeps what comes of it."""
        self.failure = None
        try:
            self.answer = self.act(tx)
        except RotatorError as error:
            self.failure = error


class Blamed(Exception):
    """One of several that write together failed: its error is nobody else's."""

    def __init__(self, error: RotatorError) -> None:
        super().__init__(str(error))
        self.error = error

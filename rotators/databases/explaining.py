"""What a failed statement means for the rotation, as far as every driver's is told alike."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rotator.sdk import OutcomeUnknown, StepError, TargetUnreachable

E = TypeVar("E", bound=Exception)


@contextmanager
def explaining(failures: type[E], explain: Callable[[E], StepError]) -> Iterator[None]:
    """Raise what `explain` makes of a driver's failure in place of it, which may quote a value."""
    try:
        yield
    except failures as failure:
        raise explain(failure) from None


def cut_off(what: str, text: str, *, changing: bool) -> StepError:
    """The error for a statement whose answer never came.

    Args:
        what: what happened: "the connection was lost in the middle of reading the roles".
        text: as the driver says it.
        changing: the statement changes the target.
    """
    if changing:
        return OutcomeUnknown(f"{what}, which may have happened: {text}")
    return TargetUnreachable(f"{what}: {text}")

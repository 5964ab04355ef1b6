"""Waiting for another secret's rotation, where the two share an admin secret."""

from collections.abc import Callable

from rotator.errors import RotationInProgress, RotatorError
from rotator.rotation.claim import Claim
from rotator.sdk import clock

_POLL = 0.2  # seconds between two looks at whether the admin secret is free


class AdminSecretBusy(RotatorError):
    """A rotation waits for another: an admin secret is in use, or is being rotated itself."""


def when_free(
    attempt: Callable[[], Claim | None], *, patience: float, sleep: Callable[[float], None]
) -> Claim | None:
    """What `attempt` claims, once the secret that shares an admin secret with it is no longer being rotated.

    Args:
        patience: seconds to wait at most.

    Raises:
        RotationInProgress: it took longer.
    """
    until = clock() + patience
    while True:
        try:
            return attempt()
        except AdminSecretBusy as busy:
            if clock() >= until:
                raise RotationInProgress(
                    f"Gave up waiting: {busy}. Try again when it is over."
                ) from None
            sleep(_POLL)

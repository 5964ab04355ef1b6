"""Whether a process that answers the API can: the page that whoever asks may read, as often as they like."""

from collections.abc import Callable
from http import HTTPStatus
from threading import Lock
from typing import Final

from rotator.api.parts import Page
from rotator.sdk import clock

PLAIN: Final = "text/plain; charset=utf-8"
_GOOD_FOR: Final = 1.0
"""Seconds that a look at the store is good for: without a signature nobody shall have the store work."""
_PATIENCE: Final = 5.0
"""Seconds after which a store that has not answered counts as away."""

_READY: Final = Page(HTTPStatus.OK, PLAIN, b"ready\n")
_AWAY: Final = Page(HTTPStatus.SERVICE_UNAVAILABLE, PLAIN, b"store-away\n")


class Readiness:
    """Looks at the store when it is asked for and the last look is no longer good; one thread at a time does.

    Args:
        answers: whether the store does; it may take long.
        now: a clock that is never set.
    """

    def __init__(self, answers: Callable[[], bool], *, now: Callable[[], float] = clock) -> None:
        self._answers = answers
        self._now = now
        self._looking = Lock()
        self._began_at = self._looked_at = -_GOOD_FOR
        self._page = _AWAY

    def __call__(self) -> Page:
        """The page. Who comes while another one looks gets what was seen last."""
        if not self._looking.acquire(blocking=False):
            return _AWAY if self._now() > self._began_at + _PATIENCE else self._page
        try:
            self._began_at = self._now()
            if self._began_at >= self._looked_at + _GOOD_FOR:
                self._page = _READY if self._answers() else _AWAY
                self._looked_at = self._now()
            return self._page
        finally:
            self._looking.release()

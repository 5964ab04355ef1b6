"""When the daemon acts: APScheduler ticks, and what it ticks is put into the daemon's queue."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from apscheduler.jobstores.base import JobLookupError  # type: ignore[import-untyped]
from apscheduler.schedulers.background import (  # type: ignore[import-untyped]
    BackgroundScheduler,
)
from apscheduler.triggers.date import DateTrigger  # type: ignore[import-untyped]
from apscheduler.triggers.interval import IntervalTrigger  # type: ignore[import-untyped]

from rotator.sdk import clock

Act = Callable[[], None]

_SLACK = 1.0  # seconds by which the wall clock may be slowed without anybody noticing


class Clockwork:
    """Puts what is to be done into a queue when its time has come, until the block ends.

    Args:
        wall: the clock that the ticker counts on, in seconds.
    """

    def __init__(
        self, put: Callable[[Act], None], *, wall: Callable[[], float] = time.time
    ) -> None:
        # Its own messages have no stable names; what it does shows in the daemon's events.
        logging.getLogger("apscheduler").addHandler(logging.NullHandler())
        self._put = put
        self._wall = wall
        self._ahead = wall() - clock()
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None}
        )

    def __enter__(self) -> Self:
        self._scheduler.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._scheduler.shutdown(wait=False)

    def once(self, name: str, act: Act, *, seconds: float) -> None:
        """`act` after so many seconds, in place of an earlier one of this name."""
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        self._add(name, act, DateTrigger(at))

    def every(self, name: str, act: Act, *, seconds: float) -> None:
        """`act` again and again, for the first time after so many seconds."""
        self._add(name, act, IntervalTrigger(seconds=int(seconds), timezone=UTC))

    def follow_clock(self) -> None:
        """Keeps every wait as long as it was, where the wall clock was set back since this was last called."""
        ahead = self._wall() - clock()
        back, self._ahead = self._ahead - ahead, ahead
        if back > _SLACK:
            for job in self._scheduler.get_jobs():
                with suppress(JobLookupError):  # it has come meanwhile
                    job.modify(next_run_time=job.next_run_time - timedelta(seconds=back))

    def _add(self, name: str, act: Act, trigger: object) -> None:
        self._scheduler.add_job(self._put, trigger, args=[act], id=name, replace_existing=True)

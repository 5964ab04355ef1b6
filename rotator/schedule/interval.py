"""The `AutomaticallyAfterDays` that DescribeSecret shows beside a schedule expression."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise

from rotator.schedule.expression import Cron, Rate, Schedule
from rotator.schedule.openings import next_opening

DAY = timedelta(days=1)
LONGEST_INTERVAL = 1000
"""The largest AutomaticallyAfterDays in the service's model."""

# The leap day of 2000 falls in even the shortest sample; after 28 years weekdays repeat.
_SAMPLE_FROM = datetime(1999, 1, 1, tzinfo=UTC)
_SAMPLE_LENGTH = 41 * 366 * DAY
_SAMPLE_SIZE = 401


@lru_cache(maxsize=1024)
def automatically_after_days(schedule: Schedule) -> int:
    """The most days between two rotations on this schedule, rounded up, at most 1000.

    AWS says that the value is calculated from the schedule, and is there "to check that your secret
    meets your compliance guidelines for how often secrets must be rotated". For rates that settles
    it (`rate(10 hours)` is 1). For cron it doesn't say how: two of its samples show 2 and 14 for
    `cron(0 16 1,15 * ? *)`. The longest interval, here 17, is the one that a compliance check
    needs, and doesn't change from day to day.
    """
    longest = schedule.period if isinstance(schedule, Rate) else _longest_interval(schedule)
    return min(math.ceil(longest / DAY), LONGEST_INTERVAL)


def _longest_interval(cron: Cron) -> timedelta:
    """The longest of up to 400 intervals between days that have a window.

    A schedule with one opening has none, which counts as the longest. Enough, for the denser a schedule
    is the sooner it repeats; where weekdays of only some months match, an interval that is longer by a
    day or two can lie outside the sample.
    """
    daily = replace(cron, minutes=cron.minutes[:1], hours=cron.hours[:1])
    openings = list(islice(_openings(daily), _SAMPLE_SIZE))
    between = [later - earlier for earlier, later in pairwise(openings)]
    return max(between, default=LONGEST_INTERVAL * DAY)


def _openings(cron: Cron) -> Iterator[datetime]:
    start = _SAMPLE_FROM if cron.years is None else datetime(cron.years[0], 1, 1, tzinfo=UTC)
    last: datetime | None = start - DAY
    while last is not None and last < start + _SAMPLE_LENGTH:
        last = next_opening(cron, after=last, zone=UTC)
        if last is not None:
            yield last

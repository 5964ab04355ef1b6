"""The `AutomaticallyAfterDays` that DescribeSecret shows beside a schedule expression."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from rotator.schedule.expression import Cron, Rate, Schedule
from rotator.schedule.openings import next_opening

DAY = timedelta(days=1)
LONGEST_INTERVAL = 1000
"""The largest AutomaticallyAfterDays in the service's model."""

# The leap day of 2000 falls in even the shortest sample; after 28 years weekdays repeat.
_SAMPLE_FROM = datetime(1999, 1, 1, tzinfo=UTC)
_SAMPLE_UNTIL = datetime(2040, 1, 1, tzinfo=UTC)
_SAMPLE_SIZE = 400


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

    Enough, for the denser a schedule is the sooner it repeats; where weekdays of only some months
    match, an interval that is longer by a day or two can lie outside the sample.
    """
    daily = replace(cron, hours=cron.hours[:1])
    openings = [next_opening(daily, after=_SAMPLE_FROM)]
    while len(openings) <= _SAMPLE_SIZE and openings[-1] < _SAMPLE_UNTIL:
        openings.append(next_opening(daily, after=openings[-1]))
    return max(later - earlier for earlier, later in pairwise(openings))

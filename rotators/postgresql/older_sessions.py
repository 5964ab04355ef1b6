"""After a takeover: ends the sessions of the rotation's older owners.

PostgreSQL knows no fencing. A session that an older owner left could still change something, so it
has to be gone before the new owner looks at the target.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass

from psycopg import errors

from rotator.sdk import Rotation, TargetBusy
from rotators.postgresql.session import Session, milliseconds
from rotators.postgresql.statement_failure import explained

_PAUSE = 0.1  # seconds between two looks at sessions that can only be waited for
_LONGEST_TERMINATION = 5.0  # seconds that one call waits for a session to end

_SESSIONS = """
SELECT pid, usename::text, application_name
FROM pg_stat_activity
WHERE starts_with(application_name, %s) AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Older:
    pid: int
    user: str


def end_older_sessions(
    session: Session, rotation: Rotation, *, harmless_users: Collection[str] = ()
) -> None:
    """Terminate the sessions with a smaller fencing number and wait until they are gone.

    Args:
        session: open, with the rights of whoever changes the target.
        rotation: the new owner's.
        harmless_users: users whose sessions change nothing and may go on.

    Raises:
        TargetBusy: some are still there when the time is nearly over.

    """
    with explained("looking for sessions of this rotation's older owners"):
        while older := _older_sessions(session, rotation, harmless_users):
            if rotation.remaining() < 3 * _PAUSE:
                raise _still_there(older)
            ended = [_terminate(session, rotation, each) for each in older]
            if not any(ended):
                time.sleep(_PAUSE)


def _older_sessions(
    session: Session, rotation: Rotation, harmless_users: Collection[str]
) -> list[_Older]:
    found = []
    for pid, user, tag in session.execute(_SESSIONS, (rotation.session_prefix,)):
        fencing = tag.removeprefix(rotation.session_prefix)
        older = fencing.isascii() and fencing.isdigit() and int(fencing) < rotation.fencing
        if older and user not in harmless_users:
            found.append(_Older(pid=pid, user=user))
    return found


def _terminate(session: Session, rotation: Rotation, older: _Older) -> bool:
    """Whether the session has ended; False also where ending it is not permitted."""
    wait = min(_LONGEST_TERMINATION, max(rotation.remaining() / 2, _PAUSE))
    call = "SELECT pg_terminate_backend(%s, %s)"
    try:
        row = session.execute(call, (older.pid, milliseconds(wait))).fetchone()
    except errors.InsufficientPrivilege:
        return False
    return row is not None and bool(row[0])


def _still_there(older: list[_Older]) -> TargetBusy:
    pids = ", ".join(f'{each.pid} (of "{each.user}")' for each in older)
    return TargetBusy(
        f"sessions of an earlier owner of this rotation are still open: {pids}",
        hint=f"end them as a superuser: SELECT pg_terminate_backend({older[0].pid})",
    )

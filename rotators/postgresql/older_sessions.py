"""After a takeover: ends the sessions of the secret's older owners, of earlier rotations too.

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
SELECT pid, usename::text, application_name, state IS NOT DISTINCT FROM 'idle'
FROM pg_stat_activity
WHERE starts_with(application_name, %s) AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Older:
    pid: int
    user: str


def end_older_sessions(
    session: Session, rotation: Rotation, *, test_users: Collection[str] = ()
) -> bool:
    """Terminate the sessions with a smaller fencing number and wait until they are gone.

    Args:
        session: open, with the rights of whoever changes the target.
        rotation: the new owner's.
        test_users: users that only log in for a test; a session of theirs that is idle may go on.

    Returns:
        Whether there were any.

    Raises:
        TargetBusy: some are still there when the time is nearly over.

    """
    found_any = False
    with explained("looking for sessions of this secret's older owners"):
        while older := _older_sessions(session, rotation, test_users):
            found_any = True
            if rotation.remaining() < 3 * _PAUSE:
                raise _still_there(older)
            ended = [_terminate(session, rotation, each) for each in older]
            if not any(ended):
                time.sleep(_PAUSE)
    return found_any


def is_older(tag: str, rotation: Rotation) -> bool:
    """Whether a session of this tag, which begins with the rotation's prefix, is an older owner's.

    One whose tag has no fencing number is: no owner that is still at work made it.
    """
    fencing = tag.rpartition("/")[2]
    return not (fencing.isascii() and fencing.isdigit()) or int(fencing) < rotation.fencing


def _older_sessions(
    session: Session, rotation: Rotation, test_users: Collection[str]
) -> list[_Older]:
    return [
        _Older(pid=pid, user=user)
        for pid, user, tag, idle in session.execute(_SESSIONS, (rotation.session_prefix,))
        if is_older(tag, rotation) and not (idle and user in test_users)
    ]


def _terminate(session: Session, rotation: Rotation, older: _Older) -> bool:
    """Whether the session has ended; False also where ending it is not permitted."""
    try:
        return _end(session, rotation, older)
    except errors.InsufficientPrivilege:
        pass
    # A role that acts as another may end the sessions that it opened itself as itself only.
    session.execute("SET ROLE NONE")
    try:
        return _end(session, rotation, older)
    except errors.InsufficientPrivilege:
        return False
    finally:
        session.execute("RESET ROLE")


def _end(session: Session, rotation: Rotation, older: _Older) -> bool:
    wait = min(_LONGEST_TERMINATION, max(rotation.remaining() / 2, _PAUSE))
    call = "SELECT pg_terminate_backend(%s, %s)"
    row = session.execute(call, (older.pid, milliseconds(wait))).fetchone()
    return row is not None and bool(row[0])


def _still_there(older: list[_Older]) -> TargetBusy:
    pids = ", ".join(f'{each.pid} (of "{each.user}")' for each in older)
    return TargetBusy(
        f"sessions of an earlier owner of this secret's rotation are still open: {pids}",
        hint=f"end them as a superuser: SELECT pg_terminate_backend({older[0].pid})",
    )

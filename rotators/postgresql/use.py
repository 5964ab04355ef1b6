"""Who is logged in as a role, and how such sessions are ended."""

import re
from collections.abc import Sequence

from rotator.sdk import Rotation, Use
from rotators.postgresql.quoting import identifier
from rotators.postgresql.session import Session, milliseconds
from rotators.postgresql.statement_failure import explained

_LONGEST_TERMINATION = 5.0  # seconds that one call waits for sessions to end
_PID = re.compile(r"pid ([0-9]+)")

# What the sessions of others do is hidden from an admin without pg_read_all_stats; who they are is not.
_SESSIONS = """
SELECT pid, coalesce(host(client_addr), client_hostname, 'an unknown address'), coalesce(application_name, ''),
       datname::text
FROM pg_stat_activity
WHERE usename = %s AND pid <> pg_backend_pid() AND NOT starts_with(coalesce(application_name, ''), %s)
ORDER BY backend_start
"""
_TERMINATE = """
SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE usename = %s AND pid = ANY(%s)
"""


def sessions_of(session: Session, rotation: Rotation, user: str) -> tuple[Use, ...]:
    """The sessions of `user`, without those of this secret's rotations, as an admin's session sees them."""
    with explained("looking for sessions of the old user"):
        rows = session.execute(_SESSIONS, (user, rotation.session_prefix)).fetchall()
    return tuple(
        Use(user=user, client=client, detail=", ".join(filter(None, (f"pid {pid}", database, tag))))
        for pid, client, tag, database in rows
    )


def end_sessions(session: Session, rotation: Rotation, user: str, uses: Sequence[Use]) -> None:
    """Ends those sessions of `user` that `sessions_of` has named and that are still there.

    Raises:
        TargetRefused: the admin may not end them.
    """
    found = (_PID.match(use.detail) for use in uses)
    pids = [int(match[1]) for match in found if match is not None]
    wait = milliseconds(min(_LONGEST_TERMINATION, rotation.remaining() / 2))
    rotation.check_deadline()
    hint = f"GRANT pg_signal_backend TO {identifier(session.info.user)}, or end them as a superuser"
    with explained("ending sessions of the old user", hint=hint):
        session.execute(_TERMINATE, (wait, user, pids)).fetchall()

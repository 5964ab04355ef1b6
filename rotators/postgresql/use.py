"""Who is logged in as a role, and how such sessions are ended."""

import re
from collections.abc import Collection, Sequence

from rotator.sdk import Rotation, Use
from rotators.postgresql.quoting import identifier
from rotators.postgresql.session import Session, milliseconds
from rotators.postgresql.statement_failure import explained

_LONGEST_TERMINATION = 5.0  # seconds that one call waits for sessions to end
_PID = re.compile(r"pid ([0-9]+)")

# What the sessions of others do is hidden from an admin without pg_read_all_stats; who they are is not. Names that
# sessions give themselves tell nothing: anybody may call a session like those of a rotation.
_SESSIONS = """
SELECT pid, coalesce(host(client_addr), client_hostname, 'an unknown address'), coalesce(application_name, ''),
       datname::text
FROM pg_stat_activity
WHERE usename = %s AND pid <> pg_backend_pid() AND pid <> ALL(%s)
ORDER BY backend_start
"""
_TERMINATE = """
SELECT pg_terminate_backend(pid, %s) FROM pg_stat_activity WHERE usename = %s AND pid = ANY(%s)
"""


def sessions_of(session: Session, user: str, *, own: Collection[int]) -> tuple[Use, ...]:
    """The sessions of `user`, as this session sees them, which is not among them.

    Args:
        own: the server's numbers of those that the rotation opened itself.
    """
    with explained("looking for sessions of the old user"):
        rows = session.execute(_SESSIONS, (user, list(own))).fetchall()
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

"""One session at a time may change a secret's credential: it holds a user-level lock of the server.

Servers know no fencing, and without further privileges nobody sees more of its own sessions than what they run just
now. But everybody can take a lock and ask which session has it, and end a session of its own. So whoever changes
something first takes the lock of the secret; a successor ends the session that has it, and what has no lock changes
nothing: an old owner that takes it later finds its deadline passed. Source: MySQL's manual, "Locking Functions".
"""

from rotator.sdk import Rotation, TargetBusy
from rotators.mysql_protocol.session import Session, server_limits
from rotators.mysql_protocol.statement_failure import Refusal, explained

_LONGEST_WAIT = 5.0  # seconds for a session that is being closed to let go of the lock
_DOING = "taking the lock of this secret's rotation"


def take_lock(session: Session, rotation: Rotation) -> None:
    """Take the lock, before anything is changed.

    Raises:
        TargetBusy: another session has it.
    """
    with explained(_DOING):
        if not _taken(session, rotation, _LONGEST_WAIT):
            raise _held(_holder(session, rotation))


def change(session: Session, rotation: Rotation, statement: str, *, doing: str, hint: str) -> None:
    """Send one change, under the lock and with what is left of the step's time.

    Args:
        session: has the lock.
        rotation: its deadline is checked right before the statement is sent.
        statement: the change.
        doing: what it does, for messages.
        hint: what to do where a privilege is missing.

    Raises:
        TargetUnreachable: the deadline has passed; nothing was sent.
        OutcomeUnknown: the connection was lost, or the server interrupted the change.
        TargetRefused, TargetBusy, Misconfigured: the server answered; nothing was changed.
    """
    with explained("limiting the time of a change"):
        session.run(server_limits(rotation, mariadb=session.mariadb))
    rotation.check_deadline()
    with explained(doing, changing=True, hint=hint):
        session.run(statement)


def end_older_sessions(session: Session, rotation: Rotation) -> bool:
    """End the session that has the lock, and wait until it is gone.

    Returns:
        Whether there was one.

    Raises:
        TargetBusy: it is still there.
    """
    with explained("looking for sessions of this secret's older owners"):
        holder = _holder(session, rotation)
        if holder is None or holder == session.thread_id():  # type: ignore[no-untyped-call]
            return False
        rotation.check_deadline()
        try:
            with explained("ending the session of an older owner"):
                session.run(f"KILL {holder}")
        except Refusal:
            pass  # it is gone already, or another user's; the lock tells
        if not _taken(session, rotation, _LONGEST_WAIT):
            raise _held(_holder(session, rotation))
        session.run("SELECT RELEASE_LOCK(%s)", (rotation.session_prefix,))
    return True


def _taken(session: Session, rotation: Rotation, longest: float) -> bool:
    wait = max(0.0, min(longest, rotation.remaining() / 2))
    answer = session.run("SELECT GET_LOCK(%s, %s)", (rotation.session_prefix, round(wait, 3)))
    return bool(answer[0][0])


def _holder(session: Session, rotation: Rotation) -> int | None:
    row = session.run("SELECT IS_USED_LOCK(%s)", (rotation.session_prefix,))[0]
    return None if row[0] is None else int(row[0])


def _held(holder: int | None) -> TargetBusy:
    return TargetBusy(
        "a session of an earlier owner of this secret's rotation is still open"
        + ("" if holder is None else f": {holder}"),
        hint=None if holder is None else f"end it as an administrator: KILL {holder}",
    )

"""Whether something is to be done with a secret by now, as a claim finds it.

Whoever asks for it has seen a list that may be older than what another process has done since.
"""

from dataclasses import replace

from rotator.manager.call import Call
from rotator.manager.next_due import Planner
from rotator.manager.replanning import PLANNED
from rotator.store.rotation_row import RotationRow
from rotator.store.secrets import SecretRow
from rotator.store.tx import Tx


def is_due(
    tx: Tx, call: Call, secret: SecretRow, row: RotationRow | None, *, planner: Planner
) -> bool:
    """Whether its rotation has something to do, or its planned moment has come and its window is open.

    Where a blackout began while it waited for its turn, it is given another moment.

    Args:
        row: its rotation that is not over, whose lease nobody has.

    Raises:
        ScheduleError: the duration of the window does not fit the stored rules.
    """
    if row is not None:
        return row.next_attempt_at is None or row.next_attempt_at <= tx.now
    if not secret.rotation_enabled or secret.due_at is None or secret.window_end is None:
        return False
    if not secret.due_at <= tx.now < secret.window_end:
        return False
    if not planner.is_closed(tx, secret, now=tx.now):
        return True
    moved = planner.due_anew(tx, secret, now=tx.now)
    replace(call, event=PLANNED).change(tx, secret, moved)
    return False

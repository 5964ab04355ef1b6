"""Kills while the audit is written."""

import subprocess
import sys

from rotator.manager.auditing import Auditing
from rotator.store.store import Store
from tests.support.manager import ME

_WRITERS = """
import sys
import threading

from rotator.store.notes import AuditEntry
from rotator.store.store import Store
from tests.support.store import AUDIT_KEY

store = Store.open(sys.argv[1], create=False, audit_key=AUDIT_KEY)
entry = AuditEntry(
    request_id="request", account="0" * 12, region="eu", principal="local:alice", event="PutSecretValue",
    secret_arn=None, version_id=None, outcome="succeeded",
)

def work():
    while True:
        with store.write() as tx:
            tx.record(entry)
            tx.record(entry)
        store.record(entry)
        sys.stdout.write("written\\n")
        sys.stdout.flush()

for _ in range(8):
    threading.Thread(target=work).start()
"""
_KILLS = 5


def test_a_killed_process_leaves_a_valid_audit(store: Store, store_url: str) -> None:
    """SIGKILL while eight threads write, again and again: what they were told is written is there, in valid chains."""
    told = 0
    for _ in range(_KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITERS, store_url], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(10):
                assert process.stdout.readline() == "written\n"
            process.kill()
            told += 10
        found = Auditing(store).verify(**ME)
        assert found.faults == ()
        assert found.records >= told * 3
    Auditing(store).checkpoint(**ME)
    assert Auditing(store).verify(**ME).faults == ()

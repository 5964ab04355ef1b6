"""A change ends, one way or the other, before its step does, and counts when it is durable."""

import threading
from collections.abc import Callable, Iterator

import pytest
from psycopg import sql

from rotator.sdk import Candidate, OutcomeUnknown, Rotation, TargetBusy
from rotator.testing.postgres_binaries import embedded_binaries
from rotator.testing.postgres_server import running_postgres
from rotators.postgresql import SingleUser, change
from rotators.postgresql.login import log_in
from rotators.postgresql.secret import parse
from rotators.postgresql.session import Session
from tests.integration.postgresql.rotations import (
    attempt,
    current,
    preflight,
    role_of,
    rotation_of,
    run,
    warnings,
    with_pending,
)
from tests.support.postgres import DatabaseServer, Role
from tests.support.tcp_proxy import TcpProxy
from tests.support.waiting import eventually

NewProxy = Callable[[str, int], TcpProxy]


@pytest.fixture(scope="module")
def lonely_primary() -> Iterator[DatabaseServer]:
    """A primary that waits for a standby which isn't there; a session that doesn't ask for durability doesn't."""
    settings = {"synchronous_standby_names": "absent", "synchronous_commit": "local"}
    with running_postgres(embedded_binaries(16), settings=settings) as server:
        yield DatabaseServer(server=server)


def start(rotation: Rotation, failures: list[Exception]) -> threading.Thread:
    """A setSecret that runs beside the test, and what it raises."""

    def set_secret() -> None:
        try:
            with attempt(SingleUser) as rotator:
                rotator.set_secret(rotation)
        except Exception as failure:  # noqa: BLE001 (the test looks at it)
            failures.append(failure)

    thread = threading.Thread(target=set_secret)
    thread.start()
    return thread


def waiting(server: DatabaseServer, role: Role, event: str) -> list[int]:
    """The processes of the role's sessions that wait for such a thing."""
    found = server.execute(
        "SELECT pid FROM pg_stat_activity WHERE usename = %s AND wait_event_type || wait_event ~ %s",
        (role.name, event),
    )
    return [pid for (pid,) in found]


def change_at_once(session: Session, step: Rotation, statements: list[sql.SQL]) -> None:
    change.run(session, step, statements, doing="the change")


def change_after_reading(session: Session, step: Rotation, statements: list[sql.SQL]) -> None:
    with change.transaction(session, step):
        change.commit(session, step, statements, doing="the change")


@pytest.mark.parametrize("make_change", [change_at_once, change_after_reading])
def test_time_limit_counts_for_the_statements_together(
    pg: DatabaseServer, make_change: Callable[[Session, Rotation, list[sql.SQL]], None]
) -> None:
    """Statements that are short enough one by one, and too long together, are given up; the server says so in time."""
    role = pg.new_role()
    step = rotation_of(current(pg, role), seconds=3.0)
    session = log_in(parse(step.value(Candidate.CURRENT)), step)
    with pytest.raises(TargetBusy, match="time limit"):
        make_change(session, step, [sql.SQL("SELECT pg_sleep(1)")] * 6)
    assert session.closed


def test_transaction_has_a_time_limit_where_the_server_knows_one(pg: DatabaseServer) -> None:
    """From PostgreSQL 17 on the whole transaction is limited too."""
    role = pg.new_role()
    step = rotation_of(current(pg, role))
    session = log_in(parse(step.value(Candidate.CURRENT)), step)
    with change.transaction(session, step):
        query = "SELECT setting <> '0' FROM pg_settings WHERE name = 'transaction_timeout'"
        limited = session.execute(query).fetchall()
    session.close()
    assert limited == ([(True,)] if pg.server.version >= 170000 else [])


def test_server_gives_up_a_change_whose_client_is_gone(
    pg: DatabaseServer, tcp_proxy: NewProxy
) -> None:
    """A change that waits for a lock doesn't go on waiting when the connection breaks."""
    role = pg.new_role()
    proxy = tcp_proxy(pg.host, pg.port)
    step = rotation_of(with_pending(SingleUser, current(pg, role, port=proxy.port)), seconds=300.0)
    failures: list[Exception] = []
    with pg.connect() as other:
        other.execute("BEGIN")
        alter = sql.SQL("ALTER ROLE {} CONNECTION LIMIT 50")
        other.execute(alter.format(sql.Identifier(role.name)))
        thread = start(step, failures)
        assert eventually(lambda: waiting(pg, role, "^Lock") != [])
        proxy.cut()
        assert eventually(lambda: waiting(pg, role, "^Lock") == [])
        other.execute("ROLLBACK")
    thread.join()
    assert [type(failure) for failure in failures] == [OutcomeUnknown]
    assert pg.can_log_in(role)


def test_commit_that_no_standby_confirmed_is_unknown(lonely_primary: DatabaseServer) -> None:
    """Where the wait for the standby is cancelled the server calls it a success, but a failover may lose it."""
    role = lonely_primary.new_role()
    step = rotation_of(with_pending(SingleUser, current(lonely_primary, role)), seconds=60.0)
    failures: list[Exception] = []
    thread = start(step, failures)
    assert eventually(lambda: waiting(lonely_primary, role, "SyncRep") != [])
    run(
        lonely_primary,
        "SELECT pg_cancel_backend({pid})",
        pid=sql.Literal(waiting(lonely_primary, role, "SyncRep")[0]),
    )
    thread.join()
    assert [type(failure) for failure in failures] == [OutcomeUnknown]
    assert "standby" in str(failures[0])
    assert lonely_primary.can_log_in(role_of(step.value(Candidate.PENDING)))


def test_synchronous_standbys_are_warned_of(
    lonely_primary: DatabaseServer, pg16: DatabaseServer
) -> None:
    """Where commits wait for standbys, preflight says what their absence means."""
    for server, warned in ((lonely_primary, True), (pg16, False)):
        found = warnings(preflight(SingleUser, rotation_of(current(server, server.new_role()))))
        assert ("synchronous_standby_names = 'absent'" in found) is warned

"""After a takeover the sessions of older owners are ended before anything else happens."""

import threading
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from rotator.sdk import Candidate, Rotation, Rotator, TargetBusy
from rotators.postgresql import AlternatingUsers, SingleUser
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    attempt,
    current,
    role_of,
    rotation_of,
    run,
    value,
    with_pending,
)
from tests.support.postgres import DatabaseServer, Role, unique_name


def session_tagged(
    server: DatabaseServer, role: Role, rotation: Rotation, *, fencing: int | str
) -> psycopg.Connection[tuple[Any, ...]]:
    return server.connect(
        role, application_name=f"{rotation.session_prefix}{rotation.rotation_id}/{fencing}"
    )


def is_over(session: psycopg.Connection[tuple[Any, ...]]) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False


@pytest.fixture(params=[SingleUser, AlternatingUsers])
def kind(request: pytest.FixtureRequest) -> type[Rotator]:
    rotator: type[Rotator] = request.param
    return rotator


def taken_over(
    server: DatabaseServer, kind: type[Rotator], role: Role, **fields: Any
) -> tuple[Rotation, Role]:
    """A rotation at fencing number 7, and the role whose sessions make its changes."""
    values = with_pending(kind, current(server, role, masterarn=ADMIN_ARN))
    if kind is SingleUser:
        return rotation_of(values, fencing=7, **fields), role
    return rotation_of(
        values, fencing=7, admin=value(server, server.superuser), **fields
    ), server.superuser


def test_older_sessions_are_ended_and_others_are_not(
    pg: DatabaseServer, kind: type[Rotator]
) -> None:
    """A smaller fencing number, in an earlier rotation too, or none ends; own, later and other secrets' go on."""
    step, changer = taken_over(pg, kind, pg.new_role())
    earlier_run = rotation_of(step.values, rotation_id=unique_name("run"))
    other_secret = rotation_of(step.values, secret_arn=step.secret_arn + "x")
    with (
        session_tagged(pg, changer, step, fencing=6) as older,
        session_tagged(pg, changer, step, fencing=7) as own,
        session_tagged(pg, changer, step, fencing=10) as later,
        session_tagged(pg, changer, step, fencing="x") as odd,
        session_tagged(pg, changer, earlier_run, fencing=1) as earlier,
        session_tagged(pg, changer, other_secret, fencing=1) as other,
        attempt(kind) as rotator,
    ):
        rotator.end_older_sessions(step)
        assert all(map(is_over, (older, earlier, odd)))
        assert not any(map(is_over, (own, later, other)))


def test_change_that_an_older_owner_is_making_is_undone(
    pg: DatabaseServer, kind: type[Rotator]
) -> None:
    """A transaction that an older owner left open is gone, and can't commit later."""
    role = pg.new_role()
    step, changer = taken_over(pg, kind, role)
    with session_tagged(pg, changer, step, fencing=6) as older, attempt(kind) as rotator:
        older.execute("BEGIN")
        older.execute(f"ALTER ROLE \"{role.name}\" PASSWORD 'late'")
        rotator.end_older_sessions(step)
        with pytest.raises(psycopg.OperationalError):
            older.execute("COMMIT")
    assert pg.can_log_in(role)


def test_statement_that_runs_is_ended_and_waited_for(pg16: DatabaseServer) -> None:
    """An older owner that is in the middle of a statement is ended too."""
    step, changer = taken_over(pg16, SingleUser, pg16.new_role())
    with session_tagged(pg16, changer, step, fencing=6) as older:
        sleeper = threading.Thread(target=lambda: is_over_after_sleep(older))
        sleeper.start()
        with attempt(SingleUser) as rotator:
            rotator.end_older_sessions(step)
        sleeper.join()
        assert is_over(older)


def is_over_after_sleep(session: psycopg.Connection[tuple[Any, ...]]) -> None:
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT pg_sleep(60)")


@pytest.mark.parametrize("in_force", [Candidate.CURRENT, Candidate.PENDING])
def test_successor_gets_in_whichever_value_is_in_force(
    pg16: DatabaseServer, in_force: Candidate
) -> None:
    """After a takeover nobody knows which password is set; the successor finds the one that logs in."""
    role = pg16.new_role()
    step, _ = taken_over(pg16, SingleUser, role)
    if in_force is Candidate.PENDING:
        with attempt(SingleUser) as rotator:
            rotator.set_secret(step)
    with session_tagged(pg16, role_of(step.value(in_force)), step, fencing=6) as older:
        with attempt(SingleUser) as rotator:
            rotator.end_older_sessions(step)
        assert is_over(older)


def test_role_that_acts_as_another_ends_its_own_sessions(pg: DatabaseServer) -> None:
    """A role whose setting has it act as another ends its sessions as itself."""
    group, role = pg.new_role("group", attributes="NOLOGIN"), pg.new_role()
    run(pg, "GRANT {group} TO {role}", group=group.name, role=role.name)
    run(pg, "ALTER ROLE {role} SET role = {group}", group=group.name, role=role.name)
    step, changer = taken_over(pg, SingleUser, role)
    with session_tagged(pg, changer, step, fencing=6) as older, attempt(SingleUser) as rotator:
        rotator.end_older_sessions(step)
        assert is_over(older)


def test_session_that_may_not_be_ended_is_waited_for(pg: DatabaseServer) -> None:
    """Where ending a session isn't permitted, the takeover is busy before its deadline, and names the session."""
    step, changer = taken_over(pg, SingleUser, pg.new_role(), seconds=2.0)
    assert changer.name != pg.superuser.name
    with session_tagged(pg, pg.superuser, step, fencing=6) as older, attempt(SingleUser) as rotator:
        with pytest.raises(TargetBusy, match=str(older.info.backend_pid)):
            rotator.end_older_sessions(step)
        assert not is_over(older)


def test_test_logins_of_an_older_owner_do_no_harm(pg16: DatabaseServer) -> None:
    """Where an admin makes all changes, a left-over idle login of the users themselves isn't ended."""
    role = pg16.new_role()
    step, _ = taken_over(pg16, AlternatingUsers, role)
    with (
        session_tagged(pg16, role, step, fencing=6) as tester,
        attempt(AlternatingUsers) as rotator,
    ):
        rotator.end_older_sessions(step)
        assert not is_over(tester)


def test_sessions_of_the_users_that_are_at_work_are_ended(pg16: DatabaseServer) -> None:
    """A session of the users in a transaction may be a single-user rotation's of before, and is ended."""
    role = pg16.new_role()
    step, _ = taken_over(pg16, AlternatingUsers, role)
    with (
        session_tagged(pg16, role, step, fencing=6) as older,
        attempt(AlternatingUsers) as rotator,
    ):
        older.execute("BEGIN")
        rotator.end_older_sessions(step)
        assert is_over(older)


def test_admin_ends_the_role_s_own_older_sessions(pg: DatabaseServer) -> None:
    """Where an admin was named after the crash, the older owner's session is the role's own, and is ended too."""
    role = pg.new_role()
    own, _ = taken_over(pg, SingleUser, role)
    step = replace(own, admin=value(pg, pg.superuser))
    with session_tagged(pg, role, step, fencing=6) as older, attempt(SingleUser) as rotator:
        rotator.end_older_sessions(step)
        assert is_over(older)


def test_admin_waits_for_the_role_s_own_sessions_that_it_may_not_end(pg: DatabaseServer) -> None:
    """An admin without the right to end the role's session is busy as long as that is there."""
    role = pg.new_role()
    own, _ = taken_over(pg, SingleUser, role, seconds=2.0)
    step = replace(own, admin=value(pg, pg.new_role("plain")))
    with session_tagged(pg, role, step, fencing=6) as older, attempt(SingleUser) as rotator:
        with pytest.raises(TargetBusy, match=str(older.info.backend_pid)):
            rotator.end_older_sessions(step)
        assert not is_over(older)


def test_admin_that_acts_as_another_role_ends_its_own_sessions(pg: DatabaseServer) -> None:
    """An admin whose setting has it act as another ends its sessions as itself, then acts as the other again."""
    dba, admin, role = (
        pg.new_role("dba", attributes="NOLOGIN CREATEROLE"),
        pg.new_role("adm"),
        pg.new_role(),
    )
    run(pg, "GRANT {dba} TO {admin}", dba=dba.name, admin=admin.name)
    run(pg, "ALTER ROLE {admin} SET role = {dba}", dba=dba.name, admin=admin.name)
    run(pg, "GRANT {role} TO {dba} WITH ADMIN OPTION", role=role.name, dba=dba.name)
    own, _ = taken_over(pg, SingleUser, role)
    step = replace(own, admin=value(pg, admin))
    with session_tagged(pg, admin, step, fencing=6) as older, attempt(SingleUser) as rotator:
        rotator.end_older_sessions(step)
        assert is_over(older)
        rotator.set_secret(step)
    assert pg.can_log_in(role_of(step.value(Candidate.PENDING)))

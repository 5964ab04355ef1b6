"""The alternating-users rotator on real servers: turns, tests, reverts, refusals."""

from typing import LiteralString

import psycopg
import pytest
from psycopg import sql

from rotator.sdk import (
    Candidate,
    Misconfigured,
    Overlap,
    Proof,
    SecretValue,
    TargetBusy,
    TargetRefused,
)
from rotators.postgresql import AlternatingUsers
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    Values,
    attempt,
    current,
    preflight,
    refusals,
    role_of,
    rotate,
    rotation_of,
    run,
    session_of,
    value,
    warnings,
    with_pending,
)
from tests.support.postgres import DatabaseServer, Role


def start(server: DatabaseServer, role: Role | None = None) -> tuple[Values, SecretValue]:
    """The values of a secret that alternates, and its admin's."""
    values = current(server, role or server.new_role(), masterarn=ADMIN_ARN)
    return values, value(server, server.superuser)


def test_users_take_turns_and_the_old_login_stays(pg: DatabaseServer) -> None:
    """Each of three rotations leaves the new and the last login valid, on u_clone, u, u_clone."""
    role = pg.new_role()
    values, admin = start(pg, role)
    users = []
    for _ in range(3):
        values = rotate(AlternatingUsers, values, admin=admin)
        users.append(role_of(values[Candidate.CURRENT]).name)
        assert pg.can_log_in(role_of(values[Candidate.CURRENT]))
        assert pg.can_log_in(role_of(values[Candidate.PREVIOUS]))
    assert users == [f"{role.name}_clone", role.name, f"{role.name}_clone"]


def test_sessions_of_the_clone_act_as_the_original(pg: DatabaseServer) -> None:
    """Also after RESET ROLE, RESET ALL and DISCARD ALL the clone's session is the original's."""
    role = pg.new_role()
    values, admin = start(pg, role)
    values = rotate(AlternatingUsers, values, admin=admin)
    with session_of(pg, values[Candidate.CURRENT]) as session:
        for statement in ("SELECT 1", "RESET ROLE", "RESET ALL", "DISCARD ALL"):
            session.execute(statement)
            row = session.execute("SELECT session_user::text, current_user::text").fetchone()
            assert row == (f"{role.name}_clone", role.name)


def test_preflight_shows_what_would_be_run(pg: DatabaseServer) -> None:
    """The plan is the statements themselves, with no password in them, and nothing is changed."""
    role = pg.new_role()
    values, admin = start(pg, role)
    found = preflight(AlternatingUsers, rotation_of(values, admin=admin))
    assert found.overlap is Overlap.ALTERNATING
    assert found.changes[0] == f'CREATE ROLE "{role.name}_clone"'
    assert "<SCRAM-SHA-256 verifier of the new password>" in found.changes[-1]
    assert pg.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (f"{role.name}_clone",)) == []


def test_original_keeps_everything_but_its_password(pg: DatabaseServer) -> None:
    """A rotation to the original is one statement that changes its password."""
    values, admin = start(pg)
    values = rotate(AlternatingUsers, values, admin=admin)
    found = preflight(AlternatingUsers, rotation_of(values, admin=admin))
    assert [line.split(" PASSWORD ")[0] for line in found.changes] == [
        f'ALTER ROLE "{role_of(values[Candidate.PREVIOUS]).name}"'
    ]


def test_set_secret_may_be_repeated(pg: DatabaseServer) -> None:
    """A second setSecret of a new process ends in the same state."""
    values, admin = start(pg)
    values = with_pending(AlternatingUsers, values)
    for _ in range(2):
        with attempt(AlternatingUsers) as rotator:
            rotator.set_secret(rotation_of(values, admin=admin))
    with attempt(AlternatingUsers) as rotator:
        rotator.test_secret(rotation_of(values, admin=admin))


def test_probe_of_both_users(pg: DatabaseServer) -> None:
    """Both values log in after the change; the pending one doesn't before it."""
    values, admin = start(pg)
    step = rotation_of(with_pending(AlternatingUsers, values), admin=admin)
    with attempt(AlternatingUsers) as rotator:
        assert rotator.probe(step, Candidate.PENDING) is Proof.REFUSED
        rotator.set_secret(step)
        assert rotator.probe(step, Candidate.PENDING) is Proof.ACCEPTED
        assert rotator.probe(step, Candidate.CURRENT) is Proof.ACCEPTED


def test_sessions_cannot_hide_behind_a_name(pg16: DatabaseServer) -> None:
    """A session of the old user counts as its use though it calls itself like one of this rotation."""
    role = pg16.new_role()
    values, admin = start(pg16, role)
    step = rotation_of(with_pending(AlternatingUsers, values), admin=admin)
    with (
        attempt(AlternatingUsers) as rotator,
        pg16.connect(role, application_name=step.session_tag) as hidden,
    ):
        rotator.set_secret(step)
        rotator.test_secret(step)
        (use,) = rotator.in_use(step)
        assert f"pid {hidden.info.backend_pid}," in use.detail
        rotator.end_use(step, [use])
        with pytest.raises(psycopg.OperationalError):
            hidden.execute("SELECT 1")


def test_lost_membership_fails_the_test(pg: DatabaseServer) -> None:
    """A clone that is no member any more logs in all the same; testSecret sees that it acts as itself."""
    role = pg.new_role()
    values, admin = start(pg, role)
    step = rotation_of(with_pending(AlternatingUsers, values), admin=admin)
    with attempt(AlternatingUsers) as rotator:
        rotator.set_secret(step)
        run(pg, "REVOKE {original} FROM {clone}", original=role.name, clone=f"{role.name}_clone")
        with pytest.raises(TargetRefused, match="acts as"):
            rotator.test_secret(step)


def test_stale_setting_fails_the_test(pg: DatabaseServer) -> None:
    """A setting of the original that the clone lacks is found by testSecret."""
    role = pg.new_role()
    values, admin = start(pg, role)
    step = rotation_of(with_pending(AlternatingUsers, values), admin=admin)
    with attempt(AlternatingUsers) as rotator:
        rotator.set_secret(step)
        run(pg, "ALTER ROLE {original} SET work_mem = '7MB'", original=role.name)
        with pytest.raises(TargetRefused, match="work_mem"):
            rotator.test_secret(step)


def test_login_of_the_user_in_use_that_breaks_meanwhile_fails_the_test(
    pg16: DatabaseServer,
) -> None:
    """Where the user in use logged in before the change and doesn't after it, testSecret fails."""
    role = pg16.new_role()
    values, admin = start(pg16, role)
    step = rotation_of(with_pending(AlternatingUsers, values), admin=admin)
    with attempt(AlternatingUsers) as rotator:
        rotator.preflight(step)
        rotator.set_secret(step)
        run(pg16, "ALTER ROLE {original} PASSWORD 'other'", original=role.name)
        with pytest.raises(TargetRefused, match="refused now"):
            rotator.test_secret(step)


def test_rotation_mends_a_secret_that_no_longer_logs_in(pg16: DatabaseServer) -> None:
    """A broken login of the user in use is warned of, and doesn't keep the other user from taking over."""
    role = pg16.new_role()
    values, admin = start(pg16, Role(name=role.name, password="lost"))
    assert "does not log in" in warnings(
        preflight(AlternatingUsers, rotation_of(values, admin=admin))
    )
    values = rotate(AlternatingUsers, values, admin=admin)
    assert pg16.can_log_in(role_of(values[Candidate.CURRENT]))


def test_revert_of_the_first_rotation_disables_the_clone(pg: DatabaseServer) -> None:
    """The clone of a failed first rotation stays, but may not log in; the next rotation takes it up again."""
    role = pg.new_role()
    values, admin = start(pg, role)
    step = rotation_of(with_pending(AlternatingUsers, values), admin=admin)
    with attempt(AlternatingUsers) as rotator:
        rotator.set_secret(step)
        for _ in range(2):
            rotator.revert_secret(step)
        assert rotator.probe(step, Candidate.PENDING) is Proof.REFUSED
    found = pg.execute(
        "SELECT rolcanlogin, rolpassword FROM pg_authid WHERE rolname = %s", (f"{role.name}_clone",)
    )
    assert found == [(False, None)]
    assert pg.can_log_in(role)
    values = rotate(AlternatingUsers, values, admin=admin)
    assert pg.can_log_in(role_of(values[Candidate.CURRENT]))


def test_revert_before_anything_was_changed(pg16: DatabaseServer) -> None:
    """Where the clone was never made a revert is content."""
    values, admin = start(pg16)
    with attempt(AlternatingUsers) as rotator:
        rotator.revert_secret(rotation_of(with_pending(AlternatingUsers, values), admin=admin))


@pytest.mark.parametrize("rotations", [1, 2])
def test_revert_brings_the_previous_password_back(pg: DatabaseServer, rotations: int) -> None:
    """After a failed later rotation both users have the passwords that they had before, whoever's turn it is."""
    values, admin = start(pg)
    for _ in range(rotations):
        values = rotate(AlternatingUsers, values, admin=admin)
    step = rotation_of(with_pending(AlternatingUsers, values), admin=admin)
    with attempt(AlternatingUsers) as rotator:
        rotator.set_secret(step)
        rotator.revert_secret(step)
        assert rotator.probe(step, Candidate.PENDING) is Proof.REFUSED
    assert pg.can_log_in(role_of(values[Candidate.CURRENT]))
    assert pg.can_log_in(role_of(values[Candidate.PREVIOUS]))


def test_revert_of_an_original_without_a_known_password_disables_it(pg16: DatabaseServer) -> None:
    """Where nobody knows the pending user's earlier password it is left with none, the user in use untouched."""
    original = pg16.new_role()
    clone = Role(name=f"{original.name}_clone", password="clone's")
    run(pg16, "CREATE ROLE {clone} LOGIN PASSWORD 'clone''s' IN ROLE {original}",
        clone=clone.name, original=original.name)  # fmt: skip
    values, admin = start(pg16, clone)
    step = rotation_of(with_pending(AlternatingUsers, values), admin=admin)
    with attempt(AlternatingUsers) as rotator:
        rotator.set_secret(step)
        rotator.revert_secret(step)
        assert rotator.probe(step, Candidate.PENDING) is Proof.REFUSED
    assert pg16.can_log_in(clone)


def test_admin_of_another_server_is_refused(pg16: DatabaseServer) -> None:
    """The admin secret has to name the same host and port."""
    values, _ = start(pg16)
    elsewhere = value(pg16, pg16.superuser, port=1)
    found = refusals(preflight(AlternatingUsers, rotation_of(values, admin=elsewhere)))
    assert "allow the other one" in found


def test_rotation_without_an_admin_value_is_refused(pg16: DatabaseServer) -> None:
    """Where the admin secret isn't handed over, preflight says what to do."""
    values, _ = start(pg16)
    assert "masterarn" in refusals(preflight(AlternatingUsers, rotation_of(values)))


def test_admin_that_is_one_of_the_two_is_refused(pg16: DatabaseServer) -> None:
    """A user that takes turns can't be the admin of the rotation as well."""
    role = pg16.new_role()
    values, _ = start(pg16, role)
    found = refusals(preflight(AlternatingUsers, rotation_of(values, admin=value(pg16, role))))
    assert "one of the users that take turns" in found


def test_strange_role_with_the_clones_name_is_refused(pg: DatabaseServer) -> None:
    """A role that happens to have the clone's name isn't taken over."""
    role = pg.new_role()
    values, admin = start(pg, role)
    run(pg, "CREATE ROLE {clone} LOGIN", clone=f"{role.name}_clone")
    found = refusals(preflight(AlternatingUsers, rotation_of(values, admin=admin)))
    assert "no clone of" in found
    assert "RENAME TO" in found


def test_privileged_clone_is_refused(pg: DatabaseServer) -> None:
    """A clone with administrative rights that the original lacks is refused."""
    role = pg.new_role()
    values, admin = start(pg, role)
    run(pg, "CREATE ROLE {clone} LOGIN CREATEROLE IN ROLE {original}",
        clone=f"{role.name}_clone", original=role.name)  # fmt: skip
    found = refusals(preflight(AlternatingUsers, rotation_of(values, admin=admin)))
    assert f'"{role.name}_clone" has administrative rights: CREATEROLE' in found


def test_privileged_original_needs_an_allowance(pg: DatabaseServer) -> None:
    """A replication user alternates only with the allowance, and its clone may replicate then, too."""
    role = pg.new_role(attributes="LOGIN REPLICATION")
    values, admin = start(pg, role)
    assert "REPLICATION" in refusals(preflight(AlternatingUsers, rotation_of(values, admin=admin)))
    values = rotate(AlternatingUsers, values, admin=admin, allow_privileged=True)
    with pg.connect(role_of(values[Candidate.CURRENT]), replication="database") as session:
        assert session.execute("IDENTIFY_SYSTEM").fetchone()


@pytest.mark.parametrize(
    ("prepare", "expected"),
    [
        ("DROP ROLE {original}", "there is no role"),
        ("ALTER ROLE {original} VALID UNTIL '2001-01-01'", "has expired"),
        ("ALTER ROLE {original} NOLOGIN", "not permitted to log in"),
    ],
)
def test_original_that_can_not_be_followed(
    pg: DatabaseServer, prepare: LiteralString, expected: str
) -> None:
    """Preflight says what is wrong with the original before a clone is made of it."""
    role = pg.new_role()
    values, admin = start(pg, role)
    run(pg, prepare, original=role.name)
    assert expected in refusals(preflight(AlternatingUsers, rotation_of(values, admin=admin)))


def test_objects_of_an_older_clone_are_refused_with_the_remedy(pg: DatabaseServer) -> None:
    """What a clone of the AWS template owns would be out of reach, until it is reassigned as preflight says."""
    role = pg.new_role()
    clone = f"{role.name}_clone"
    database = pg.new_database(owner=role)
    values, admin = start(pg, role)
    values[Candidate.CURRENT] = value(pg, role, dbname=database, masterarn=ADMIN_ARN)
    run(pg, "CREATE ROLE {clone} LOGIN IN ROLE {original}", clone=clone, original=role.name)
    run(pg, "CREATE SCHEMA old AUTHORIZATION {clone}", clone=clone, dbname=database)
    found = preflight(AlternatingUsers, rotation_of(values, admin=admin))
    assert f'owns 1 objects in the database "{database}"' in refusals(found)
    remedy = f'REASSIGN OWNED BY "{clone}" TO "{role.name}"'
    assert remedy in refusals(found)
    run(pg, "REASSIGN OWNED BY {clone} TO {original}",
        clone=clone, original=role.name, dbname=database)  # fmt: skip
    rotate(AlternatingUsers, values, admin=admin)


def test_role_that_is_locked_elsewhere_is_busy(pg16: DatabaseServer) -> None:
    """While another transaction changes the role the server gives up in time, and nothing was changed."""
    role = pg16.new_role()
    values, admin = start(pg16, role)
    values = rotate(AlternatingUsers, values, admin=admin)
    step = rotation_of(with_pending(AlternatingUsers, values), admin=admin, seconds=3.0)
    with pg16.connect() as other:
        other.execute("BEGIN")
        name = sql.Identifier(role.name)
        other.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 50").format(name))
        with attempt(AlternatingUsers) as rotator, pytest.raises(TargetBusy, match="lock"):
            rotator.set_secret(step)
        other.execute("ROLLBACK")


def _same_user_pending(server: DatabaseServer, role: Role) -> Values:
    """A pending value of the user in use, as a single-user rotation or a put leaves it."""
    values, _ = start(server, role)
    pending = value(server, Role(name=role.name, password="something else"))
    return {**values, Candidate.PENDING: pending}


@pytest.mark.parametrize("live", [Candidate.CURRENT, Candidate.PREVIOUS])
def test_revert_of_a_pending_value_of_the_user_in_use_touches_nothing(
    pg16: DatabaseServer, live: Candidate
) -> None:
    """What no alternating rotation made is not taken back: the user in use keeps its password, without a login."""
    role = pg16.new_role()
    values = {**_same_user_pending(pg16, role), Candidate.PREVIOUS: value(pg16, role)}
    wrong = value(pg16, Role(name=pg16.superuser.name, password="wrong"))
    with attempt(AlternatingUsers) as rotator:
        rotator.revert_secret(rotation_of(values, admin=wrong, live=live))
    assert pg16.can_log_in(role)


def test_a_pending_value_of_the_user_in_use_is_refused(pg16: DatabaseServer) -> None:
    """SetSecret and testSecret refuse it, with the way out, before a session is opened."""
    role = pg16.new_role()
    values = _same_user_pending(pg16, role)
    wrong = value(pg16, Role(name=pg16.superuser.name, password="wrong"))
    step = rotation_of(values, admin=wrong)
    with attempt(AlternatingUsers) as rotator:
        for verb in (rotator.set_secret, rotator.test_secret):
            with pytest.raises(Misconfigured, match="the same user as AWSCURRENT") as caught:
                verb(step)
            assert "rotate abort" in (caught.value.hint or "")
    assert pg16.can_log_in(role)

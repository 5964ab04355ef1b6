"""The single-user rotator on real servers."""

from dataclasses import replace
from typing import Any, LiteralString

import pytest
from psycopg import sql

from rotator.sdk import (
    AdminLoginRefused,
    Candidate,
    LoginRefused,
    Misconfigured,
    Overlap,
    Proof,
    SecretValue,
    TargetRefused,
)
from rotators.postgresql import SingleUser
from tests.integration.postgresql.rotations import (
    ADMIN_ARN,
    attempt,
    current,
    preflight,
    refusals,
    role_of,
    rotate,
    rotation_of,
    run,
    value,
    warnings,
    with_pending,
)
from tests.support.postgres import DatabaseServer, Role


def test_new_password_logs_in_and_old_one_is_refused(pg: DatabaseServer) -> None:
    """After a rotation the server takes the new password and refuses the old one."""
    old = pg.new_role()
    after = rotate(SingleUser, current(pg, old))
    assert pg.can_log_in(role_of(after[Candidate.CURRENT]))
    assert not pg.can_log_in(old)


def test_rotation_makes_three_logins(pg: DatabaseServer) -> None:
    """A rotation logs in with the current value, with the new one and with the refused old one, and no more."""
    role = pg.new_role()
    before = pg.log_text().count("connection received")
    rotate(SingleUser, current(pg, role))
    assert pg.log_text().count("connection received") - before == 3


def test_overlap_is_gap(pg16: DatabaseServer) -> None:
    """A role has one password, so preflight says gap, and tells what would be run."""
    role = pg16.new_role()
    found = preflight(SingleUser, rotation_of(current(pg16, role)))
    assert found.overlap is Overlap.GAP
    assert found.changes == (
        f"ALTER ROLE \"{role.name}\" PASSWORD '<SCRAM-SHA-256 verifier of the new password>'",
    )


def test_required_overlap_is_refused(pg16: DatabaseServer) -> None:
    """A rotation that requires an overlap is refused and pointed to alternating users."""
    found = preflight(SingleUser, rotation_of(current(pg16, pg16.new_role()), require_overlap=True))
    assert "postgresql-alternating-users" in refusals(found)


def test_set_secret_repeated_after_a_crash_changes_nothing(pg: DatabaseServer) -> None:
    """A second setSecret of a new process, which still takes the old value for live, finds the work done."""
    values = with_pending(SingleUser, current(pg, pg.new_role()))
    step = rotation_of(values)
    for _ in range(2):
        with attempt(SingleUser) as rotator:
            rotator.set_secret(step)
    assert pg.can_log_in(role_of(values[Candidate.PENDING]))


def test_set_secret_with_pending_live_does_nothing(pg16: DatabaseServer) -> None:
    """Where the engine knows that the pending value is in force, setSecret needs no server at all."""
    values = with_pending(SingleUser, current(pg16, pg16.new_role(), port=1))
    with attempt(SingleUser) as rotator:
        rotator.set_secret(rotation_of(values, live=Candidate.PENDING))


def test_set_secret_logs_in_with_the_previous_value_where_that_is_live(
    pg16: DatabaseServer,
) -> None:
    """Where the server still has the previous password, the change is made with it."""
    role = pg16.new_role()
    values = with_pending(SingleUser, current(pg16, Role(name=role.name, password="never set")))
    values[Candidate.PREVIOUS] = value(pg16, role)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(rotation_of(values, live=Candidate.PREVIOUS))
    assert pg16.can_log_in(role_of(values[Candidate.PENDING]))


def test_probe_tells_which_value_is_in_force(pg: DatabaseServer) -> None:
    """The value that logs in is accepted and the other refused, before the change and after it."""
    values = with_pending(SingleUser, current(pg, pg.new_role()))
    step = rotation_of(values)
    with attempt(SingleUser) as rotator:
        assert rotator.probe(step, Candidate.CURRENT) is Proof.ACCEPTED
        assert rotator.probe(step, Candidate.PENDING) is Proof.REFUSED
        rotator.set_secret(step)
        assert rotator.probe(step, Candidate.CURRENT) is Proof.REFUSED
        assert rotator.probe(step, Candidate.PENDING) is Proof.ACCEPTED


def test_revert_brings_the_current_password_back(pg: DatabaseServer) -> None:
    """After a revert the current value logs in again and the pending one doesn't; a second revert is content."""
    role = pg.new_role()
    values = with_pending(SingleUser, current(pg, role))
    with attempt(SingleUser) as rotator:
        rotator.set_secret(rotation_of(values))
        for _ in range(2):
            rotator.revert_secret(rotation_of(values, live=Candidate.PENDING))
    assert pg.can_log_in(role)
    assert not pg.can_log_in(role_of(values[Candidate.PENDING]))


@pytest.mark.parametrize("back", [False, True])
def test_what_somebody_else_has_set_is_not_taken_for_work_that_is_done(
    pg16: DatabaseServer, back: bool
) -> None:
    """Where neither value logs in, a change says so, and doesn't count as one whose answer was lost."""
    role = pg16.new_role()
    values = with_pending(SingleUser, current(pg16, role))
    run(pg16, "ALTER ROLE {role} PASSWORD 'of somebody else'", role=role.name)
    rotation = rotation_of(values, live=Candidate.PENDING if back else Candidate.CURRENT)
    with attempt(SingleUser) as rotator:
        change = rotator.revert_secret if back else rotator.set_secret
        with pytest.raises(LoginRefused):
            change(rotation)


def test_revert_with_current_live_needs_no_server(pg16: DatabaseServer) -> None:
    """Where the current value is in force there is nothing to put back."""
    values = with_pending(SingleUser, current(pg16, pg16.new_role(), port=1))
    with attempt(SingleUser) as rotator:
        rotator.revert_secret(rotation_of(values))


def test_test_secret_refuses_a_password_that_was_never_set(pg16: DatabaseServer) -> None:
    """TestSecret fails where setSecret did not happen."""
    values = with_pending(SingleUser, current(pg16, pg16.new_role()))
    with attempt(SingleUser) as rotator, pytest.raises(LoginRefused, match="refused the password"):
        rotator.test_secret(rotation_of(values))


def test_test_secret_notices_a_role_made_anew(pg16: DatabaseServer) -> None:
    """A role that was dropped and made again meanwhile is another role, whatever its name."""
    values = with_pending(SingleUser, current(pg16, pg16.new_role()))
    new = role_of(values[Candidate.PENDING])
    with attempt(SingleUser) as rotator:
        rotator.preflight(rotation_of(values))
        run(pg16, "DROP ROLE {role}", role=new.name)
        password = sql.Literal(new.password)
        run(pg16, "CREATE ROLE {role} LOGIN PASSWORD {password}", role=new.name, password=password)
        with pytest.raises(TargetRefused, match="another role"):
            rotator.test_secret(rotation_of(values))


def test_test_secret_of_the_value_in_use(pg16: DatabaseServer) -> None:
    """A test without a rotation, pending being a copy of current, passes though no old password is refused."""
    values = current(pg16, pg16.new_role())
    values[Candidate.PENDING] = values[Candidate.CURRENT]
    with attempt(SingleUser) as rotator:
        rotator.test_secret(rotation_of(values))


def test_role_that_acts_as_another_changes_its_own_password(pg: DatabaseServer) -> None:
    """A role whose own settings have it act as another, read-only even, still rotates."""
    group, role = pg.new_role("group", attributes="NOLOGIN"), pg.new_role()
    statements: tuple[LiteralString, ...] = (
        "GRANT {group} TO {role}",
        "ALTER ROLE {role} SET role = {group}",
        "ALTER ROLE {role} SET default_transaction_read_only = on",
        "ALTER ROLE {role} SET synchronous_commit = off",
        "ALTER ROLE {role} SET DateStyle = 'German'",
    )
    for statement in statements:
        run(pg, statement, group=group.name, role=role.name)
    after = rotate(SingleUser, current(pg, role))
    assert pg.can_log_in(role_of(after[Candidate.CURRENT]))


def test_role_with_a_single_connection_rotates(pg: DatabaseServer) -> None:
    """No two of the rotation's own sessions need to be open at once."""
    role = pg.new_role(attributes="LOGIN CONNECTION LIMIT 1")
    after = rotate(SingleUser, current(pg, role))
    assert pg.can_log_in(role_of(after[Candidate.CURRENT]))


def test_the_password_counts_whatever_verifier_the_server_has(pg: DatabaseServer) -> None:
    """The new password logs in also where somebody set the same one again, which gave the role another verifier."""
    role = pg.new_role()
    values = with_pending(SingleUser, current(pg, role))
    new = role_of(values[Candidate.PENDING])
    with attempt(SingleUser) as rotator:
        rotator.set_secret(rotation_of(values))
        again = sql.Literal(new.password)
        run(pg, "ALTER ROLE {role} PASSWORD {again}", role=role.name, again=again)
        rotator.test_secret(rotation_of(values))


def test_a_password_changed_again_is_not_taken_for_the_new_one(pg: DatabaseServer) -> None:
    """TestSecret fails where somebody else set another password since."""
    role = pg.new_role()
    values = with_pending(SingleUser, current(pg, role))
    with attempt(SingleUser) as rotator:
        rotator.set_secret(rotation_of(values))
        run(pg, "ALTER ROLE {role} PASSWORD 'of somebody else'", role=role.name)
        with pytest.raises(LoginRefused):
            rotator.test_secret(rotation_of(values))


def test_other_fields_of_the_secret_stay(pg16: DatabaseServer) -> None:
    """A new value has every field of the current one, also those that the rotator doesn't know."""
    values = with_pending(
        SingleUser, current(pg16, pg16.new_role(), owner="team ü", list=[1, None])
    )
    old, new = (values[name].fields() for name in (Candidate.CURRENT, Candidate.PENDING))
    assert old.pop("password") != new.pop("password")
    assert old == new


def _by_admin(
    server: DatabaseServer, role: Role
) -> tuple[dict[Candidate, SecretValue], SecretValue]:
    return current(server, role, masterarn=ADMIN_ARN), value(server, server.superuser)


def test_admin_changes_a_password_that_nobody_knows(pg: DatabaseServer) -> None:
    """With an admin secret a rotation works though the stored password doesn't, and says so before."""
    role = pg.new_role()
    values, admin = _by_admin(pg, Role(name=role.name, password="lost"))
    assert "does not log in" in warnings(preflight(SingleUser, rotation_of(values, admin=admin)))
    after = rotate(SingleUser, values, admin=admin)
    assert pg.can_log_in(role_of(after[Candidate.CURRENT]))


def test_admin_reverts(pg: DatabaseServer) -> None:
    """With an admin secret the old password comes back through the admin."""
    role = pg.new_role()
    values, admin = _by_admin(pg, role)
    values = with_pending(SingleUser, values)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(rotation_of(values, admin=admin))
        rotator.revert_secret(rotation_of(values, admin=admin, live=Candidate.PENDING))
    assert pg.can_log_in(role)


def test_refused_admin_is_told_apart(pg16: DatabaseServer) -> None:
    """A wrong password of the admin is not mistaken for one of the secret's user."""
    values, _ = _by_admin(pg16, pg16.new_role())
    wrong = value(pg16, Role(name=pg16.superuser.name, password="wrong"))
    with pytest.raises(AdminLoginRefused, match="the admin user"):
        preflight(SingleUser, rotation_of(values, admin=wrong))


@pytest.mark.parametrize("fields", [{"host": "localhost"}, {"port": 1}])
def test_admin_of_another_server_is_not_used(pg16: DatabaseServer, fields: dict[str, Any]) -> None:
    """An admin secret for another address is refused before anything is sent there."""
    values, _ = _by_admin(pg16, pg16.new_role())
    elsewhere = value(pg16, pg16.superuser, **fields)
    assert "both name the same server" in refusals(
        preflight(SingleUser, rotation_of(values, admin=elsewhere))
    )
    with attempt(SingleUser) as rotator, pytest.raises(Misconfigured, match="admin secret is for"):
        rotator.set_secret(rotation_of(with_pending(SingleUser, values), admin=elsewhere))


def test_admin_of_another_address_is_used_where_allowed(pg16: DatabaseServer) -> None:
    """The explicit allowance lets the admin secret name the server otherwise."""
    values, _ = _by_admin(pg16, pg16.new_role())
    elsewhere = value(pg16, pg16.superuser, host="localhost")
    after = rotate(SingleUser, values, admin=elsewhere, allow_other_server=True)
    assert pg16.can_log_in(role_of(after[Candidate.CURRENT]))


@pytest.mark.parametrize("attributes", ["SUPERUSER", "CREATEROLE", "REPLICATION", "BYPASSRLS"])
def test_privileged_role_needs_an_allowance(pg: DatabaseServer, attributes: LiteralString) -> None:
    """A role with administrative rights is refused, and rotated with the explicit allowance."""
    role = pg.new_role()
    run(pg, "ALTER ROLE {role} {attributes}", role=role.name, attributes=sql.SQL(attributes))
    values = current(pg, role)
    assert attributes in refusals(preflight(SingleUser, rotation_of(values)))
    after = rotate(SingleUser, values, allow_privileged=True)
    assert pg.can_log_in(role_of(after[Candidate.CURRENT]))


def test_member_of_a_powerful_role_counts_as_privileged(pg: DatabaseServer) -> None:
    """Rights that a role has only through another, and that through a third, count too."""
    between, role = pg.new_role("group", attributes="NOLOGIN"), pg.new_role()
    for granted, to in (("pg_execute_server_program", between.name), (between.name, role.name)):
        run(pg, "GRANT {granted} TO {to}", granted=granted, to=to)
    found = preflight(SingleUser, rotation_of(current(pg, role)))
    assert "a member of pg_execute_server_program" in refusals(found)


def test_superuser_postgres_is_refused(pg: DatabaseServer) -> None:
    """The server's own superuser isn't rotated by accident."""
    assert "SUPERUSER" in refusals(preflight(SingleUser, rotation_of(current(pg, pg.superuser))))


def test_password_expiry_is_announced(pg: DatabaseServer) -> None:
    """A role with VALID UNTIL in the future is rotated with a warning."""
    role = pg.new_role(attributes="LOGIN VALID UNTIL '2999-01-01'")
    assert "VALID UNTIL 'infinity'" in warnings(
        preflight(SingleUser, rotation_of(current(pg, role)))
    )


def test_admin_finds_an_expired_role(pg: DatabaseServer) -> None:
    """With an admin secret preflight tells an expired role from a wrong password, with the statement that mends it."""
    role = pg.new_role(attributes="LOGIN VALID UNTIL '2001-01-01'")
    values, admin = _by_admin(pg, role)
    found = refusals(preflight(SingleUser, rotation_of(values, admin=admin)))
    assert "has expired" in found
    assert f"ALTER ROLE \"{role.name}\" VALID UNTIL 'infinity'" in found


@pytest.mark.parametrize(
    ("attributes", "remedy"),
    [("NOLOGIN", "LOGIN"), ("LOGIN CONNECTION LIMIT 0", "CONNECTION LIMIT -1")],
)
def test_admin_finds_a_role_that_may_not_log_in(
    pg: DatabaseServer, attributes: LiteralString, remedy: str
) -> None:
    """With an admin secret preflight finds out why no password would do."""
    role = pg.new_role()
    run(pg, "ALTER ROLE {role} {attributes}", role=role.name, attributes=sql.SQL(attributes))
    values, admin = _by_admin(pg, role)
    found = refusals(preflight(SingleUser, rotation_of(values, admin=admin)))
    assert f'ALTER ROLE "{role.name}" {remedy}' in found


def test_missing_role_is_found_by_the_admin(pg: DatabaseServer) -> None:
    """With an admin secret preflight tells a missing role from a wrong password."""
    values, admin = _by_admin(pg, Role(name="nobody of that name", password="x"))
    found = refusals(preflight(SingleUser, rotation_of(values, admin=admin)))
    assert 'CREATE ROLE "nobody of that name" LOGIN' in found


def test_server_without_fsync_is_warned_of(pg16: DatabaseServer) -> None:
    """Where the server doesn't make commits durable, preflight says what a crash may do."""
    pg16.execute("ALTER SYSTEM SET fsync = off")
    pg16.execute("SELECT pg_reload_conf()")
    try:
        role = pg16.new_role()
        assert "fsync = off" in warnings(preflight(SingleUser, rotation_of(current(pg16, role))))
    finally:
        pg16.execute("ALTER SYSTEM RESET fsync")
        pg16.execute("SELECT pg_reload_conf()")


def test_change_is_durable_whatever_the_role_says(pg16: DatabaseServer) -> None:
    """The change is committed synchronously though the role's own settings say otherwise."""
    role = pg16.new_role()
    run(pg16, "ALTER ROLE {role} SET synchronous_commit = off", role=role.name)
    before = len(pg16.log_text())
    rotate(SingleUser, current(pg16, role))
    opening, _, change = pg16.log_text()[before:].partition("SET LOCAL synchronous_commit TO on;")
    assert "BEGIN READ WRITE;" in opening
    assert f'ALTER ROLE "{role.name}" PASSWORD' in change.partition("COMMIT")[0]


def test_admin_without_rights(pg: DatabaseServer) -> None:
    """An admin that may not change the role is refused by preflight and by the server, and nothing is changed."""
    role = pg.new_role()
    admin = value(pg, pg.new_role("plain"))
    values = with_pending(SingleUser, current(pg, role, masterarn=ADMIN_ARN))
    assert "CREATEROLE" in refusals(preflight(SingleUser, rotation_of(values, admin=admin)))
    with attempt(SingleUser) as rotator, pytest.raises(TargetRefused, match="lacks a privilege"):
        rotator.set_secret(rotation_of(values, admin=admin))
    assert pg.can_log_in(role)


def test_admin_tells_that_the_role_expired_meanwhile(pg: DatabaseServer) -> None:
    """With an admin secret testSecret tells an expired role from a wrong password."""
    role = pg.new_role()
    values, admin = _by_admin(pg, role)
    step = rotation_of(with_pending(SingleUser, values), admin=admin)
    with attempt(SingleUser) as rotator:
        rotator.set_secret(step)
        run(pg, "ALTER ROLE {role} VALID UNTIL '2001-01-01'", role=role.name)
        with pytest.raises(LoginRefused, match=r"has expired since 2001-01-01") as caught:
            rotator.test_secret(step)
    assert caught.value.hint == f"ALTER ROLE \"{role.name}\" VALID UNTIL 'infinity'"


def test_admin_that_is_the_role_itself_is_refused(pg16: DatabaseServer) -> None:
    """An admin secret of the very role would hold the old password after a rotation, so preflight refuses it."""
    role = pg16.new_role(attributes="LOGIN SUPERUSER")
    values = current(pg16, role, masterarn=ADMIN_ARN)
    step = rotation_of(values, admin=value(pg16, role), allow_privileged=True)
    assert "the role whose password changes" in refusals(preflight(SingleUser, step))


@pytest.mark.parametrize("previous", [False, True])
def test_no_credential_is_refused_twice(pg16: DatabaseServer, previous: bool) -> None:
    """After a takeover in which nothing logs in each value is tried once, whether first by the search or the probe."""
    role = pg16.new_role()
    candidates = [Candidate.CURRENT, Candidate.PENDING] + [Candidate.PREVIOUS] * previous
    wrong = {
        candidate: value(pg16, Role(name=role.name, password=f"wrong {candidate}"))
        for candidate in candidates
    }
    before = pg16.log_text().count("password authentication failed")
    with attempt(SingleUser) as rotator:
        with pytest.raises(LoginRefused):
            rotator.end_older_sessions(rotation_of(wrong, fencing=2))
        for candidate in candidates:
            assert rotator.probe(rotation_of(wrong, fencing=2), candidate) is Proof.REFUSED
    assert pg16.log_text().count("password authentication failed") - before == len(candidates)


def test_refusal_is_forgotten_with_an_older_owners_session(pg16: DatabaseServer) -> None:
    """An older owner may have changed the password just after it was refused, so it is tried again."""
    role = pg16.new_role()
    values = with_pending(SingleUser, current(pg16, role))
    step = rotation_of(values, fencing=2)
    tag = f"{step.session_prefix}{step.rotation_id}/1"
    with pg16.connect(role, application_name=tag), attempt(SingleUser) as rotator:
        rotator.end_older_sessions(replace(step, live=Candidate.PENDING))
        password = sql.Literal(role_of(step.value(Candidate.PENDING)).password)
        run(pg16, "ALTER ROLE {role} PASSWORD {password}", role=role.name, password=password)
        assert rotator.probe(step, Candidate.PENDING) is Proof.ACCEPTED

"""The rotator of Redis and Valkey users on real servers."""

import json
import secrets

import pytest

from rotator.sdk import (
    AdminLoginRefused,
    Candidate,
    LoginRefused,
    Misconfigured,
    Overlap,
    Proof,
    TargetRefused,
    TargetUnreachable,
)
from rotators.redis import RedisAcl, ValkeyAcl
from rotators.redis.acl import digest
from tests.integration.redis.support import (
    both,
    by_admin,
    pending_of,
    retire,
    rotation_of,
    set_and_test,
    step,
    user_of,
    value,
)
from tests.support.redis_server import RedisServer, User, running_redis
from tests.support.rotations import (
    attempt,
    preflight,
    refusals,
    warnings,
)

EVERYTHING = ("~*", "&*", "+@all")


@pytest.mark.parametrize("by_itself", [False, True], ids=["admin", "itself"])
def test_both_passwords_log_in_until_the_old_one_is_retired(
    any_redis: RedisServer, by_itself: bool
) -> None:
    """After setSecret both log in, after retire the new one alone, and exactly one password is left."""
    user = any_redis.new_user(rules=EVERYTHING if by_itself else ("~*", "+@read"))
    fields = {"allow_privileged": True} if by_itself else by_admin(any_redis)
    values = pending_of(any_redis, user)
    kind = ValkeyAcl if any_redis.engine == "valkey" else RedisAcl
    set_and_test(values, kind, **fields)
    old, new = both(values)
    assert any_redis.can_log_in(old)
    assert any_redis.can_log_in(new)
    for _ in range(2):
        retire(values, **fields)
        assert not any_redis.can_log_in(old)
        assert any_redis.can_log_in(new)
        assert any_redis.passwords(new) == {digest(new.password)}


@pytest.mark.parametrize("aclfile", [True, False], ids=["aclfile", "configuration"])
def test_what_was_changed_survives_a_crash_of_the_server(
    redis_command: list[str], aclfile: bool
) -> None:
    """After each step a server that is killed and started again has what the step has set."""
    with running_redis(redis_command, aclfile=aclfile) as server:
        values = pending_of(server, server.new_user())
        old, new = both(values)
        set_and_test(values, **by_admin(server))
        server.crash()
        assert server.can_log_in(old)
        assert server.can_log_in(new)
        with attempt(RedisAcl) as rotator:
            rotator.revert_secret(step(values, live=Candidate.PENDING, **by_admin(server)))
        server.crash()
        assert server.can_log_in(old)
        assert not server.can_log_in(new)
        set_and_test(values, **by_admin(server))
        retire(values, **by_admin(server))
        server.crash()
        assert not server.can_log_in(old)
        assert server.can_log_in(new)


@pytest.mark.parametrize("interrupted", ["set", "retire"])
def test_a_change_that_was_not_written_is_written_by_the_next_step(
    redis_command: list[str], interrupted: str
) -> None:
    """A rotator that was killed between the change and the file is followed by one that writes the file."""
    with running_redis(redis_command) as server:
        values = pending_of(server, server.new_user())
        old, new = both(values)
        if interrupted == "set":
            server.execute("ACL", "SAVE")
            server.execute("ACL", "SETUSER", old.name, f"#{digest(new.password)}")
            with attempt(RedisAcl) as rotator:
                rotator.test_secret(step(values, **by_admin(server)))
        else:
            set_and_test(values, **by_admin(server))
            server.execute("ACL", "SETUSER", old.name, f"!{digest(old.password)}")
            retire(values, **by_admin(server))
        server.crash()
        assert server.can_log_in(new)
        assert server.can_log_in(old) is (interrupted == "set")


def test_a_server_that_forgets_is_refused(redis_command: list[str]) -> None:
    """Without a configuration file and without an aclfile nothing is changed, and preflight says why."""
    with running_redis(redis_command, aclfile=False, config_file=False) as server:
        values = pending_of(server, server.new_user())
        found = preflight(RedisAcl, rotation_of(values, **by_admin(server)))
        assert "a restart would bring the old password back" in refusals(found)
        with attempt(RedisAcl) as rotator, pytest.raises(Misconfigured, match="restart"):
            rotator.set_secret(step(values, **by_admin(server)))
        old, new = both(values)
        assert server.passwords(old) == {digest(old.password)}
        assert not server.can_log_in(new)


def test_a_file_that_can_not_be_written_is_found_before_the_change(
    redis_command: list[str],
) -> None:
    """Where the server can't write its file, setSecret is refused and the user is as before."""
    with running_redis(redis_command) as server:
        values = pending_of(server, server.new_user())
        (server.home / "users.acl").unlink()
        (server.home / "users.acl").mkdir()
        (server.home / "users.acl" / "in the way").touch()
        with attempt(RedisAcl) as rotator, pytest.raises(TargetRefused, match="ACL SAVE"):
            rotator.set_secret(step(values, **by_admin(server)))
        old, _ = both(values)
        assert server.passwords(old) == {digest(old.password)}


@pytest.mark.parametrize("aclfile", [True, False], ids=["aclfile", "configuration"])
def test_the_default_user_of_requirepass(redis_command: list[str], aclfile: bool) -> None:
    """A server that knows `requirepass` alone is rotated by its default user, and stays so after a crash."""
    with running_redis(
        redis_command, aclfile=aclfile, options=["requirepass first-password"]
    ) as server:
        server.execute("ACL", "SETUSER", "default", "on", ">first-password", "~*", "&*", "+@all")
        default = User(name="default", password="first-password")
        values = pending_of(server, default, username=None)
        assert "may change users" in refusals(preflight(RedisAcl, rotation_of(values)))
        set_and_test(values, allow_privileged=True)
        retire(values, allow_privileged=True)
        new = user_of(values, Candidate.PENDING)
        for _ in range(2):
            assert server.can_log_in(new)
            assert not server.can_log_in(default)
            server.crash()


def test_a_server_that_trusts_everyone_proves_nothing(any_redis: RedisServer) -> None:
    """A user with nopass is refused by name, and neither probe nor setSecret takes it for proof."""
    user = any_redis.new_user()
    any_redis.execute("ACL", "SETUSER", user.name, "nopass")
    values = pending_of(any_redis, user)
    found = preflight(RedisAcl, rotation_of(values, **by_admin(any_redis)))
    assert "nopass" in refusals(found)
    for candidate in values:
        with attempt(RedisAcl) as rotator, pytest.raises(Misconfigured, match="lets anyone in"):
            rotator.probe(step(values, **by_admin(any_redis)), candidate)
    with attempt(RedisAcl) as rotator, pytest.raises(Misconfigured, match="nopass"):
        rotator.set_secret(step(values, **by_admin(any_redis)))
    assert not any_redis.passwords(user)


def test_foreign_passwords_stay_and_are_told(any_redis: RedisServer) -> None:
    """A password that isn't the secret's is kept through all steps, and preflight names it."""
    user = any_redis.new_user()
    foreign = user.with_password("somebody else's")
    any_redis.execute("ACL", "SETUSER", user.name, f">{foreign.password}")
    values = pending_of(any_redis, user)
    found = preflight(RedisAcl, rotation_of(values, **by_admin(any_redis)))
    assert "1 further password" in warnings(found)
    set_and_test(values, **by_admin(any_redis))
    retire(values, **by_admin(any_redis))
    new = user_of(values, Candidate.PENDING)
    assert any_redis.passwords(user) == {digest(new.password), digest(foreign.password)}
    assert any_redis.can_log_in(foreign)


def test_what_a_rotation_left_is_taken_away_by_the_next(any_redis: RedisServer) -> None:
    """A rotation that comes before the last one was retired leaves two passwords, not three, and says so."""
    user = any_redis.new_user()
    first = pending_of(any_redis, user)
    set_and_test(first, **by_admin(any_redis))
    second = pending_of(any_redis, user_of(first, Candidate.PENDING))
    second[Candidate.PREVIOUS] = first[Candidate.CURRENT]
    found = preflight(RedisAcl, rotation_of(second, **by_admin(any_redis)))
    assert "of the previous password" in found.changes[0]
    assert not warnings(found).count("further password")
    set_and_test(second, **by_admin(any_redis))
    assert not any_redis.can_log_in(user)
    assert any_redis.passwords(user) == {digest(each.password) for each in both(second)}


def test_steps_can_be_repeated(any_redis: RedisServer) -> None:
    """Repetitions after a crash change nothing more, forward and back."""
    values = pending_of(any_redis, any_redis.new_user())
    old, new = both(values)
    for _ in range(2):
        with attempt(RedisAcl) as rotator:
            rotator.set_secret(step(values, **by_admin(any_redis)))
    assert any_redis.passwords(old) == {digest(old.password), digest(new.password)}
    for live in (Candidate.PENDING, Candidate.CURRENT):
        with attempt(RedisAcl) as rotator:
            rotator.revert_secret(step(values, live=live, **by_admin(any_redis)))
        assert any_redis.passwords(old) == {digest(old.password)}


def test_what_the_user_may_is_kept(any_redis: RedisServer) -> None:
    """Commands, keys, channels and flags are as before after a rotation and its retirement."""
    rules = ("~app:*", "&news", "+@read", "-@dangerous", "+set", "(%R~other:* +get)")
    user = any_redis.new_user(rules=rules)

    def without_passwords() -> list[str]:
        line = next(
            line for line in any_redis.execute("ACL", "LIST") if f"user {user.name} " in line
        )
        return [word for word in line.split(" ") if not word.startswith("#")]

    before = without_passwords()
    values = pending_of(any_redis, user)
    set_and_test(values, **by_admin(any_redis))
    retire(values, **by_admin(any_redis))
    assert without_passwords() == before


def test_probes(any_redis: RedisServer) -> None:
    """What logs in is accepted, what doesn't is refused, by the admin and by the user itself."""
    values = pending_of(any_redis, any_redis.new_user(rules=EVERYTHING))
    for fields in (by_admin(any_redis), {}):
        with attempt(RedisAcl) as rotator:
            assert rotator.probe(step(values, **fields), Candidate.CURRENT) is Proof.ACCEPTED
            assert rotator.probe(step(values, **fields), Candidate.PENDING) is Proof.REFUSED
    set_and_test(values, **by_admin(any_redis), allow_privileged=True)
    retire(values, **by_admin(any_redis))
    for fields in (by_admin(any_redis), {}):
        with attempt(RedisAcl) as rotator:
            assert rotator.probe(step(values, **fields), Candidate.CURRENT) is Proof.REFUSED
            assert rotator.probe(step(values, **fields), Candidate.PENDING) is Proof.ACCEPTED


def test_retire_never_drops_the_password_in_use(any_redis: RedisServer) -> None:
    """Where somebody else has taken the new password away, retiring is refused and the old one logs in."""
    user = any_redis.new_user()
    values = pending_of(any_redis, user)
    with pytest.raises(TargetRefused, match="nothing was changed"):
        retire(values, **by_admin(any_redis))
    assert any_redis.can_log_in(user)


def test_a_user_that_is_not_there_is_not_made(any_redis: RedisServer) -> None:
    """ACL SETUSER would make a missing user; it isn't sent."""
    nobody = User(name=f"nobody-{secrets.token_hex(4)}", password="x")
    values = pending_of(any_redis, nobody)
    found = preflight(RedisAcl, rotation_of(values, **by_admin(any_redis)))
    assert f'no user "{nobody.name}"' in refusals(found)
    with attempt(RedisAcl) as rotator, pytest.raises(TargetRefused, match="there is no user"):
        rotator.set_secret(step(values, **by_admin(any_redis)))
    assert nobody.name not in any_redis.execute("ACL", "USERS")


def test_a_user_that_is_off_is_refused(any_redis: RedisServer) -> None:
    """Preflight names the command that switches it on."""
    user = any_redis.new_user()
    any_redis.execute("ACL", "SETUSER", user.name, "off")
    found = preflight(RedisAcl, rotation_of(pending_of(any_redis, user), **by_admin(any_redis)))
    assert f"ACL SETUSER {user.name} on" in refusals(found)


def test_an_admin_sets_a_password_that_has_drifted(any_redis: RedisServer) -> None:
    """A stored password that doesn't log in is warned of, and the admin sets the new one all the same."""
    user = any_redis.new_user()
    values = pending_of(any_redis, user.with_password("drifted"))
    found = preflight(RedisAcl, rotation_of(values, **by_admin(any_redis)))
    assert "another password than the secret" in warnings(found)
    set_and_test(values, **by_admin(any_redis))
    assert any_redis.can_log_in(user_of(values, Candidate.PENDING))


def test_a_user_without_rights_is_told_what_it_lacks(any_redis: RedisServer) -> None:
    """By itself an ordinary user can't; an admin with just the named rights can."""
    user = any_redis.new_user()
    values = pending_of(any_redis, user)
    with pytest.raises(TargetRefused) as refused:
        preflight(RedisAcl, rotation_of(values))
    assert refused.value.hint is not None
    assert "+client|setname" in refused.value.hint
    admin = any_redis.new_user("admin", rules=("+client|setname",))
    with pytest.raises(TargetRefused) as refused:
        preflight(RedisAcl, rotation_of(values, **by_admin(any_redis, admin)))
    assert refused.value.hint is not None
    _, _, _, *rights = refused.value.hint.split(" ")
    any_redis.execute("ACL", "SETUSER", admin.name, *rights)
    set_and_test(values, **by_admin(any_redis, admin))
    any_redis.execute("ACL", "SETUSER", admin.name, "-acl|setuser", "-client|kill")
    found = preflight(RedisAcl, rotation_of(values, **by_admin(any_redis, admin)))
    assert f"ACL SETUSER {admin.name} +acl|setuser +client|kill" in refusals(found)


def test_privileged_users_need_an_allowance(any_redis: RedisServer) -> None:
    """A user that may change users is refused unless the rotation allows it."""
    user = any_redis.new_user(rules=("+@all",))
    values = pending_of(any_redis, user)
    assert "may change users" in refusals(
        preflight(RedisAcl, rotation_of(values, **by_admin(any_redis)))
    )
    allowed = rotation_of(values, **by_admin(any_redis), allow_privileged=True)
    assert not preflight(RedisAcl, allowed).refusals
    any_redis.execute("ACL", "SETUSER", user.name, "-acl")
    assert not preflight(RedisAcl, rotation_of(values, **by_admin(any_redis))).refusals


def test_wrong_passwords_are_told_apart(any_redis: RedisServer) -> None:
    """A refused admin login is told apart from the user's."""
    user = any_redis.new_user(rules=EVERYTHING)
    wrong = any_redis.superuser.with_password("wrong")
    with pytest.raises(AdminLoginRefused):
        preflight(RedisAcl, rotation_of(pending_of(any_redis, user), **by_admin(any_redis, wrong)))
    with pytest.raises(LoginRefused):
        preflight(RedisAcl, rotation_of(pending_of(any_redis, user.with_password("wrong"))))


def test_the_admin_is_another_user_of_the_same_server(redis_server: RedisServer) -> None:
    """The user's own secret is no admin secret, and one of another server isn't either."""
    user = redis_server.new_user()
    values = pending_of(redis_server, user)
    own = rotation_of(values, admin=value(redis_server, user))
    assert "masterarn" in refusals(preflight(RedisAcl, own))
    other = value(redis_server, redis_server.superuser, host="redis.example")
    assert "same server" in refusals(preflight(RedisAcl, rotation_of(values, admin=other)))


@pytest.mark.parametrize(
    "name", ["o'neil", 'qu"ote', "back\\slash", "ünï-cødé", "a@b", "#x", ">y", "x" * 200, "{}*"]
)
@pytest.mark.parametrize("aclfile", [True, False], ids=["aclfile", "configuration"])
def test_hostile_names(
    redis_server: RedisServer, redis_without_aclfile: RedisServer, name: str, aclfile: bool
) -> None:
    """Names of every kind that Redis takes are rotated."""
    server = redis_server if aclfile else redis_without_aclfile
    values = pending_of(server, server.new_user(name=secrets.token_hex(4) + name))
    set_and_test(values, **by_admin(server))
    retire(values, **by_admin(server))
    assert server.can_log_in(user_of(values, Candidate.PENDING))


@pytest.mark.parametrize(
    "password", ["qu'ote", "sp ace\n", "ünï ☃", ">x", "#" + "0" * 64, "x" * 5000]
)
def test_hostile_passwords(redis_server: RedisServer, password: str) -> None:
    """Stored passwords of every kind are set, and replaced."""
    user = redis_server.new_user()
    values = pending_of(redis_server, user)
    values[Candidate.PENDING] = value(redis_server, user.with_password(password))
    set_and_test(values, **by_admin(redis_server))
    retire(values, **by_admin(redis_server))
    assert redis_server.can_log_in(user.with_password(password))
    again = pending_of(redis_server, user.with_password(password))
    set_and_test(again, **by_admin(redis_server))


def test_no_log_shows_a_password(any_redis: RedisServer) -> None:
    """Neither MONITOR nor the slow log nor the log nor the ACL log nor a file has a password in clear."""
    user = any_redis.new_user()
    any_redis.execute("SLOWLOG", "RESET")
    values = pending_of(any_redis, user)
    with any_redis.connect() as watching, watching.monitor() as monitor:
        set_and_test(values, **by_admin(any_redis))
        with attempt(RedisAcl) as rotator:
            rotator.revert_secret(step(values, **by_admin(any_redis)))
            rotator.probe(step(values, **by_admin(any_redis)), Candidate.PENDING)
        set_and_test(values, **by_admin(any_redis))
        retire(values, **by_admin(any_redis))
        any_redis.execute("ECHO", "the end")
        seen: list[str] = []
        while not seen or "the end" not in seen[-1]:
            seen.append(str(monitor.next_command()["command"]))
    logs = {
        "monitor": "\n".join(seen),
        "slow log": str(any_redis.execute("SLOWLOG", "GET", "100000")),
        "ACL log": str(any_redis.execute("ACL", "LOG")),
        "log": any_redis.log_text(),
    }
    for file in any_redis.home.iterdir():
        if file.suffix in {".acl", ".conf"}:
            logs[file.name] = file.read_text()
    assert user.name in logs["slow log"]
    for name, log in logs.items():
        for each in both(values):
            assert each.password not in log, name


def test_an_address_where_nothing_answers(redis_server: RedisServer) -> None:
    """A closed port and a server of another kind are unreachable; nothing was changed."""
    user = redis_server.new_user()
    closed = pending_of(redis_server, user, port=1)
    with pytest.raises(TargetUnreachable, match="no connection"):
        preflight(RedisAcl, rotation_of(closed))


def test_a_deadline_that_has_passed_changes_nothing(redis_server: RedisServer) -> None:
    """A step without time left sends nothing."""
    user = redis_server.new_user()
    values = pending_of(redis_server, user)
    with attempt(RedisAcl) as rotator, pytest.raises(TargetUnreachable, match="time limit"):
        rotator.set_secret(step(values, seconds=0, **by_admin(redis_server)))
    assert redis_server.passwords(user) == {digest(user.password)}


def test_the_plan_shows_no_hash(any_redis: RedisServer) -> None:
    """The plan has the commands of each node, without what a weak password could be guessed from."""
    user = any_redis.new_user()
    found = preflight(RedisAcl, rotation_of(pending_of(any_redis, user), **by_admin(any_redis)))
    (change,) = found.changes
    assert f"ACL SETUSER {user.name} #<SHA-256" in change
    assert ("ACL SAVE" in change) is (any_redis.engine == "valkey" or "ACL SAVE" in change)
    assert digest(user.password) not in json.dumps(found.to_wire())


def test_overlap_is_dual(any_redis: RedisServer) -> None:
    """No gap is ever needed, also where an overlap is required."""
    user = any_redis.new_user()
    values = pending_of(any_redis, user)
    required = rotation_of(values, **by_admin(any_redis), require_overlap=True)
    assert preflight(RedisAcl, required).overlap is Overlap.DUAL

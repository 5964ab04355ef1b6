"""A user's whole tour with the real command and a real PostgreSQL."""

import pytest
from psycopg import sql

from tests.support.command import RotateCommand
from tests.support.postgres import DatabaseServer, Role

SECRET = "db/app"


def with_password(role: Role, password: str) -> Role:
    return Role(name=role.name, password=password)


def test_from_an_empty_home_to_a_rotated_credential(
    rotate: RotateCommand, pg18: DatabaseServer, role: Role
) -> None:
    """init, create, set, plan, now, status, history, verify: every answer is JSON and fits the others."""
    made = rotate.json("init")
    assert made["made"] == ["home", "store", "keyring", "audit"]
    assert rotate.json("init")["made"] == []
    created = rotate.json("secret", "create", SECRET, value=pg18.secret_value(role))
    assert created["stages"] == ["AWSCURRENT"]
    settings = rotate.json(
        *("rotation", "set", SECRET, "--rotator", "postgresql-single-user"),
        *("--schedule", "rate(30 days)", "--duration", "3h"),
    )["rotation"]
    assert settings["authority"]["users"] == [role.name]
    assert settings["due_at"] is not None
    assert rotate.json("rotation", "show", SECRET)["rotation"] == settings
    assert pg18.can_log_in(role)

    plan = rotate.json("plan", SECRET)["plan"]
    assert (plan["refused"], plan["overlap"], len(plan["steps"])) == (False, "gap", 4)
    assert pg18.can_log_in(role)

    (rotation,) = rotate.json("now", SECRET)["rotations"]
    report = rotation["report"]
    assert report["status"] == "succeeded"
    assert report["labels_before"]["AWSCURRENT"] == created["version_id"]
    assert report["labels_after"]["AWSPREVIOUS"] == created["version_id"]
    current = rotate.reveal(SECRET)["password"]
    assert not pg18.can_log_in(role)
    assert pg18.can_log_in(with_password(role, current))

    (status,) = rotate.json("status")["secrets"]
    assert status["latest"]["rotation_id"] == report["rotation_id"]
    assert status["labels"] == report["labels_after"]
    (past,) = rotate.json("history", SECRET)["rotations"]
    assert [step["phase"] for step in past["steps"]][-4:] == [
        "createSecret",
        "setSecret",
        "testSecret",
        "finishSecret",
    ]
    assert rotate.json("verify", SECRET)["exit_code"] == 0
    versions = rotate.json("secret", "versions", SECRET)["versions"]
    assert [version["stages"] for version in versions] == [["AWSPREVIOUS"], ["AWSCURRENT"]]


def test_drift_is_found_and_mended(ready: RotateCommand, pg18: DatabaseServer, role: Role) -> None:
    """A password that was changed behind the store's back: verify exits 7 until the value is put right."""
    ready.ok("verify", "--all")
    statement = sql.SQL("ALTER ROLE {} PASSWORD 'behind-its-back'")
    pg18.execute(statement.format(sql.Identifier(role.name)))
    drifted = ready("verify", "--all", "--output", "json")
    assert drifted.code == 7
    (check,) = drifted.json["secrets"]
    assert check["verification"]["drift"] is True
    mended = pg18.secret_value(with_password(role, "behind-its-back"))
    ready.ok("secret", "put", SECRET, value=mended)
    ready.ok("verify", SECRET)


def test_what_isnt_unfinished_needs_no_resuming(ready: RotateCommand) -> None:
    """Where there is nothing to do, resume and abort say so and succeed."""
    (answer,) = ready.json("resume", SECRET)["rotations"]
    assert (answer["report"], answer["error"]) == (None, None)
    assert ready.json("resume", "--all")["rotations"] == []
    assert "no rotation is unfinished" in ready.ok("abort", SECRET).out


def test_an_alternating_rotation_with_an_admin_secret(
    rotate: RotateCommand, pg18: DatabaseServer, role: Role
) -> None:
    """The admin secret is pinned; after the rotation the old login still works beside the new one."""
    rotate.ok("init")
    admin = rotate.json("secret", "create", "db/admin", value=pg18.secret_value(pg18.superuser))
    value = pg18.secret_value(role) | {"masterarn": admin["arn"]}
    rotate.ok("secret", "create", SECRET, value=value)
    settings = rotate.json(
        *("rotation", "set", SECRET, "--rotator", "postgresql-alternating-users"),
        *("--overlap", "require", "--admin", "db/admin"),
    )["rotation"]
    assert settings["authority"]["admin"] == admin["arn"]
    assert settings["options"]["require_overlap"] is True
    (rotation,) = rotate.json("now", SECRET)["rotations"]
    assert rotation["report"]["overlap"] == "alternating"
    new = rotate.reveal(SECRET)
    assert new["username"] != role.name
    assert pg18.can_log_in(role)
    assert pg18.can_log_in(Role(name=new["username"], password=new["password"]))


def test_several_secrets_rotate_together(rotate: RotateCommand, pg18: DatabaseServer) -> None:
    """--all, --tag and --prefix choose among those whose rotation is set; a failing one stops no other."""
    rotate.ok("init")
    for name, team in (("app/one", "a"), ("app/two", "b"), ("rep/three", "a")):
        value = pg18.secret_value(pg18.new_role())
        rotate.ok("secret", "create", name, "--tag", f"team={team}", value=value)
        rotate.ok("rotation", "set", name, "--rotator", "postgresql-single-user")
    rotate.ok("secret", "create", "app/unset", "--tag", "team=a", value="not rotated")

    def chosen(*selection: str) -> set[str]:
        rotations = rotate.json("now", *selection)["rotations"]
        return {rotation["report"]["secret_name"] for rotation in rotations}

    assert chosen("--all") == {"app/one", "app/two", "rep/three"}
    assert chosen("--tag", "team=a") == {"app/one", "rep/three"}
    assert chosen("--prefix", "app/", "--tag", "team=b") == {"app/two"}
    mixed = rotate("now", "app/one", "nowhere", "--output", "json")
    assert mixed.code == 5
    assert [rotation["exit_code"] for rotation in mixed.json["rotations"]] == [0, 3]


def test_secrets_without_rotation(rotate: RotateCommand) -> None:
    """create, put, get, stage, describe, list, delete and restore on a plain secret."""
    rotate.ok("init")
    first = rotate.json("secret", "create", "note", "--description", "a note", value="one\n")
    second = rotate.json("secret", "put", "note", value="two")
    assert "two" not in rotate.ok("secret", "get", "note").out
    assert rotate.ok("secret", "get", "note", "--reveal").out == "two\n"
    answer = rotate.json("secret", "get", "note", "--reveal", "--stage", "AWSPREVIOUS")
    assert (answer["secret_string"], answer["version_id"]) == ("one", first["version_id"])
    assert "secret_string" not in rotate.json("secret", "get", "note")
    rotate.ok(
        *("secret", "stage", "note", "AWSCURRENT"),
        *("--to", first["version_id"], "--from", second["version_id"]),
    )
    assert rotate.ok("secret", "get", "note", "--reveal").out == "one\n"
    described = rotate.json("secret", "describe", "note")
    assert (described["description"], described["rotation"]) == ("a note", None)
    rotate.ok("secret", "delete", "note", "--recovery-window", "7")
    assert rotate.json("secret", "list")["secrets"] == []
    assert [s["name"] for s in rotate.json("secret", "list", "--deleted")["secrets"]] == ["note"]
    rotate.ok("secret", "restore", "note")
    assert [s["name"] for s in rotate.json("secret", "list")["secrets"]] == ["note"]


def test_text_answers_are_for_people(ready: RotateCommand) -> None:
    """Without --output every command answers in words, and progress goes to the error stream."""
    ran = ready.ok("now", SECRET)
    assert ran.out.startswith(f"{SECRET}: rotated in ")
    assert f"{SECRET}: setSecret done" in ran.err
    for command in (
        ("plan", SECRET),
        ("status",),
        ("status", SECRET),
        ("history", SECRET),
        ("verify", SECRET),
        ("rotation", "show", SECRET),
        ("secret", "describe", SECRET),
        ("secret", "versions", SECRET),
        ("secret", "list"),
        ("plugins",),
        ("doctor",),
        ("db", "check"),
        ("rotation", "cancel", SECRET),
    ):
        assert ready.ok(*command).out.strip(), command


def test_a_store_on_postgresql(rotate: RotateCommand, pg18: DatabaseServer) -> None:
    """The store's URL and a password in a file: refused until `db upgrade` has made the tables."""
    owner = pg18.new_role("store")
    database = pg18.new_database(owner=owner)
    password = rotate.home.parent / "password"
    password.write_text(owner.password)
    password.chmod(0o600)
    rotate.environment.update(
        ROTATOR_STORE_URL=f"postgresql+psycopg://{owner.name}@{pg18.host}:{pg18.port}/{database}",
        ROTATOR_STORE_PASSWORD=f"file:{password}",
    )
    refused = rotate("init")
    assert refused.code == 8
    assert "rotate db upgrade" in refused.err
    assert rotate("db", "check").code == 8
    assert rotate.json("db", "upgrade")["before"] == "behind"
    assert rotate.json("db", "check")["state"] == "current"
    rotate.ok("init")
    rotate.ok("secret", "create", "note", value="one")
    assert rotate.ok("secret", "get", "note", "--reveal").out == "one\n"
    assert "synchronous_commit=on" in rotate.ok("doctor").out
    assert owner.password not in "".join(rotate.shown)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there_for_every_shell(rotate: RotateCommand, shell: str) -> None:
    """Typer's completion script for the user's shell can be shown."""
    assert "rotate" in rotate.ok("--show-completion", shell).out

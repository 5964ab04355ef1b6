"""What a rotation may act on: pinned by a person, and no write of the value changes it."""

import pytest

from tests.acceptance.conftest import SECRET
from tests.support.command import RotateCommand
from tests.support.postgres import DatabaseServer, Role

SINGLE = "postgresql-single-user"


@pytest.fixture
def administered(rotate: RotateCommand, pg18: DatabaseServer, role: Role) -> RotateCommand:
    """The command with a secret that the server's superuser changes."""
    rotate.ok("init")
    rotate.ok("secret", "create", "db/admin", value=pg18.secret_value(pg18.superuser))
    rotate.ok("secret", "create", SECRET, value=pg18.secret_value(role))
    rotate.ok("rotation", "set", SECRET, "--rotator", SINGLE, "--admin", "db/admin")
    return rotate


def point_at(rotate: RotateCommand, pg18: DatabaseServer, role: Role) -> None:
    rotate.ok("secret", "put", SECRET, value=pg18.secret_value(role))


def pinned_users(rotate: RotateCommand) -> list[str]:
    users: list[str] = rotate.json("rotation", "show", SECRET)["rotation"]["authority"]["users"]
    return users


def test_a_secret_that_was_pointed_at_the_superuser_is_refused(
    administered: RotateCommand, pg18: DatabaseServer
) -> None:
    """Whoever may write the value can't have the admin secret change another user: nothing happens on the server."""
    assert pg18.superuser.name == "postgres"
    point_at(administered, pg18, Role(name="postgres", password="a guess"))

    ran = administered("now", SECRET, "--output", "json")

    assert ran.code == 7
    assert "postgres" in ran.json["rotations"][0]["error"]["message"]
    assert pg18.can_log_in(pg18.superuser)
    assert administered("plan", SECRET).code == 7


def test_repeating_a_setting_changes_nothing(administered: RotateCommand) -> None:
    """The same command again, word for word, succeeds and leaves every setting as it was."""
    before = administered.json("rotation", "show", SECRET)
    for again in (("--rotator", SINGLE, "--admin", "db/admin"), ("--rotator", SINGLE), ()):
        administered.ok("rotation", "set", SECRET, *again)
        assert administered.json("rotation", "show", SECRET) == before


@pytest.mark.parametrize(
    "repeated",
    [("--rotator", SINGLE), ("--rotator", SINGLE, "--admin", "db/admin"), ("--no-admin",), ()],
)
def test_no_setting_pins_another_user_in_silence(
    administered: RotateCommand, pg18: DatabaseServer, role: Role, repeated: tuple[str, ...]
) -> None:
    """Where the value names another user than is pinned, a person is told, and has to say that it is meant."""
    point_at(administered, pg18, pg18.superuser)

    refused = administered("rotation", "set", SECRET, *repeated)

    assert refused.code == 2
    assert f"user 'postgres' where '{role.name}' was pinned" in refused.err
    assert "--pin" in refused.err
    assert pinned_users(administered) == [role.name]
    administered.ok("rotation", "set", SECRET, *repeated, "--pin")
    assert pinned_users(administered) == ["postgres"]


def test_another_rotator_or_admin_is_pinned_without_more_ado(
    administered: RotateCommand, role: Role
) -> None:
    """A real change of what was said pins what the value names, as long as the value still agrees."""
    administered.ok("rotation", "set", SECRET, "--rotator", "postgresql-alternating-users")
    assert pinned_users(administered) == [role.name, f"{role.name}_clone"]
    settings = administered.json("rotation", "set", SECRET, "--rotator", SINGLE, "--no-admin")
    assert settings["rotation"]["authority"]["admin"] is None


def test_an_admin_secret_in_use_is_not_deleted(administered: RotateCommand) -> None:
    """The refusal names the secret that needs it and the command that frees it."""
    refused = administered("secret", "delete", "db/admin")
    assert refused.code == 2
    assert f"rotate rotation set {SECRET} --admin SECRET" in refused.err
    administered.ok("rotation", "set", SECRET, "--no-admin")
    administered.ok("secret", "delete", "db/admin")

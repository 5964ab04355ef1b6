"""Settings lists, lines of pg_hba.conf, and the time that importing takes."""

import subprocess
import sys

import pytest
from psycopg import sql

from rotators.postgresql.hba import Rule
from rotators.postgresql.role_settings import (
    acting_role,
    clone_settings,
    setting_statements,
    settings_to_change,
    split_names,
)


@pytest.mark.parametrize(
    ("stored", "names"),
    [
        ('"$user", public', ["$user", "public"]),
        ("public", ["public"]),
        ('""', [""]),
        ("", [""]),
        ('"a, b", "say ""hi""", c', ["a, b", 'say "hi"', "c"]),
        ('"two\nlines", x', ["two\nlines", "x"]),
    ],
)
def test_stored_lists_are_split_as_the_server_quotes_them(stored: str, names: list[str]) -> None:
    """A stored search_path comes apart into the names that SET takes."""
    assert split_names(stored) == names


def test_settings_that_changed_are_set_and_others_reset() -> None:
    """Only differences become statements; a stale setting is reset in its own database."""
    wanted = {
        (None, "work_mem"): "1MB",
        (None, "app.x"): "a'b",
        ("d b", "search_path"): '"$user", s',
    }
    have = {(None, "work_mem"): "1MB", ("d b", "lock_timeout"): "1"}
    changes = settings_to_change(wanted, have)
    assert [statement.as_string() for statement in setting_statements("c", changes)] == [
        'ALTER ROLE "c" SET "app"."x" TO \'a\'\'b\'',
        'ALTER ROLE "c" IN DATABASE "d b" SET "search_path" TO \'$user\', \'s\'',
        'ALTER ROLE "c" IN DATABASE "d b" RESET "lock_timeout"',
    ]
    assert isinstance(next(setting_statements("c", changes)), sql.Composed)


def test_role_that_a_session_acts_as() -> None:
    """A database's own setting goes before the general one; none is the user itself."""
    settings = {(None, "role"): "owner", ("shop", "role"): "seller", ("own", "role"): "none"}
    found = [acting_role(settings, user="u", database=name) for name in ("shop", "other", "own")]
    assert found == ["seller", "owner", "u"]


def test_clone_acts_as_the_original_or_as_whom_that_acts() -> None:
    """A role setting of the original is the clone's; without one the clone acts as the original."""
    assert clone_settings("u", {(None, "role"): "none"}) == {(None, "role"): "u"}
    assert clone_settings("u", {(None, "role"): "owner"}) == {(None, "role"): "owner"}


def rule(*users: str, databases: tuple[str, ...] = ("all",)) -> Rule:
    return Rule(line=1, databases=list(databases), users=list(users), method="scram-sha-256")


@pytest.mark.parametrize(
    ("given", "user", "matches"),
    [
        (rule("all"), "u_clone", True),
        (rule("u"), "u_clone", False),
        (rule("x", "u_clone"), "u_clone", True),
        (rule("+u"), "u_clone", True),
        (rule("+other"), "u_clone", False),
        (rule("/^u(_clone)?$"), "u_clone", True),
        (rule("/^u$"), "u_clone", False),
        (rule("/[[:bad"), "u_clone", True),
        (rule("all", databases=("shop",)), "u_clone", True),
        (rule("all", databases=("other", "replication")), "u_clone", False),
        (rule("all", databases=("samerole",)), "u_clone", False),
        (rule("all", databases=("sameuser",)), "shop", True),
        (rule("all", databases=("sameuser",)), "shop_clone", False),
    ],
)
@pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
def test_lines_of_pg_hba(given: Rule, user: str, matches: bool) -> None:
    """Names, groups, patterns and the words for databases are read as the server reads them."""
    assert given.matches(user, groups=frozenset({"u"}), database="shop") is matches


def test_importing_the_rotators_loads_no_driver() -> None:
    """Commands that only list rotators don't pay for psycopg."""
    program = (
        "import sys, rotators.postgresql; print('psycopg' in sys.modules or 'ssl' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"

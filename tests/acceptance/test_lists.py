"""`rotate secret list`: filters, orders, limits."""

import pytest

from tests.support.command import RotateCommand

SECRETS = (
    ("app/prod/db", "Database of payments", "team=red"),
    ("app/test/db", "Database for tests", "team=blue"),
    ("mail", "Token of the relay", "team=red"),
)


@pytest.fixture
def three(rotate: RotateCommand) -> RotateCommand:
    """A home with three secrets."""
    rotate.ok("init")
    for name, description, tag in SECRETS:
        rotate.ok("secret", "create", name, "--description", description, "--tag", tag, value="v")
    return rotate


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), ["app/prod/db", "app/test/db", "mail"]),
        (("--filter", "name=app/prod,ma"), ["app/prod/db", "mail"]),
        (("--filter", "description=data test"), ["app/test/db"]),
        (("--filter", "name=app", "--filter", "tag-value=!blue"), ["app/prod/db"]),
        (("--filter", "all=red payments"), ["app/prod/db"]),
        (("--sort", "name", "--desc"), ["mail", "app/test/db", "app/prod/db"]),
        (("--sort", "created-date", "--desc", "--limit", "2"), ["mail", "app/test/db"]),
    ],
)
def test_lists_are_narrowed_ordered_and_cut(
    three: RotateCommand, arguments: tuple[str, ...], expected: list[str]
) -> None:
    """What the options ask for, in JSON and in text."""
    listed = three.json("secret", "list", *arguments)["secrets"]
    assert [secret["name"] for secret in listed] == expected
    lines = three.ok("secret", "list", *arguments).out.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", *expected]


def test_an_empty_list_says_what_to_do(rotate: RotateCommand) -> None:
    """Make a first secret, or look at those that are marked for deletion where there are only these."""
    rotate.ok("init")
    assert "rotate secret create" in rotate.ok("secret", "list").out
    rotate.ok("secret", "create", "app", value="v")
    rotate.ok("secret", "delete", "app")
    empty = rotate.ok("secret", "list").out
    assert "rotate secret list --deleted" in empty
    assert "create" not in empty


def test_a_wrong_filter_is_wrong_usage(three: RotateCommand) -> None:
    """An unknown key is told with those that there are; nothing that fits is no error."""
    wrong = three("secret", "list", "--filter", "colour=red")
    assert wrong.code == 2
    assert "tag-key" in wrong.err
    assert three("secret", "list", "--filter", "name").code == 2
    assert three("secret", "list", "--filter", "name=$").code == 2
    assert three.ok("secret", "list", "--filter", "name=none").out == "No secret fits.\n"
    assert three.json("secret", "list", "--filter", "name=none") == {"secrets": []}

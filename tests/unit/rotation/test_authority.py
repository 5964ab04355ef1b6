"""Whether a secret's JSON agrees with what was pinned."""

from dataclasses import replace

import pytest

from rotator.rotation.authority import require_agreement
from rotator.sdk import Authority, Misconfigured

ADMIN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/admin-abc123-XyZ789"
PINNED = Authority(host="db.example.com", port=5432, admin=ADMIN, users=("app", "app_clone"))


@pytest.mark.parametrize("host", ["db.example.com", "DB.Example.Com", "db.example.com."])
def test_host_names_are_compared_as_dns_does(host: str) -> None:
    """Case and a trailing dot make no other host."""
    require_agreement(claimed=replace(PINNED, host=host), pinned=PINNED)


@pytest.mark.parametrize(
    "admin",
    [
        ADMIN,
        ADMIN.removesuffix("-XyZ789"),
        "prod/admin-abc123",
        None,
    ],
)
def test_the_admin_secret_may_be_named_in_every_way(admin: str | None) -> None:
    """By full ARN, by the ARN without its six characters, by name, or not at all: the pinned one is used."""
    require_agreement(claimed=replace(PINNED, admin=admin), pinned=PINNED)


@pytest.mark.parametrize("users", [("app",), ("app_clone",), ("app_clone", "app")])
def test_fewer_users_than_pinned_are_fine(users: tuple[str, ...]) -> None:
    """A value that names only some of the pinned users, in any order, agrees."""
    require_agreement(claimed=replace(PINNED, users=users), pinned=PINNED)


@pytest.mark.parametrize(
    ("claimed", "said"),
    [
        (replace(PINNED, host="db.example.org"), "host 'db.example.org' where 'db.example.com'"),
        (replace(PINNED, host=None), "host None where 'db.example.com'"),
        (replace(PINNED, port=5433), "port 5433 where 5432"),
        (replace(PINNED, port=None), "port None where 5432"),
        (replace(PINNED, users=("postgres",)), "user 'postgres' where 'app, app_clone'"),
        (replace(PINNED, users=("app", "postgres")), "user 'postgres' where 'app, app_clone'"),
        (replace(PINNED, users=("App",)), "user 'App' where 'app, app_clone'"),
        (replace(PINNED, users=()), "user 'none' where 'app, app_clone'"),
        (replace(PINNED, admin="prod/admin"), "masterarn 'prod/admin' where"),
        (replace(PINNED, admin="prod/ADMIN-abc123"), "masterarn 'prod/ADMIN-abc123' where"),
        (replace(PINNED, admin=ADMIN.replace("eu-central", "us-east")), "masterarn 'arn:aws"),
    ],
)
def test_every_difference_is_refused_and_named(claimed: Authority, said: str) -> None:
    """Another host, port, user or admin secret is refused with both sides and what to do."""
    with pytest.raises(Misconfigured) as refused:
        require_agreement(claimed=claimed, pinned=PINNED)

    assert said in refused.value.message
    assert refused.value.hint is not None
    assert "rotate rotation set" in refused.value.hint


def test_an_admin_that_was_not_pinned_is_refused() -> None:
    """A secret can't bring its own admin."""
    with pytest.raises(Misconfigured, match="masterarn 'prod/admin' where 'none' was pinned"):
        require_agreement(
            claimed=replace(PINNED, admin="prod/admin"), pinned=replace(PINNED, admin=None)
        )


def test_all_differences_are_named_at_once() -> None:
    """Who mends a secret sees everything that is wrong with it."""
    with pytest.raises(Misconfigured, match=r"host .*; port .*; user .*; masterarn "):
        require_agreement(
            claimed=Authority(host="elsewhere", port=1, admin="x", users=("root",)), pinned=PINNED
        )

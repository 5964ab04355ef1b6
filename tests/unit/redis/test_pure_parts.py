"""What the Redis rotators compute without a server: secrets, rules, addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rotator.sdk import Misconfigured, SecretValue, TargetUnreachable
from rotators.redis import RedisAcl
from rotators.redis.acl import AclUser, digest, rules
from rotators.redis.nodes import cluster_nodes, info_fields, replication_nodes
from rotators.redis.settings import Node, RedisSettings

PASSWORDS = st.frozensets(st.text(min_size=1, max_size=3), max_size=4)
SECRET = {"engine": "redis", "host": "redis.example", "password": "x"}


@given(st.sets(st.text(min_size=1, max_size=3), max_size=4), PASSWORDS, PASSWORDS)
def test_rules_lead_to_what_is_wanted(
    has: set[str], kept: frozenset[str], dropped: frozenset[str]
) -> None:
    """Applied to what the user has, the rules add what is kept, take away what is dropped, and are all needed."""
    hashes = {digest(password) for password in has}
    user = AclUser(on=True, nopass=False, hashes=frozenset(hashes), commands="")
    for rule in rules(user, kept=kept, dropped=dropped):
        hashed = rule[1:]
        if rule[0] == "#":
            assert hashed not in hashes
            hashes.add(hashed)
        else:
            hashes.remove(hashed)
    wanted = {digest(password) for password in (has - dropped) | kept}
    assert hashes == wanted


def test_claims_name_the_user_and_the_server() -> None:
    """Without a user name it is the default user."""
    claimed = RedisAcl().claims(SecretValue.from_json(SECRET | {"masterarn": "arn:admin"}))
    assert (claimed.host, claimed.port) == ("redis.example", 6379)
    assert claimed.users == ("default",)
    assert claimed.admin == "arn:admin"


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"engine": "mysql"}, "engine"),
        ({"host": None}, "host"),
        ({"host": "a,b"}, "host"),
        ({"port": 0}, "port"),
        ({"username": "two words"}, "username"),
        ({"password": ""}, "password"),
        ({"ssl": "perhaps"}, "ssl"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, object], named: str) -> None:
    """A secret that can't be used is refused with the field's name."""
    with pytest.raises(Misconfigured, match=f'"{named}"'):
        RedisAcl().claims(SecretValue.from_json(SECRET | fields))


def test_the_nodes_of_a_cluster() -> None:
    """Every other node is found by its address, also an IPv6 one; one without an address is refused by its id."""
    text = (
        "a1 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-5460\n"
        "b2 10.0.0.2:7001@17001,redis-2.example master - 0 0 2 connected\n"
        "c3 fd00::3:7002@17002 slave b2 0 0 2 connected\n"
    )
    assert cluster_nodes(text) == [Node("10.0.0.2", 7001), Node("fd00::3", 7002)]
    with pytest.raises(Misconfigured, match="d4"):
        cluster_nodes("d4 :0@0 master,noaddr - 0 0 0 disconnected\n")


def test_the_nodes_of_a_replica_set() -> None:
    """A primary tells all its replicas, those too that just get their data; a replica tells its primary and its own."""
    replicas = (
        "connected_slaves:2\r\n"
        "slave0:ip=10.0.0.2,port=6379,state=online,offset=98,lag=0\r\n"
        "slave1:ip=fd00::3,port=6380,state=wait_bgsave,offset=0,lag=0,type=replica\r\n"
    )
    found = [Node("10.0.0.2", 6379), Node("fd00::3", 6380)]
    primary = info_fields("# Replication\r\nrole:master\r\n" + replicas)
    assert replication_nodes(primary) == found
    replica = "role:slave\r\nmaster_host:10.0.0.1\r\nmaster_port:6379\r\nslave_read_only:1\r\n"
    assert replication_nodes(info_fields(replica)) == [Node("10.0.0.1", 6379)]
    assert replication_nodes(info_fields(replica + replicas)) == [Node("10.0.0.1", 6379), *found]


def test_a_replica_whose_port_is_not_known_yet_stops_the_rotation() -> None:
    """A replica that has only just connected is waited for: it would keep the old password alone."""
    info = info_fields(
        "role:master\r\nslave0:ip=10.0.0.2,port=0,state=wait_bgsave,offset=0,lag=0\r\n"
    )
    with pytest.raises(TargetUnreachable, match="nothing was changed"):
        replication_nodes(info)


@pytest.mark.parametrize("text", ["redis", "redis:0", "redis:99999", "a b:1", "", ":1"])
def test_a_wrong_address_is_told(text: str) -> None:
    """A setting that is no list of addresses is refused when it is set."""
    with pytest.raises(Misconfigured, match="nodes"):
        RedisSettings.parse({"nodes": ["redis:6379", text]})


def test_addresses_are_listed_once() -> None:
    """Names, IPv4 and IPv6 addresses are taken."""
    settings = RedisSettings.parse({"nodes": "redis:6379, [::1]:1, redis:6379"})
    assert settings.listed == (Node("redis", 6379), Node("::1", 1))
    assert str(settings.listed[1]) == "[::1]:1"

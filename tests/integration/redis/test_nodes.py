"""Users of replica sets and clusters, which no server replicates: every node is changed."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from rotator.sdk import (
    Candidate,
    LoginRefused,
    Misconfigured,
    OutcomeUnknown,
    Proof,
    TargetRefused,
    TargetUnreachable,
)
from rotator.testing.ports import free_port
from rotators.redis import RedisAcl
from rotators.redis.acl import digest
from tests.integration.redis.support import (
    both,
    by_admin,
    pending_of,
    retire,
    rotation_of,
    set_and_test,
    step,
)
from tests.support.redis_server import (
    HOST,
    RedisServer,
    User,
    new_user_of,
    running_redis,
    same_superuser,
)
from tests.support.rotations import Values, attempt, preflight, refusals, warnings
from tests.support.tcp_proxy import Sender, TcpProxy
from tests.support.waiting import eventually


@pytest.fixture(scope="module")
def cluster(redis_command: list[str]) -> Iterator[list[RedisServer]]:
    """Three nodes that know one another."""
    with ExitStack() as stack:
        nodes = []
        for _ in range(3):
            bus = free_port(HOST)
            options = ["cluster-enabled yes", f"cluster-port {bus}"]
            nodes.append(stack.enter_context(running_redis(redis_command, options=options)))
        first, *others = nodes
        for other in others:
            same_superuser(other, first)
            _, bus_port = other.execute("CONFIG", "GET", "cluster-port")
            first.execute("CLUSTER", "MEET", HOST, str(other.port), bus_port)
        for node in nodes:
            assert eventually(lambda node=node: known_nodes(node) == 3)  # type: ignore[misc]
        yield nodes


def known_nodes(server: RedisServer) -> int:
    lines = str(server.execute("CLUSTER", "NODES")).splitlines()
    return sum("handshake" not in line for line in lines)


@pytest.fixture(params=["replica_set", "cluster"])
def nodes(request: pytest.FixtureRequest) -> list[RedisServer]:
    """Each kind in turn."""
    found: list[RedisServer] = request.getfixturevalue(request.param)
    return found


def hashes(nodes: list[RedisServer], user: User) -> list[set[str]]:
    return [node.passwords(user) for node in nodes]


def hashed(*users: User) -> set[str]:
    return {digest(user.password) for user in users}


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("by_itself", [False, True], ids=["admin", "itself"])
def test_every_node_is_changed(nodes: list[RedisServer], first: int, by_itself: bool) -> None:
    """Whichever node the secret names, all of them take both passwords, and then the new one alone."""
    user = new_user_of(nodes, ("~*", "&*", "+@all") if by_itself else ("+@read",))
    fields: dict[str, Any] = {"allow_privileged": True} if by_itself else by_admin(nodes[first])
    values = pending_of(nodes[first], user)
    old, new = both(values)
    found = preflight(RedisAcl, rotation_of(values, **fields))
    assert len(found.changes) == len(nodes)
    set_and_test(values, **fields)
    assert hashes(nodes, user) == [hashed(old, new)] * len(nodes)
    retire(values, **fields)
    assert hashes(nodes, user) == [hashed(new)] * len(nodes)


def test_a_change_that_stopped_between_nodes_is_rolled_forward(nodes: list[RedisServer]) -> None:
    """Half a change is not taken for done; every step goes on with the nodes that are left."""
    user = new_user_of(nodes)
    values = pending_of(nodes[0], user)
    old, new = both(values)
    fields = by_admin(nodes[0])
    nodes[0].execute("ACL", "SETUSER", user.name, f"#{digest(new.password)}")
    with attempt(RedisAcl) as rotator:
        assert rotator.probe(step(values, **fields), Candidate.PENDING) is Proof.REFUSED
        assert rotator.probe(step(values, **fields), Candidate.CURRENT) is Proof.ACCEPTED
        rotator.set_secret(step(values, **fields))
        rotator.test_secret(step(values, **fields))
        assert rotator.probe(step(values, **fields), Candidate.PENDING) is Proof.ACCEPTED
    nodes[0].execute("ACL", "SETUSER", user.name, f"!{digest(old.password)}")
    with attempt(RedisAcl) as rotator:
        assert rotator.probe(step(values, **fields), Candidate.CURRENT) is Proof.ACCEPTED
    retire(values, **fields)
    assert hashes(nodes, user) == [hashed(new)] * len(nodes)


def test_half_a_change_is_put_back_everywhere(nodes: list[RedisServer]) -> None:
    """Revert leaves the old password alone on every node, whatever each of them had."""
    user = new_user_of(nodes)
    values = pending_of(nodes[0], user)
    old, new = both(values)
    nodes[1].execute(
        "ACL", "SETUSER", user.name, f"#{digest(new.password)}", f"!{digest(old.password)}"
    )
    with attempt(RedisAcl) as rotator:
        rotator.revert_secret(step(values, **by_admin(nodes[0])))
    assert hashes(nodes, user) == [hashed(old)] * len(nodes)


def test_a_node_without_the_user_is_named(nodes: list[RedisServer]) -> None:
    """A user that was made on one node only is refused before anything is changed."""
    user = nodes[0].new_user()
    values = pending_of(nodes[0], user)
    fields = by_admin(nodes[0])
    found = preflight(RedisAcl, rotation_of(values, **fields))
    assert f'no user "{user.name}" at {HOST}:{nodes[1].port}' in refusals(found)
    with attempt(RedisAcl) as rotator, pytest.raises(TargetRefused, match="nothing was changed"):
        rotator.set_secret(step(values, **fields))
    assert nodes[0].passwords(user) == hashed(user)


def test_a_user_by_itself_needs_its_password_on_every_node(replica_set: list[RedisServer]) -> None:
    """Where another node has another password of the user, that node's address is in the refusal."""
    user = new_user_of(replica_set, ("~*", "&*", "+@all"))
    replica_set[1].execute("ACL", "SETUSER", user.name, "resetpass", ">other")
    values = pending_of(replica_set[0], user)
    with pytest.raises(LoginRefused, match=str(replica_set[1].port)):
        preflight(RedisAcl, rotation_of(values, allow_privileged=True))


def test_the_replication_user_is_warned_of(replica_set: list[RedisServer]) -> None:
    """The user as whom a replica logs in to its primary is told by name, with what has to follow."""
    primary, replica = replica_set
    user = new_user_of(replica_set)
    replica.execute("CONFIG", "SET", "masteruser", user.name)
    try:
        found = preflight(RedisAcl, rotation_of(pending_of(primary, user), **by_admin(primary)))
    finally:
        replica.execute("CONFIG", "SET", "masteruser", "root")
    assert "CONFIG SET masterauth" in warnings(found)


def test_listed_nodes_are_the_ones_that_change(
    redis_server: RedisServer, redis_without_aclfile: RedisServer
) -> None:
    """Servers that don't know of one another are rotated together where the setting lists them."""
    servers = [redis_server, redis_without_aclfile]
    user = new_user_of(servers, ("~*", "&*", "+@all"))
    listed = f"{HOST}:{redis_without_aclfile.port}"
    values = pending_of(redis_server, user)
    fields: dict[str, Any] = {"allow_privileged": True, "settings": {"nodes": listed}}
    set_and_test(values, **fields)
    assert hashes(servers, user) == [hashed(*both(values))] * 2
    with pytest.raises(Misconfigured, match="no list of servers"):
        rotation_of(values, settings={"nodes": "no port"})


def test_a_node_that_does_not_answer_stops_the_rotation(
    replica_set: list[RedisServer], tcp_proxy: Callable[[str, int], TcpProxy]
) -> None:
    """A node that can't be reached is named, and no other one is changed."""
    primary, replica = replica_set
    user = new_user_of(replica_set)
    proxy = tcp_proxy(HOST, replica.port)
    proxy.refuse()
    values = pending_of(primary, user)
    settings = {"nodes": [f"{HOST}:{proxy.port}"]}
    with attempt(RedisAcl) as rotator, pytest.raises(TargetUnreachable, match=str(proxy.port)):
        rotator.set_secret(step(values, settings=settings, **by_admin(primary)))
    assert hashes(replica_set, user) == [hashed(user)] * 2


@pytest.mark.parametrize("delivered", [True, False])
def test_a_node_that_is_lost_in_the_middle_leaves_the_outcome_open(
    replica_set: list[RedisServer],
    tcp_proxy: Callable[[str, int], TcpProxy],
    delivered: bool,
) -> None:
    """A connection that breaks at the second node's change is an unknown outcome; the next attempt completes it."""
    primary, replica = replica_set
    user = new_user_of(replica_set)
    proxy = tcp_proxy(HOST, replica.port)
    values: Values = pending_of(primary, user)
    old, new = both(values)
    fields = {"settings": {"nodes": [f"{HOST}:{proxy.port}"]}, **by_admin(primary)}
    proxy.cut_at(b"SETUSER", sender=Sender.CLIENT, deliver=delivered)
    with attempt(RedisAcl) as rotator, pytest.raises(OutcomeUnknown):
        rotator.set_secret(step(values, **fields))
    assert eventually(
        lambda: replica.passwords(user) == (hashed(old, new) if delivered else hashed(old))
    )
    with attempt(RedisAcl) as rotator:
        rotator.set_secret(step(values, **fields))
        rotator.test_secret(step(values, **fields))
    assert hashes(replica_set, user) == [hashed(old, new)] * 2


def test_a_sentinel_is_no_target(redis_command: list[str]) -> None:
    """A sentinel is told from a data node, and named."""
    with running_redis(
        [*redis_command], aclfile=False, options=["sentinel monitor x 127.0.0.1 1 1"], sentinel=True
    ) as sentinel:
        values = pending_of(sentinel, sentinel.superuser)
        found = preflight(RedisAcl, rotation_of(values))
    assert "is a sentinel" in refusals(found)

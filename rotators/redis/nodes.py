"""The servers that have the user: users aren't replicated, so every node of a cluster or replica set has its own."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from rotator.sdk import Misconfigured, StepError, TargetUnreachable
from rotators.redis.failure import explained
from rotators.redis.session import Session
from rotators.redis.settings import Node

GRANTS = (
    "+acl|setuser +acl|getuser +acl|save +acl|dryrun +client|list +client|kill +client|setname "
    "+config|get +config|rewrite +info +cluster|nodes"
)
"""What a user needs that changes passwords."""

_DOING = "finding the other nodes"
_REPLICA = re.compile(r"slave\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One node, with a session of whoever may change users there.

    Attributes:
        user: whose session it is.
        info: the section "server" of INFO.
    """

    node: Node
    user: str
    session: Session
    info: Mapping[str, str]

    @property
    def hint(self) -> str:
        """What to do where a permission is missing."""
        return f"ACL SETUSER {self.user} {GRANTS}"

    def ask(self, doing: str, *words: str) -> Any:
        """The answer to a command that changes nothing."""
        with explained(doing, at=self.node, hint=self.hint):
            return self.session.run(*words)


@contextmanager
def members(
    first: Node, listed: tuple[Node, ...], *, user: str, open_session: Callable[[Node], Session]
) -> Iterator[list[Member]]:
    """All nodes, each once, whatever names they go by; their sessions end with the block.

    Args:
        first: where the secret says.
        listed: the others, if the settings name them; else the nodes are asked for one another.
        user: who logs in.
        open_session: logs in to one.

    Raises:
        Misconfigured: the nodes don't say where the others are, or a node is a sentinel.
        StepError: a node can't be reached, or doesn't let the user in; nothing was changed.
    """
    with ExitStack() as stack:
        found: dict[str, Member] = {}
        seen: set[Node] = set()
        waiting = [first, *listed]
        while waiting:
            node = waiting.pop(0)
            if node in seen:
                continue
            seen.add(node)
            session = _open(open_session, node, asked_for=node is first or node in listed)
            stack.callback(session.close)
            member = Member(
                node=node, user=user, session=session, info=_server_info(session, node, user)
            )
            if member.info.get("run_id", str(node)) in found:
                continue
            found[member.info.get("run_id", str(node))] = member
            if not listed:
                waiting += _neighbours(member)
        yield list(found.values())


def _open(open_session: Callable[[Node], Session], node: Node, *, asked_for: bool) -> Session:
    try:
        return open_session(node)
    except StepError as failure:
        if not asked_for:
            elsewhere = (
                "another node gave this address: where it is not the right one from here, "
                "list all nodes in the setting nodes"
            )
            failure.hint = f"{failure.hint}; {elsewhere}" if failure.hint else elsewhere
        raise


def _server_info(session: Session, node: Node, user: str) -> dict[str, str]:
    with explained("reading what the server is", at=node, hint=f"ACL SETUSER {user} {GRANTS}"):
        info = info_fields(str(session.run("INFO", "server")))
    if info.get("redis_mode") == "sentinel":
        raise Misconfigured(
            f"{node} is a sentinel, which has no data and users of its own",
            hint='store the address of a data node in "host" and "port"',
        )
    return info


def _neighbours(member: Member) -> list[Node]:
    if member.info.get("redis_mode") == "cluster":
        return cluster_nodes(str(member.ask(_DOING, "CLUSTER", "NODES")))
    return replication_nodes(replication(member, _DOING))


def replication(member: Member, doing: str) -> dict[str, str]:
    """The section "replication" of INFO: unlike ROLE, it tells of replicas that are still being sent their data."""
    return info_fields(str(member.ask(doing, "INFO", "replication")))


def info_fields(text: str) -> dict[str, str]:
    """The fields of an answer of INFO."""
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def replication_nodes(info: Mapping[str, str]) -> list[Node]:
    """Whom a node replicates, and who replicates it; a replica can have replicas of its own.

    Args:
        info: the section "replication" of INFO.

    Raises:
        TargetUnreachable: a replica has only just connected, and its address isn't known yet.
    """
    found = []
    if info["role"] == "slave":
        found.append(Node(info["master_host"], int(info["master_port"])))
    for name, told in info.items():
        if _REPLICA.fullmatch(name):
            replica = dict(field.split("=", 1) for field in told.split(","))
            if replica["port"] == "0":
                raise TargetUnreachable(
                    "a replica is just connecting to its primary and has not told its port yet; "
                    "nothing was changed"
                )
            found.append(Node(replica["ip"], int(replica["port"])))
    return found


def cluster_nodes(text: str) -> list[Node]:
    """The other nodes of a cluster: the answer of CLUSTER NODES.

    Raises:
        Misconfigured: the cluster doesn't know the address of one.
    """
    found = []
    for line in text.splitlines():
        identity, address, flags = line.split(" ")[:3]
        if "myself" in flags.split(","):
            continue
        # ip:port@bus-port[,host name]
        host, _, port = address.partition("@")[0].rpartition(":")
        if "noaddr" in flags.split(",") or not host or port == "0":
            raise Misconfigured(
                f"the cluster has lost the address of its node {identity}",
                hint=f"CLUSTER FORGET {identity}, on every node, if it is gone",
            )
        found.append(Node(host.strip("[]"), int(port)))
    return found

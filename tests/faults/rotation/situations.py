"""Rotations of each strategy as the fault tests start them, and what must hold whatever happened."""

from dataclasses import dataclass, replace

from rotator.store import versions
from tests.support.house import ALTERNATING, SINGLE, House
from tests.support.manager import row_id
from tests.support.postgres import DatabaseServer, Role

LABELS = ("AWSCURRENT", "AWSPENDING", "AWSPREVIOUS")


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A secret that is about to be rotated.

    Attributes:
        earlier: rotations that it has behind it.
    """

    name: str
    rotator: str
    admin: bool
    earlier: int = 0

    def __str__(self) -> str:
        return self.name


SINGLE_ALONE = Situation(name="single", rotator=SINGLE, admin=False)
SINGLE_ADMIN = Situation(name="single-admin", rotator=SINGLE, admin=True)
ALTERNATING_FIRST = Situation(name="alternating-first", rotator=ALTERNATING, admin=True)
ALTERNATING_SECOND = Situation(
    name="alternating-second", rotator=ALTERNATING, admin=True, earlier=1
)
SITUATIONS = (SINGLE_ALONE, SINGLE_ADMIN, ALTERNATING_FIRST, ALTERNATING_SECOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One secret on one server, and what was there before the fault."""

    house: House
    server: DatabaseServer
    secret: str
    role: Role
    versions: frozenset[str]
    labels: dict[str, str]

    def still_holds(self) -> None:
        """What no fault may break, at no instant: no version is lost, and a labelled one logs in."""
        assert self.versions <= self.house.version_ids(self.secret), "a version was lost"
        at = self.house.labels(self.secret)
        assert "AWSCURRENT" in at
        # In this order: an ALTER that the server still executes may come between two logins.
        assert any(self.logs_in(label) for label in LABELS if label in at), "nothing logs in"

    def logs_in(self, label: str = "AWSCURRENT") -> bool:
        if self.house.value_at(self.secret, label) is None:
            return False
        return self.server.can_log_in(self.house.role(self.secret, label))

    def new_versions(self) -> frozenset[str]:
        return frozenset(self.house.version_ids(self.secret) - self.versions)


def stage(
    house: House,
    server: DatabaseServer,
    situation: Situation,
    *,
    address: tuple[str, int] | None = None,
) -> Scene:
    """A fresh role with its secret, right before the rotation that is to be struck.

    Args:
        address: how the rotator reaches the server, where that is a proxy.
    """
    role = server.new_role()
    admin = server.superuser if situation.admin else None
    host, port = address or (server.host, server.port)
    stored = replace(server, server=replace(server.server, host=host, port=port))
    secret = house.adopt(stored, role, rotator=situation.rotator, admin=admin)
    for _ in range(situation.earlier):
        assert house.rotate(secret).failure is None
    return Scene(
        house=house,
        server=server,
        secret=secret,
        role=role,
        versions=frozenset(house.version_ids(secret)),
        labels=house.labels(secret),
    )


def pinned(scene: Scene) -> set[str]:
    """The versions that are kept because their value may live on the target."""
    with scene.house.store.read() as tx:
        found = versions.named_or_pinned(tx, row_id(tx, scene.secret), ())
    return {version.version_id for version in found.values() if version.pinned}

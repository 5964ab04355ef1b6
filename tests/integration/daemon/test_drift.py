"""Drift checks on a real server: what they find, whom they tell, and that one of several daemons makes them."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from psycopg import sql

from rotator.daemon.drift import DriftChecks, Findings
from rotator.sdk import Notice, NoticeKind
from rotator.store.store import Store
from tests.support.house import House
from tests.support.manager import ALICE
from tests.support.postgres import DatabaseServer, Role
from tests.support.store import only_postgresql
from tests.support.waiting import eventually

_ALL_AT_ONCE = 0.000_001  # seconds in which each has its turn
_NOBODY_LISTENS = 1  # a port


@dataclass
class Told:
    """What checks found."""

    outcomes: list[str] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def checks(self, store: Store) -> DriftChecks:
        findings = Findings(
            count=self.outcomes.append, notify=self.notices.append, stopped=lambda: False
        )
        return DriftChecks(store, lambda: [ALICE], findings)


def test_a_password_that_was_changed_at_the_target_is_found(
    house: House, pg16: DatabaseServer
) -> None:
    """Who logs in is counted, who is refused is told, and what can't be tried is no drift; nothing of it is changed."""
    well, changed = (house.adopt(pg16, pg16.new_role()) for _ in range(2))
    down = [house.adopt(pg16, pg16.new_role(), port=_NOBODY_LISTENS) for _ in range(2)]
    role = house.role(changed)
    _set_password(pg16, role, "changed by hand")

    told = Told()
    with closing(told.checks(house.store)) as checks:
        checks.go_on(house.engine(), every=0)
        checks.go_on(house.engine(), every=_ALL_AT_ONCE)
        assert told.outcomes == []  # where the rota stands is known from here on
        checks.go_on(house.engine(), every=_ALL_AT_ONCE)
    assert told.outcomes == ["accepted", "refused", "unknown", "unknown"]
    [notice] = told.notices
    assert (notice.kind, notice.secret_name) == (NoticeKind.DRIFT, changed)
    assert notice.target == f"{pg16.host}:{pg16.port}"
    assert "changed the password there" in (notice.reason or "")
    assert role.password not in notice.to_json().decode()
    assert all(house.history(name) == () for name in (well, changed, *down))


def _set_password(server: DatabaseServer, role: Role, password: str) -> None:
    alter = sql.SQL("ALTER ROLE {} PASSWORD {}")
    with server.connect() as session:
        session.execute(alter.format(sql.Identifier(role.name), sql.Literal(password)))


def test_a_rotation_that_comes_between_is_no_drift(house: House, pg16: DatabaseServer) -> None:
    """What was refused because it was just being replaced is not told."""
    name = house.adopt(pg16, pg16.new_role())
    told = Told()
    engine = house.engine()
    verify = engine.verify

    def verify_late(*arguments: object, **named: object) -> object:
        role = house.role(name)
        _set_password(pg16, role, "another")
        found = verify(*arguments, **named)  # type: ignore[arg-type]
        _set_password(pg16, role, role.password)
        assert house.rotate(name).failure is None
        return found

    engine.verify = verify_late  # type: ignore[method-assign,assignment]
    with closing(told.checks(house.store)) as checks:
        for _ in range(2):
            checks.go_on(engine, every=_ALL_AT_ONCE)
    assert (told.outcomes, told.notices) == (["unknown"], [])


@only_postgresql
def test_of_several_daemons_one_checks(
    house: House, pg16: DatabaseServer, store_url: str, open_store: Callable[[str], Store]
) -> None:
    """While one has the duty another leaves it alone, and takes it over when that one is gone."""
    house.adopt(pg16, pg16.new_role())
    first, second = Told(), Told()
    with (
        closing(first.checks(house.store)) as one,
        closing(second.checks(open_store(store_url))) as other,
    ):
        for _ in range(2):
            for checks in (one, other):
                checks.go_on(house.engine(), every=_ALL_AT_ONCE)
        assert (first.outcomes, second.outcomes) == (["accepted"], [])
        one.close()

        def has_it() -> bool:
            other.go_on(house.engine(), every=_ALL_AT_ONCE)
            return second.outcomes == ["accepted"]

        assert eventually(has_it)  # the server ends a session when it comes to it

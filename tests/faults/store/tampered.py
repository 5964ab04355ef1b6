"""A store with something of everything in it, its copies that were tampered with, and what one makes of them."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from psycopg import sql
from sqlalchemy import Engine, NullPool, Table, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.schema import DropConstraint

from rotator.errors import KeyUnavailable, RotatorError
from rotator.manager.auditing import Auditing
from rotator.manager.principals import EVERYTHING
from rotator.manager.results import Delayed, SecretValueResult
from rotator.manager.rotation_rules import RotationRules
from rotator.model.labels import PENDING
from rotator.sdk import SecretValue
from rotator.store import access_key_rows, identities
from rotator.store.audit_checkpoints import Reason
from rotator.store.sealing import verify_sealing_key
from rotator.store.store import Store
from rotator.store.tables import metadata, secrets
from tests.faults.rotation.situations import SINGLE_ADMIN, SINGLE_ALONE, Scene, stage
from tests.support.driver import Runs
from tests.support.effects import CHANGE
from tests.support.house import House
from tests.support.manager import ME, POLICY, THE_ENGINE, row_id, value
from tests.support.postgres import DatabaseServer, Role, unique_name
from tests.support.store import AUDIT_KEY
from tests.support.tampering import Alteration, Row, rows_of

LONGEST_BARRIER = 60.0
"""Seconds: the largest `barrier.limit` that the settings allow."""

WHO = "who is known"
_STAGES = ("AWSCURRENT", "AWSPREVIOUS", "AWSPENDING", "stable")

State = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What became of an alteration.

    Attributes:
        ways: by whom it was detected.
        changed: what is different now from what was stored, for who reads the store or rotates.
        crashed: an error that is no message of rotator's.
    """

    ways: frozenset[str]
    changed: tuple[str, ...] = ()
    crashed: str | None = None


@dataclass(slots=True)
class Original:
    """The store before anything is done to it, closed, so that it can be copied.

    Attributes:
        cut: the secret whose rotation was killed right after its target had been changed, `cut_id` its row's id.
        rows: of every table, by its name.
        passwords: verifiers of the roles that a resume may change.
    """

    house: House
    url: str
    server: DatabaseServer
    cut: Scene
    names: tuple[str, ...]
    rows: Mapping[str, Sequence[Row]]
    cut_id: int
    state: State = field(default_factory=dict)
    passwords: Mapping[str, str] = field(default_factory=dict)
    logins: tuple[Role, ...] = ()

    def is_of_cut(self, table: Table, row: Row) -> bool:
        """Whether a row is of the secret whose rotation was interrupted."""
        return bool(row.get("id" if table is secrets else "secret_id") == self.cut_id)

    @contextmanager
    def altered(self, alteration: Alteration, folder: Path) -> Iterator[str | None]:
        """A copy with the alteration, None where the database doesn't take it."""
        with _copy(self.url, self.server, folder) as url:
            engine = _engine(url)
            try:
                with engine.begin() as connection:
                    done = alteration.apply(connection)
            finally:
                engine.dispose()
            yield url if done else None

    def look_at(self, url: str, *, resume: bool) -> Seen:
        """Reads, verifies and, where asked to, resumes."""
        ways: set[str] = set()
        changed: set[str] = set()
        try:
            store = Store.open(url, create=False, audit_key=AUDIT_KEY)
        except RotatorError:
            return Seen(ways=frozenset({"open"}))
        try:
            self._look(replace(self.house, store=store), ways, changed, resume=resume)
        except RotatorError:
            ways.add("record")
        except Exception as error:  # noqa: BLE001  # what it is, is what we want to know
            crash = f"{type(error).__name__}: {error}"
            return Seen(ways=frozenset(ways), changed=tuple(sorted(changed)), crashed=crash[:300])
        finally:
            store.close()
        return Seen(ways=frozenset(ways), changed=tuple(sorted(changed)))

    def _look(self, house: House, ways: set[str], changed: set[str], *, resume: bool) -> None:
        try:
            verify_sealing_key(house.store, house.sealer)
        except KeyUnavailable:
            ways.add("open")
            return
        if verify(house):
            ways.add("verify")
        now = observe(house, self.names, before=self.state)
        for what in self.state.keys() | now.keys():
            before, after = self.state.get(what), now.get(what)
            if after != before:
                (ways if isinstance(after, Refused) else changed).add(
                    ("identity" if what == WHO else "read") if isinstance(after, Refused) else what
                )
        if resume:
            with self._target_as_it_was():
                self._resume(house, ways, changed)

    def _resume(self, house: House, ways: set[str], changed: set[str]) -> None:
        scene = replace(self.cut, house=house)
        try:
            report = house.engine().resume(scene.secret, **ME)
        except RotatorError:
            self._refused(ways, changed)
            return
        if report is not None and report.failure is not None:
            self._refused(ways, changed)
        elif not scene.logs_in():
            changed.add(f"{scene.secret} resumed: AWSCURRENT doesn't log in")

    def _refused(self, ways: set[str], changed: set[str]) -> None:
        """A run that was refused, or failed with a reason, leaves a login that was stored before."""
        ways.add("claim")
        if not any(self.server.can_log_in(role) for role in self.logins):
            changed.add("nothing that was stored logs in")

    @contextmanager
    def _target_as_it_was(self) -> Iterator[None]:
        try:
            yield
        finally:
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}")
            with self.server.connect() as connection:
                for role, verifier in self.passwords.items():
                    connection.execute(
                        statement.format(sql.Identifier(role), sql.Literal(verifier))
                    )


@dataclass(frozen=True, slots=True)
class Refused:
    """A read that was refused with a message."""

    kind: str


def verify(house: House) -> bool:
    """Whether `rotate audit verify` finds something wrong."""
    try:
        return bool(Auditing(house.store).verify(**ME).faults)
    except RotatorError:
        return True


def observe(house: House, names: tuple[str, ...], *, before: State) -> State:
    """What everybody gets to see of the secrets: values, labels, tags, settings, deletion marks; no mere dates.

    Args:
        before: what was seen when all was well.
    """
    seen: dict[str, Any] = {}
    for name in names:
        described = _try(_description, house, name)
        for stage_name in _STAGES:
            # No label was there, and none is: that nobody gets a value shows nothing.
            if f"{name} {stage_name}" not in before and stage_name not in _stages(described):
                continue
            seen[f"{name} {stage_name}"] = _try(_value, house, name, stage_name)
        seen[f"{name} described"] = described
        seen[f"{name} policy"] = _try(_policy, house, name)
    manager = house.manager
    seen[WHO] = _try(_who, house)
    seen["list"] = _try(lambda: sorted(each.arn for each in manager.list_secrets(**ME).secrets))
    return seen


def _try(look: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return look(*arguments)
    except RotatorError as error:
        return Refused(type(error).__name__)


def _value(house: House, name: str, stage_name: str) -> Any:
    manager = house.manager
    found = manager.read_secret_value(**ME, secret_id=name, version_stage=stage_name)
    late = isinstance(found, Delayed) and found.seconds > LONGEST_BARRIER
    if isinstance(found, Delayed):
        found = manager.read_secret_value(**THE_ENGINE, secret_id=name, version_stage=stage_name)
    assert isinstance(found, SecretValueResult)
    return found.version_id, found.value.string, found.value.binary, found.stages, late


def _description(house: House, name: str) -> Any:
    found = house.manager.describe_secret(**ME, secret_id=name)
    listed = house.manager.list_secret_version_ids(
        **ME, secret_id=name, include_deprecated=True
    ).versions
    return (
        replace(found, created_at=None, changed_at=None, accessed_on=None),  # type: ignore[arg-type]
        sorted((each.version_id, each.stages, each.pinned) for each in listed),
    )


def _stages(described: Any) -> set[str]:
    if isinstance(described, Refused):
        return set(_STAGES)
    _, listed = described
    return {stage_name for _, stages, _ in listed for stage_name in stages}


def _policy(house: House, name: str) -> Any:
    return house.manager.get_resource_policy(**ME, secret_id=name).policy


def _who(house: House) -> Any:
    """Everyone that there is, what they may, and the secrets of their keys."""
    with house.store.read() as tx:
        known = identities.load(tx)
    secrets = [
        (
            key.access_key_id,
            key.disabled,
            known.principals[key.principal_id].arn,
            house.sealer.open(key.sealed, context=access_key_rows.seal_context(key.access_key_id)),
        )
        for key in known.keys.values()
    ]
    return secrets, house.manager.list_principals(**ME)


def furnish(
    house: House, server: DatabaseServer, runs: Runs, tables: Mapping[str, Table]
) -> Original:
    """Secrets with history, tags, labels of their own, a marked one; a finished rotation and an interrupted one."""
    # A lease that outlasts the test: what becomes of it must not depend on how long that takes.
    house, runs = (
        house.with_policy(lease=3600),
        replace(runs, policy=replace(runs.policy, lease=3600)),
    )
    manager = house.manager
    verify_sealing_key(house.store, house.sealer)
    for name in ("plain", "twin", "marked"):
        manager.create_secret(
            **ME,
            name=name,
            value=value(f"{name} 1"),
            description=f"what {name} is for",
            tags={"team": name, "stage": "test"},
        )
        first = manager.get_secret_value(**ME, secret_id=name).version_id
        for number in (2, 3):
            manager.put_secret_value(**ME, secret_id=name, value=value(f"{name} {number}"))
        manager.update_secret_version_stage(
            **ME, secret_id=name, version_stage="stable", move_to_version_id=first
        )
    manager.create_principal(**ME, principal="team", group=True, policies={"all": EVERYTHING})
    for name in ("alice", "bob"):
        manager.create_principal(**ME, principal=name, policies={"all": EVERYTHING})
        manager.set_group_membership(**ME, principal=name, group="team", member=True)
        manager.create_access_key(**ME, principal=name)
    manager.create_secret(**ME, name="bytes", value=SecretValue(binary=b"\0\1\2"))
    manager.put_resource_policy(**ME, secret_id="plain", resource_policy=POLICY)
    manager.delete_secret(**ME, secret_id="marked", recovery_window_in_days=30)
    finished = stage(house, server, SINGLE_ADMIN)
    manager.set_rotation(
        **ME,
        secret_id=finished.secret,
        rules=RotationRules(schedule_expression="rate(10 days)", duration="3h"),
    )
    dry = runs.run(finished.secret)
    assert dry.report is not None, dry
    cut = stage(house, server, SINGLE_ALONE)
    alone = runs.run(stage(house, server, SINGLE_ALONE).secret)
    killed = runs.run(cut.secret, kill_at=alone.effects.index(f"{CHANGE}: after") + 1)
    assert killed.killed, killed
    assert PENDING in house.labels(cut.secret)
    house.store.checkpoint(Reason.ASKED)
    names = ("marked", *(each.name for each in manager.list_secrets(**ME).secrets))
    passwords = {
        role: server.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", (role,))[0][0]
        for role in (cut.role.name, finished.role.name)
    }
    assert not verify(house)
    state = observe(house, names, before={})
    assert {place.rpartition(" ")[2] for place in state} >= set(_STAGES)
    with house.store.read() as tx:
        rows = {name: rows_of(tx.connection, table) for name, table in tables.items()}
        cut_id = row_id(tx, cut.secret)
    logins = tuple(house.role(cut.secret, label) for label in house.labels(cut.secret))
    house.store.close()
    _settle(runs.store_url)
    return Original(
        house=house,
        url=runs.store_url,
        server=server,
        cut=cut,
        names=names,
        rows=rows,
        cut_id=cut_id,
        state=state,
        passwords=passwords,
        logins=logins,
    )


def _engine(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)


def _drop_foreign_keys(url: str) -> None:
    """An intruder need not keep to them; on SQLite each connection asks for their being kept."""
    engine = _engine(url)
    with engine.begin() as connection:
        for table in metadata.tables.values():
            for constraint in table.foreign_key_constraints:
                connection.execute(DropConstraint(constraint))
    engine.dispose()


def _settle(url: str) -> None:
    """Makes it what is copied: on SQLite all is in the one file, on PostgreSQL no foreign key is left."""
    path = make_url(url).database
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(path or "")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    else:
        _drop_foreign_keys(url)


@contextmanager
def _copy(url: str, server: DatabaseServer, folder: Path) -> Iterator[str]:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = folder / "altered.db"
        shutil.copy(parsed.database or "", path)
        path.chmod(0o600)
        try:
            yield f"sqlite:///{path}"
        finally:
            for each in folder.glob("altered.db*"):
                each.unlink()
        return
    name = unique_name("altered")
    names = {
        "name": sql.Identifier(name),
        "owner": sql.Identifier(parsed.username or ""),
        "template": sql.Identifier(parsed.database or ""),
    }
    create = sql.SQL("CREATE DATABASE {name} OWNER {owner} TEMPLATE {template} STRATEGY file_copy")
    server.execute(create.format(**names))
    try:
        yield parsed.set(database=name).render_as_string(hide_password=False)
    finally:
        server.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))

"""Many writers at once on few secrets, and what must hold of the store when they are done."""

import random
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider
from rotator.errors import InvalidParameter, InvalidRequest, ResourceExists, ResourceNotFound
from rotator.manager.manager import SecretsManager
from rotator.manager.rotation_rules import RotationRules
from rotator.model.labels import CURRENT, PREVIOUS
from rotator.store.store import Store
from rotator.store.tables import audit, labels, secrets, tags, versions
from tests.support.manager import ALICE, Who, value
from tests.support.store import AUDIT_KEY

STEADY = ("steady-0", "steady-1")
"""Secrets that stay; all write to them."""

FLEETING = ("fleeting-0", "fleeting-1")
"""Secrets that are made and removed for good all the time."""

_Deed = Callable[[Who, str, int], "Write"]

# What the state of a secret allows a caller to be told; anything else that is raised is a fault.
_ANSWERS = (InvalidParameter, InvalidRequest, ResourceExists, ResourceNotFound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One write that was acknowledged.

    Attributes:
        what: the register that it set, such as the label or the tag.
        to: what it set it to; None where it took it away.
    """

    event: str
    request_id: str
    arn: str
    what: str = ""
    to: str | None = None


@dataclass(slots=True)
class Worker:
    """One writer: its writes come one after another, and each tag and label of its own is written by nobody else."""

    manager: SecretsManager
    name: str
    writes: list[Write] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def run(self, rounds: int) -> None:
        chance = random.Random(self.name)  # a failure's choices can be repeated
        for turn in range(rounds):
            secret = chance.choice(STEADY)
            deed = chance.choice((self._put, self._move, self._tag, self._describe, self._schedule))
            self._try(deed, secret, turn)
            self._try(
                chance.choice((self._create, self._remove, self._put)), FLEETING[turn % 2], turn
            )

    def _try(self, deed: _Deed, secret: str, turn: int) -> None:
        request_id = f"{self.name}-{uuid.uuid4()}"
        try:
            write = deed({"caller": ALICE, "request_id": request_id}, secret, turn)
        except _ANSWERS:
            return
        except Exception as error:  # noqa: BLE001  # each is a finding
            self.faults.append(f"{deed.__name__} {type(error).__name__}: {error}")
            return
        self.writes.append(write)

    def _put(self, who: Who, secret: str, turn: int) -> Write:
        text = f"{self.name} {turn}"
        put = self.manager.put_secret_value(**who, secret_id=secret, value=value(text))
        return _write("PutSecretValue", who, put.arn, CURRENT, put.version_id)

    def _move(self, who: Who, secret: str, turn: int) -> Write:
        """Puts a value under a label of its own in turn with moving that label to the current version."""
        found = self.manager.describe_secret(
            caller=who["caller"], request_id="look", secret_id=secret
        )
        at = {label: version for version, on in found.versions.items() for label in on}
        if turn % 2 or self.name not in at:
            put = self.manager.put_secret_value(
                **who, secret_id=secret, value=value("labelled"), version_stages=[self.name]
            )
            return _write("PutSecretValue", who, put.arn, self.name, put.version_id)
        moved = self.manager.update_secret_version_stage(
            **who,
            secret_id=secret,
            version_stage=self.name,
            move_to_version_id=at[CURRENT],
            remove_from_version_id=at[self.name],
        )
        return _write("UpdateSecretVersionStage", who, moved.arn, self.name, at[CURRENT])

    def _tag(self, who: Who, secret: str, turn: int) -> Write:
        if turn % 3:
            done = self.manager.tag_resource(**who, secret_id=secret, tags={self.name: str(turn)})
            return _write("TagResource", who, done.arn, "tag", str(turn))
        untagged = self.manager.untag_resource(**who, secret_id=secret, tag_keys=[self.name])
        return _write("UntagResource", who, untagged.arn, "tag", None)

    def _describe(self, who: Who, secret: str, turn: int) -> Write:
        text = f"{self.name} says {turn}"
        done = self.manager.update_secret(**who, secret_id=secret, description=text)
        return _write("UpdateSecret", who, done.arn, "description", text)

    def _schedule(self, who: Who, secret: str, turn: int) -> Write:
        text = f"rate({turn + 2} days)"
        rules = RotationRules(schedule_expression=text)
        self.manager.set_rotation(**who, secret_id=secret, rotator="generic", rules=rules)
        return _write("RotateSecret", who, "", secret, text)

    def _create(self, who: Who, secret: str, turn: int) -> Write:
        made = self.manager.create_secret(**who, name=secret, value=value(str(turn)))
        return _write("CreateSecret", who, made.arn)

    def _remove(self, who: Who, secret: str, turn: int) -> Write:
        del turn
        gone = self.manager.delete_secret(**who, secret_id=secret, force_without_recovery=True)
        return _write("DeleteSecret", who, gone.arn)


def _write(event: str, who: Who, arn: str, what: str = "", to: str | None = None) -> Write:
    return Write(event=event, request_id=who["request_id"], arn=arn, what=what, to=to)


@dataclass(frozen=True, slots=True)
class Done:
    """What a worker did; fit to be sent from another process."""

    name: str
    writes: Sequence[Write]
    faults: Sequence[str]


def prepare(store: Store, keyring: Path) -> None:
    """Makes the secrets that stay."""
    manager = SecretsManager(store, Sealer(FileKeyProvider(keyring)))
    for name in STEADY:
        manager.create_secret(caller=ALICE, request_id="begin", name=name, value=value("v"))


def hammer(url: str, keyring: Path, names: Iterable[str], rounds: int) -> list[Done]:
    """Writes with one thread for each name, all on one store object of this process."""
    store = Store.open(url, create=False, lock_timeout=60, audit_key=AUDIT_KEY)
    manager = SecretsManager(store, Sealer(FileKeyProvider(keyring)))
    workers = [Worker(manager, name) for name in names]
    threads = [threading.Thread(target=worker.run, args=(rounds,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.close()
    return [Done(worker.name, worker.writes, worker.faults) for worker in workers]


def check(store: Store, keyring: Path, done: Sequence[Done]) -> None:
    """Asserts what must hold after any order of these writes."""
    assert [fault for worker in done for fault in worker.faults] == []
    writes = [write for worker in done for write in worker.writes]
    assert {write.event for write in writes} >= {"PutSecretValue", "CreateSecret", "DeleteSecret"}
    _check_audit(store, writes)
    _check_labels(store)
    _check_registers(store, done)
    _check_values(store, keyring, writes)
    _check_lives(store, writes)


def _check_audit(store: Store, writes: Iterable[Write]) -> None:
    """Each acknowledged write has exactly one record of success."""
    with store.read() as tx:
        query = select(audit.c.request_id, audit.c.event).where(audit.c.outcome == "succeeded")
        recorded = list(map(tuple, tx.connection.execute(query)))
    asked = Counter((write.request_id, write.event) for write in writes)
    # The service's own event follows a removal in the same request.
    others = {"begin", "look"}
    written = Counter(
        found
        for found in recorded
        if found[0] not in others and found[1] != "EndSecretVersionDelete"
    )
    assert written - asked == Counter()
    assert asked - written == Counter()


def _check_labels(store: Store) -> None:
    with store.read() as tx:
        versions_of: dict[int, set[str]] = {}
        created: dict[int, list[object]] = {}
        for secret_id, version_id, moment in tx.connection.execute(
            select(versions.c.secret_id, versions.c.version_id, versions.c.created_at)
        ):
            versions_of.setdefault(secret_id, set()).add(version_id)
            created.setdefault(secret_id, []).append(moment)
        at: dict[int, dict[str, str]] = {}
        for secret_id, label, version_id in tx.connection.execute(select(labels)):
            at.setdefault(secret_id, {})[label] = version_id
    assert at.keys() == versions_of.keys()
    for secret_id, places in at.items():
        assert set(places.values()) <= versions_of[secret_id]
        assert CURRENT in places
        assert places[CURRENT] != places.get(PREVIOUS)
        assert len(set(created[secret_id])) == len(created[secret_id])


def _check_registers(store: Store, done: Sequence[Done]) -> None:
    """What stands at the end is the last write of some worker; what one alone writes is its last."""
    with store.read() as tx:
        for name in STEADY:
            row = tx.connection.execute(select(secrets).where(secrets.c.name == name)).one()
            at = dict(
                tx.connection.execute(
                    select(labels.c.label, labels.c.version_id).where(labels.c.secret_id == row.id)
                ).all()
            )
            tagged = dict(
                tx.connection.execute(
                    select(tags.c.key, tags.c.value).where(tags.c.secret_id == row.id)
                ).all()
            )
            for worker in done:
                last = _last(worker, row.arn)
                assert tagged.get(worker.name) == last.get("tag")
                assert at.get(worker.name) == last.get(worker.name)
            lasts = [_last(worker, row.arn) for worker in done]
            _among(at[CURRENT], [last.get(CURRENT) for last in lasts])
            _among(row.description, [last.get("description") for last in lasts])
            rules = [_last(worker, "").get(name) for worker in done]
            _among(row.schedule_expression, rules)


def _last(worker: Done, arn: str) -> dict[str, str | None]:
    return {write.what: write.to for write in worker.writes if write.arn == arn}


def _among(found: str | None, written: Sequence[str | None]) -> None:
    wanted = [text for text in written if text is not None]
    if wanted:
        assert found in wanted


def _check_values(store: Store, keyring: Path, writes: Iterable[Write]) -> None:
    """Each version that was put is there, unless its secret is gone, and opens."""
    manager = SecretsManager(store, Sealer(FileKeyProvider(keyring)))
    with store.read() as tx:
        there = set(tx.connection.execute(select(secrets.c.arn)).scalars())
    for write in writes:
        if write.event == "PutSecretValue" and write.arn in there:
            got = manager.get_secret_value(
                caller=ALICE, request_id="look", secret_id=write.arn, version_id=write.to
            )
            assert got.value.string


def _check_lives(store: Store, writes: Sequence[Write]) -> None:
    """Of the secrets that come and go those are there that were made and not removed."""
    made = {write.arn for write in writes if write.event == "CreateSecret"}
    gone = {write.arn for write in writes if write.event == "DeleteSecret"}
    with store.read() as tx:
        query = select(secrets.c.arn).where(secrets.c.name.in_(FLEETING))
        assert set(tx.connection.execute(query).scalars()) == made - gone
        orphans = select(func.count()).where(versions.c.secret_id.not_in(select(secrets.c.id)))
        assert tx.connection.execute(orphans).scalar_one() == 0

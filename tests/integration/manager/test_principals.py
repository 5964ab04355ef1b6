"""Principals and their access keys: made, used, taken away; and what becomes of rows that somebody altered."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Executable, delete, update

from rotator.access import sessions
from rotator.access.authentication import Authenticator
from rotator.access.credentials import Credentials, brought_along
from rotator.crypto.envelope import Sealer
from rotator.errors import (
    AuthenticationFailed,
    DecryptionFailure,
    ExpiredToken,
    InvalidParameter,
    InvalidRequest,
    InvalidSignature,
    LimitExceeded,
    MalformedPolicyDocument,
    ResourceExists,
    ResourceNotFound,
    RowAltered,
    UnrecognizedClient,
    ValidationError,
)
from rotator.manager.auditing import Auditing
from rotator.manager.manager import SecretsManager
from rotator.manager.principals import EVERYTHING
from rotator.model.caller import Caller, CallerKind, RotationRun
from rotator.store import tables
from rotator.store.audit_search import AuditFilter
from rotator.store.identity_review import Standing
from rotator.store.store import Store
from tests.support.manager import ACCOUNT, ME, REGION
from tests.support.signing import signed

NOW = datetime(2026, 3, 14, 15, 9, 26, tzinfo=UTC)
OTHER = "999999999999"
# Where the statements are no others on the other engine.
on_sqlite = pytest.mark.parametrize("store_engine", ["sqlite"])


@pytest.fixture
def door(store: Store, sealer: Sealer) -> Authenticator:
    return Authenticator(store, sealer, regions=frozenset({REGION, "us-east-1"}), now=lambda: NOW)


def knock(door: Authenticator, credentials: Credentials, **given: Any) -> Caller:
    """Who the door takes the holder of credentials for."""
    return door.authenticate(
        signed(
            credentials.access_key_id,
            credentials.secret_access_key,
            session_token=credentials.session_token,
            **{"at": NOW, "region": REGION, **given},
        )
    )


def made(manager: SecretsManager, name: str = "alice", **given: Any) -> Credentials:
    """A new principal's access key."""
    manager.create_principal(**ME, principal=name, **given)
    return manager.create_access_key(**ME, principal=name, account=given.get("account"))


def test_a_principal_is_known_by_its_key(manager: SecretsManager, door: Authenticator) -> None:
    """With its account and ARN, and where the request came from; the region is that of the signature."""
    credentials = made(manager, account=OTHER)

    caller = knock(door, credentials, region="us-east-1", headers={"User-Agent": "aws-cli/2"})

    assert (caller.kind, caller.name, caller.account, caller.region) == (
        CallerKind.PRINCIPAL,
        "alice",
        OTHER,
        "us-east-1",
    )
    assert caller.arn == f"arn:aws:iam::{OTHER}:user/alice"
    assert caller.context.access_key_id == credentials.access_key_id
    assert (caller.context.source_ip, caller.context.secure_transport) == ("192.0.2.7", True)
    assert caller.context.user_agent == "aws-cli/2"


@on_sqlite
@pytest.mark.parametrize(
    ("seen", "meant"),
    [("::ffff:192.0.2.7", "192.0.2.7"), ("2001:db8::7", "2001:db8::7"), ("::ffff:7", "::ffff:7")],
)
def test_an_address_is_the_client_s_own_whatever_socket_it_comes_by(
    manager: SecretsManager, door: Authenticator, seen: str, meant: str
) -> None:
    """A policy on `aws:SourceIp` 192.0.2.0/24 means whom it names, also where the API listens on `::` for both."""
    credentials = made(manager)
    request = signed(
        credentials.access_key_id, credentials.secret_access_key, at=NOW, region=REGION
    )

    caller = door.authenticate(replace(request, source_ip=seen))

    assert caller.context.source_ip == meant


@on_sqlite
def test_a_key_that_was_brought_along_is_as_good(
    manager: SecretsManager, door: Authenticator
) -> None:
    """Clients need not learn another one."""
    mine = brought_along("minio_admin_of_old", "correct-horse-battery-staple")
    manager.create_principal(**ME, principal="alice")
    manager.create_access_key(**ME, principal="alice", given=mine)

    assert knock(door, mine).name == "alice"
    with pytest.raises(ResourceExists, match="in use"):
        manager.create_access_key(**ME, principal="alice", given=mine)


@pytest.mark.parametrize(
    ("key_id", "secret"),
    [
        ("short", "correct-horse-battery"),
        ("with/a/slash/in/the/middle", "correct-horse-battery"),
        ("ASIA0123456789ABCDEF", "correct-horse-battery"),
        ("AKIA0123456789ABCDEF", "too-short"),
        ("AKIA0123456789ABCDEF", "with a space in the middle"),
        ("AKIA0123456789ABCDEF", "with-a-break-at-the-end\n"),
    ],
)
def test_what_can_be_no_key_is_refused(key_id: str, secret: str) -> None:
    """Where it could never sign a request, or would be taken for something else; the secret isn't quoted."""
    with pytest.raises(InvalidParameter) as refused:
        brought_along(key_id, secret)
    assert secret not in str(refused.value)


def test_a_disabled_principal_or_key_is_nobody(
    manager: SecretsManager, door: Authenticator
) -> None:
    """At once, as one that was deleted; and known again as soon as it is enabled."""
    credentials = made(manager)
    key = credentials.access_key_id
    assert knock(door, credentials).name == "alice"
    for keep_out, let_in in (
        (
            lambda: manager.set_principal_status(**ME, principal="alice", disabled=True),
            lambda: manager.set_principal_status(**ME, principal="alice", disabled=False),
        ),
        (
            lambda: manager.set_access_key_status(**ME, access_key_id=key, disabled=True),
            lambda: manager.set_access_key_status(**ME, access_key_id=key, disabled=False),
        ),
    ):
        keep_out()
        with pytest.raises(UnrecognizedClient) as refused:
            knock(door, credentials)
        assert str(refused.value) == "The security token included in the request is invalid."
        let_in()
        assert knock(door, credentials).name == "alice"
    manager.delete_access_key(**ME, access_key_id=key)

    with pytest.raises(UnrecognizedClient):
        knock(door, credentials)
    assert manager.list_access_keys(**ME, principal="alice") == []


@on_sqlite
def test_the_wrong_secret_is_no_signature(manager: SecretsManager, door: Authenticator) -> None:
    """Whoever knows an access key id alone is nobody."""
    credentials = made(manager)

    with pytest.raises(InvalidSignature):
        knock(
            door, Credentials(access_key_id=credentials.access_key_id, secret_access_key="x" * 40)
        )


@on_sqlite
def test_a_key_id_that_is_given_anew_has_its_new_secret_alone(
    manager: SecretsManager, door: Authenticator
) -> None:
    """What was remembered of the old secret is not used for the new one."""
    manager.create_principal(**ME, principal="alice")
    old = brought_along("the_same_key_id_twice", "correct-horse-battery-staple")
    new = brought_along("the_same_key_id_twice", "incorrect-horse-battery-staple")
    manager.create_access_key(**ME, principal="alice", given=old)
    knock(door, old)
    manager.delete_access_key(**ME, access_key_id=old.access_key_id)
    manager.create_access_key(**ME, principal="alice", given=new)

    assert knock(door, new).name == "alice"
    with pytest.raises(InvalidSignature):
        knock(door, old)


@on_sqlite
def test_temporary_credentials_end_with_their_principal(
    manager: SecretsManager, door: Authenticator, sealer: Sealer
) -> None:
    """Their token has no row; a principal that was disabled, or deleted and made anew, isn't let in by it."""
    found = manager.create_principal(**ME, principal="alice")
    session = sessions.issue(sealer, found.unique_id, expires=NOW + timedelta(hours=1))
    assert knock(door, session).arn == found.arn
    manager.set_principal_status(**ME, principal="alice", disabled=True)
    with pytest.raises(UnrecognizedClient):
        knock(door, session)
    manager.delete_principal(**ME, principal="alice")
    manager.create_principal(**ME, principal="alice")

    with pytest.raises(UnrecognizedClient):
        knock(door, session)


@on_sqlite
def test_temporary_credentials_expire(
    manager: SecretsManager, door: Authenticator, sealer: Sealer
) -> None:
    """At their moment, also where they were used before."""
    found = manager.create_principal(**ME, principal="alice")

    with pytest.raises(ExpiredToken) as refused:
        knock(door, sessions.issue(sealer, found.unique_id, expires=NOW))
    assert (refused.value.code, refused.value.query_code) == (
        "ExpiredTokenException",
        "ExpiredToken",
    )


@on_sqlite
def test_credentials_of_a_run_say_what_they_are_for(door: Authenticator, sealer: Sealer) -> None:
    """Secret, admin secret, token and fencing number come out as they went in."""
    run = RotationRun(
        secret_arn=f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:db-AbCdEf",
        admin_arn=None,
        rotation_id="0" * 32,
        token="1" * 32,
        fencing=7,
    )

    caller = knock(door, sessions.issue(sealer, run, expires=NOW + timedelta(hours=1)))

    assert (caller.kind, caller.account, caller.run) == (CallerKind.FUNCTION, ACCOUNT, run)


@on_sqlite
def test_a_made_up_token_is_nobody_s(door: Authenticator) -> None:
    """Whatever it is, and for whatever access key id."""
    for token in ("-", "x", "YQ==.YQ==.YQ==.YQ==", "a.b.c.d.e", "\u00e9"):
        forged = Credentials(
            access_key_id="ASIA0123456789ABCDEF", secret_access_key="x" * 40, session_token=token
        )
        with pytest.raises(AuthenticationFailed):
            knock(door, forged)


@on_sqlite
def test_a_token_is_of_its_own_key_alone(door: Authenticator, sealer: Sealer) -> None:
    """Someone else's token doesn't make one's own key more."""
    mine, theirs = (
        sessions.issue(sealer, "AIDAXXXXXXXXXXXXXXXX", expires=NOW + timedelta(hours=1))
        for _ in range(2)
    )

    with pytest.raises(UnrecognizedClient):
        knock(
            door,
            Credentials(
                access_key_id=mine.access_key_id,
                secret_access_key=mine.secret_access_key,
                session_token=theirs.session_token,
            ),
        )


def test_groups_and_policies_are_kept(manager: SecretsManager) -> None:
    """As they were given; a group that is deleted takes its policies along."""
    manager.create_principal(**ME, principal="readers", group=True, policies={"all": EVERYTHING})
    manager.create_principal(**ME, principal="alice")
    manager.set_group_membership(**ME, principal="alice", group="readers", member=True)
    alice = manager.put_principal_policy(
        **ME, principal="alice", policy_name="own", document=EVERYTHING
    )
    assert (alice.groups, alice.policies) == (("readers",), {"own": EVERYTHING})

    manager.delete_principal(**ME, principal="readers", group=True)

    [alice] = manager.list_principals(**ME)
    assert alice.groups == ()
    assert (
        manager.delete_principal_policy(**ME, principal="alice", policy_name="own").policies == {}
    )


@on_sqlite
def test_what_is_wrong_is_refused(manager: SecretsManager) -> None:
    """Names, documents, what isn't there, what is there already, and more than there may be."""
    manager.create_principal(**ME, principal="alice")
    with pytest.raises(ResourceExists):
        manager.create_principal(**ME, principal="alice")
    for name in ("", "a b", "x" * 65, "a/b"):
        with pytest.raises(ValidationError):
            manager.create_principal(**ME, principal=name)
    with pytest.raises(ValidationError, match="twelve digits"):
        manager.create_principal(**ME, principal="bob", account="1")
    with pytest.raises(ResourceNotFound, match="rotate principal list"):
        manager.create_access_key(**ME, principal="bob")
    on_resource = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"},
        }
    )
    with pytest.raises(
        MalformedPolicyDocument, match=r"^This policy contains .* names no principals"
    ):
        manager.put_principal_policy(**ME, principal="alice", policy_name="p", document=on_resource)
    for number in range(20):
        manager.put_principal_policy(
            **ME, principal="alice", policy_name=f"p{number}", document=EVERYTHING
        )
    too_many = {f"p{number}": EVERYTHING for number in range(21)}
    with pytest.raises(LimitExceeded):
        manager.create_principal(**ME, principal="bob", policies=too_many)
    with pytest.raises(LimitExceeded):
        manager.put_principal_policy(
            **ME, principal="alice", policy_name="p20", document=EVERYTHING
        )


@on_sqlite
def test_the_day_of_a_key_s_last_use_is_noted(manager: SecretsManager, door: Authenticator) -> None:
    """So that one sees which keys nobody needs."""
    credentials = made(manager)
    [before] = manager.list_access_keys(**ME, principal="alice")

    knock(door, credentials)

    [after] = manager.list_access_keys(**ME, principal="alice")
    assert (before.used_on, after.used_on) == (None, datetime(2026, 3, 14, tzinfo=UTC))


@on_sqlite
def test_a_secret_access_key_is_nowhere_in_the_clear(manager: SecretsManager, store: Store) -> None:
    """Not in its row, and not in the audit."""
    credentials = made(manager)

    with store.read() as tx:
        said = [
            str(row)
            for table in (tables.access_keys, tables.audit)
            for row in tx.connection.execute(table.select())
        ]

    assert credentials.secret_access_key not in " ".join(said)


# What somebody may do who can write the store but has no key of it.
TAMPERINGS = {
    "another's policy": update(tables.principals)
    .where(tables.principals.c.name == "mallory")
    .values(policies={"all": EVERYTHING}),
    "another's group": update(tables.principals)
    .where(tables.principals.c.name == "mallory")
    .values(groups=["admins"]),
    "enabled again": update(tables.principals).values(disabled=False),
    "a key enabled again": update(tables.access_keys).values(disabled=False),
    "a key moved": update(tables.access_keys).values(principal_id=1),
    "a principal renamed": update(tables.principals)
    .where(tables.principals.c.name == "mallory")
    .values(name="eve"),
    "a principal removed": delete(tables.principals).where(tables.principals.c.name == "carl"),
    "the state removed": delete(tables.access_state),
    "the revision raised": update(tables.access_state).values(revision=99),
    "the code altered": update(tables.access_state).values(mac=b"x" * 32),
    "what is no JSON": update(tables.principals)
    .where(tables.principals.c.name == "mallory")
    .values(policies="x"),
}


@contextmanager
def tampered(store: Store, statement: Executable) -> Iterator[None]:
    """Rows as the statement makes them, then as they were; seen as by a process that has just begun."""
    watched = (tables.principals, tables.access_keys, tables.access_state)
    with store.read() as tx:
        rows = [
            (table, tx.connection.execute(table.select()).mappings().all()) for table in watched
        ]
    with store.write() as tx:
        tx.connection.execute(statement)
        tx.memory.identities = None
    yield
    with store.write() as tx:
        for table in reversed(watched):
            tx.connection.execute(table.delete())
        for table, kept in rows:
            tx.connection.execute(table.insert(), [dict(row) for row in kept])


def test_altered_rows_let_nobody_in(
    manager: SecretsManager, store: Store, door: Authenticator
) -> None:
    """Whoever can write the store gives no rights by it: all are kept out until the rows are right again."""
    manager.create_principal(**ME, principal="admins", group=True, policies={"all": EVERYTHING})
    credentials = made(manager, "mallory")
    disabled = made(manager, "bob").access_key_id
    manager.create_principal(**ME, principal="carl")
    manager.set_principal_status(**ME, principal="bob", disabled=True)
    manager.set_access_key_status(**ME, access_key_id=disabled, disabled=True)
    for what, statement in TAMPERINGS.items():
        with tampered(store, statement):
            with pytest.raises(RowAltered, match="nobody is let in"):
                pytest.fail(f"{what}: {knock(door, credentials)}")
            with pytest.raises(RowAltered):
                manager.create_principal(**ME, principal="carol")
        assert knock(door, credentials).name == "mallory"


def test_a_change_vouches_for_no_row_that_was_altered_meanwhile(
    manager: SecretsManager, store: Store, door: Authenticator
) -> None:
    """A process that has read them before looks at them again before it says that what it leaves is right."""
    credentials = made(manager, "mallory")
    assert knock(door, credentials).name == "mallory"
    with store.write() as tx:
        tx.connection.execute(update(tables.principals).values(policies={"all": EVERYTHING}))

    with pytest.raises(RowAltered, match="nobody is let in"):
        manager.create_principal(**ME, principal="carol")

    assert not manager.review_principals(**ME).right


def alter(store: Store, *statements: Executable) -> None:
    """Does to the rows what somebody with the database alone can do."""
    with store.write() as tx:
        for statement in statements:
            tx.connection.execute(statement)
        tx.memory.identities = None


def test_altered_rows_count_again_once_somebody_has_seen_them(
    manager: SecretsManager, store: Store, door: Authenticator
) -> None:
    """A review says which rows no record accounts for; a repair accepts what was shown, without the rows named."""
    mine, bobs = made(manager), made(manager, "bob")
    manager.create_principal(**ME, principal="gone")
    people = tables.principals
    stranger = {
        "account": ACCOUNT,
        "kind": "user",
        "name": "eve",
        "unique_id": "AIDAEVE",
        "disabled": False,
        "created_at": NOW,
        "groups": [],
        "policies": {"all": EVERYTHING},
    }
    alter(
        store,
        update(people).where(people.c.name == "bob").values(policies={"all": EVERYTHING}),
        delete(people).where(people.c.name == "gone"),
        people.insert().values(stranger),
    )
    review = manager.review_principals(**ME)
    arn = f"arn:aws:iam::{ACCOUNT}:user/"
    standings = {row.name: row.standing for row in review.rows}
    assert not review.right
    assert standings == {
        f"{arn}alice": Standing.AS_RECORDED,
        f"{arn}bob": Standing.ALTERED,
        f"{arn}eve": Standing.ADDED,
        f"{arn}gone": Standing.REMOVED,
        mine.access_key_id: Standing.AS_RECORDED,
        bobs.access_key_id: Standing.AS_RECORDED,
    }
    bob = next(row for row in review.rows if row.name == f"{arn}bob")
    assert bob.says["policies"] == {"all": EVERYTHING}
    for code in ("", "0" * 16):
        with pytest.raises(InvalidRequest, match="not those that this code was shown with"):
            manager.repair_principals(**ME, code=code)
    with pytest.raises(ResourceNotFound):
        manager.repair_principals(**ME, code=review.code, without=[f"{arn}nobody"])
    with pytest.raises(RowAltered):
        knock(door, mine)

    done = manager.repair_principals(**ME, code=review.code, without=[f"{arn}eve"])

    assert done.right
    assert {knock(door, each).name for each in (mine, bobs)} == {"alice", "bob"}
    assert [each.name for each in manager.list_principals(**ME)] == ["alice", "bob"]
    assert Auditing(store).verify(**ME).faults == ()
    assert {row.standing for row in manager.review_principals(**ME).rows} == {Standing.AS_RECORDED}
    *_, record = Auditing(store).export(**ME, where=AuditFilter(event="RepairPrincipals"))
    assert record.detail is not None
    assert record.detail["accepted"] == {
        f"{arn}bob": "altered",
        f"{arn}eve": "added",
        f"{arn}gone": "removed",
    }
    manager.create_principal(**ME, principal="carol")
    assert Auditing(store).verify(**ME).faults == ()


def test_no_row_is_hidden_behind_another_of_its_name(manager: SecretsManager, store: Store) -> None:
    """An access key whose id is the ARN of a principal would be shown in its place: then nothing is shown."""
    key = made(manager).access_key_id
    code = manager.review_principals(**ME).code
    keys = tables.access_keys
    alter(
        store,
        update(tables.principals).values(policies={"all": EVERYTHING}),
        update(keys)
        .where(keys.c.access_key_id == key)
        .values(access_key_id=f"arn:aws:iam::{ACCOUNT}:user/alice"),
    )

    with pytest.raises(RowAltered, match="can't even be shown"):
        manager.review_principals(**ME)
    with pytest.raises(RowAltered, match="can't even be shown"):
        manager.repair_principals(**ME, code=code)


def test_what_was_shown_is_all_that_is_accepted(manager: SecretsManager, store: Store) -> None:
    """Rows that change between the look and the repair are refused, and where nothing is wrong there is no repair."""
    made(manager)
    right = manager.review_principals(**ME)
    assert right.right
    with pytest.raises(InvalidRequest, match="nothing is to be repaired"):
        manager.repair_principals(**ME, code=right.code)
    alter(store, update(tables.principals).values(policies={"a": EVERYTHING}))
    shown = manager.review_principals(**ME)
    alter(store, update(tables.principals).values(policies={"b": EVERYTHING}))
    with pytest.raises(InvalidRequest, match="rotate principal review"):
        manager.repair_principals(**ME, code=shown.code)


def test_records_that_somebody_made_up_account_for_nothing(
    manager: SecretsManager, store: Store
) -> None:
    """A record without its code says nothing, so rows that were put in along with one are still told apart."""
    made(manager)
    audit = tables.audit
    alter(store, update(tables.principals).values(policies={"a": EVERYTHING}))
    digest = {"revision": 2, "mac": "00", "rows": {f"arn:aws:iam::{ACCOUNT}:user/alice": "x"}}
    alter(
        store,
        update(audit).where(audit.c.event == "CreateAccessKey").values(detail={"access": digest}),
    )
    standings = [row.standing for row in manager.review_principals(**ME).rows]
    assert standings == [Standing.ALTERED, Standing.ADDED]


@on_sqlite
def test_a_secret_moved_to_another_key_lets_nobody_in(
    manager: SecretsManager, store: Store, door: Authenticator
) -> None:
    """A sealed secret opens for its own access key id alone, however it is wrapped."""
    credentials = made(manager)
    other = made(manager, "bob")
    keys = tables.access_keys
    with store.write() as tx:
        row = tx.connection.execute(
            keys.select().where(keys.c.access_key_id == other.access_key_id)
        ).one()
        mine = keys.c.access_key_id == credentials.access_key_id
        moved = {"wrapped_key": row.wrapped_key}
        tx.connection.execute(update(keys).where(mine).values(moved))
        tx.memory.identities = None

    with pytest.raises(DecryptionFailure, match="can't be opened"):
        knock(door, credentials)


def test_access_keys_move_to_the_sealing_key_of_today(
    manager: SecretsManager, store: Store, sealer: Sealer, door: Authenticator
) -> None:
    """A rewrap takes them along, so that the old sealing key can be disabled."""
    credentials = made(manager)
    [old] = manager.list_keys(**ME)
    manager.rotate_key(**ME)

    done = manager.rewrap_keys(**ME)

    assert (done.moved, done.stuck) == (1, 0)
    manager.disable_key(**ME, key=old.key_id)
    anew = Authenticator(store, sealer, regions=frozenset({REGION}), now=lambda: NOW)
    assert knock(anew, credentials).name == "alice"
    assert knock(door, credentials).name == "alice"


@pytest.mark.parametrize("pruned", [False, True])
def test_an_earlier_state_that_is_put_back_is_found(
    manager: SecretsManager, store: Store, pruned: bool
) -> None:
    """Rows that were authentic once let in who was let in then, and `rotate audit verify` tells, however much of the
    audit was pruned.
    """
    watched = (tables.principals, tables.access_keys, tables.access_state)
    made(manager)
    auditing = Auditing(store)
    assert auditing.verify(**ME).faults == ()
    with store.read() as tx:
        rows = [
            (table, tx.connection.execute(table.select()).mappings().all()) for table in watched
        ]
    manager.set_principal_status(**ME, principal="alice", disabled=True)
    if pruned:
        auditing.prune(**ME, before=datetime.now(UTC) + timedelta(days=1))
    assert auditing.verify(**ME).faults == ()
    with store.write() as tx:
        for table in reversed(watched):
            tx.connection.execute(table.delete())
        for table, kept in rows:
            tx.connection.execute(table.insert(), [dict(row) for row in kept])

    [fault] = auditing.verify(**ME).faults

    assert fault.chain == "principals"
    assert "the last recorded change left 3" in fault.meaning


def test_a_review_goes_by_what_a_pruning_has_restated(
    manager: SecretsManager, store: Store
) -> None:
    """Rows are told apart as before, also those that a record named which is gone, and what came after it."""
    kept, other = made(manager), made(manager, "bob")
    manager.create_principal(**ME, principal="gone")
    manager.delete_principal(**ME, principal="gone")
    auditing = Auditing(store)
    auditing.prune(**ME, before=datetime.now(UTC) + timedelta(days=1))
    manager.create_principal(**ME, principal="carol")
    auditing.prune(**ME, before=datetime.now(UTC) + timedelta(days=1))
    manager.create_principal(**ME, principal="dave")
    assert manager.review_principals(**ME).right
    people = tables.principals
    alter(
        store,
        update(people).where(people.c.name == "bob").values(policies={"all": EVERYTHING}),
        update(people).where(people.c.name == "dave").values(name="eve"),
        delete(people).where(people.c.name == "carol"),
    )

    review = manager.review_principals(**ME)

    arn = f"arn:aws:iam::{ACCOUNT}:user/"
    assert not review.right
    assert {row.name: row.standing for row in review.rows} == {
        f"{arn}alice": Standing.AS_RECORDED,
        f"{arn}bob": Standing.ALTERED,
        f"{arn}carol": Standing.REMOVED,
        f"{arn}dave": Standing.REMOVED,
        f"{arn}eve": Standing.ADDED,
        kept.access_key_id: Standing.AS_RECORDED,
        other.access_key_id: Standing.AS_RECORDED,
    }
    assert [fault.chain for fault in auditing.verify(**ME).faults] == ["principals"]

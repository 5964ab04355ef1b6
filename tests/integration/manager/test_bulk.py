"""Many secrets at once: what an import asks of the manager."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from rotator.errors import InvalidRequest
from rotator.manager.bulk import Standing
from rotator.manager.manager import SecretsManager
from rotator.manager.portable import PortableSecret, PortableVersion
from rotator.sdk import SecretValue
from rotator.store.store import Store
from rotator.store.tables import audit, versions
from tests.support.manager import ME, row_id, token, value


def secret(name: str, text: str | None = "v1", **about: Any) -> PortableSecret:
    held = () if text is None else (PortableVersion(value=value(text)),)
    return PortableSecret(name=name, versions=held, **about)


def standings(manager: SecretsManager, wanted: Sequence[PortableSecret]) -> list[Standing]:
    return [found.standing for found in manager.compare_secrets(**ME, wanted=wanted)]


def events(store: Store) -> list[tuple[str, str | None]]:
    with store.read() as tx:
        rows = tx.connection.execute(select(audit.c.event, audit.c.secret_arn).order_by(audit.c.at))
        return [(row.event, row.secret_arn) for row in rows]


def test_secrets_are_as_if_made_one_by_one(manager: SecretsManager) -> None:
    """A secret that was imported describes and reads itself as one that CreateSecret made."""
    about: dict[str, Any] = {"description": "the first", "tags": {"team": "payments"}}
    manager.create_secrets(**ME, wanted=[secret("bulk", **about), secret("other")])
    manager.create_secret(**ME, name="single", value=value("v1"), **about)

    bulk, single = (manager.describe_secret(**ME, secret_id=name) for name in ("bulk", "single"))
    assert (bulk.description, bulk.tags) == (single.description, single.tags)
    assert list(bulk.versions.values()) == list(single.versions.values()) == [("AWSCURRENT",)]
    assert manager.get_secret_value(**ME, secret_id="bulk").value == value("v1")
    manager.put_secret_value(**ME, secret_id="bulk", value=value("v2"))
    assert manager.get_secret_value(**ME, secret_id="bulk").value == value("v2")


def test_versions_and_labels_come_along(manager: SecretsManager) -> None:
    """Every version keeps its id, its place in time and its labels; one without labels is there too."""
    wanted = PortableSecret(
        name="db",
        versions=(
            PortableVersion(value=value("v1"), version_id=token(1), stages=()),
            PortableVersion(value=value("v2"), version_id=token(2), stages=("AWSPREVIOUS",)),
            PortableVersion(
                value=SecretValue(binary=b"\0\1"),
                version_id=token(3),
                stages=("AWSCURRENT", "blue"),
            ),
        ),
    )
    manager.create_secrets(**ME, wanted=[wanted])

    listed = manager.list_secret_version_ids(**ME, secret_id="db", include_deprecated=True).versions
    assert [version.version_id for version in listed] == [token(1), token(2), token(3)]
    assert [version.stages for version in listed] == [(), ("AWSPREVIOUS",), ("AWSCURRENT", "blue")]
    assert len({version.created_at for version in listed}) == 3
    assert manager.get_secret_value(**ME, secret_id="db").value == SecretValue(binary=b"\0\1")
    assert manager.get_secret_value(**ME, secret_id="db", version_id=token(1)).value == value("v1")


def test_repeating_changes_nothing(manager: SecretsManager) -> None:
    """What is there already, the same, is found to be so; the rest is made."""
    first = [secret("a"), secret("b", None), secret("c", tags={"k": "v"})]
    manager.create_secrets(**ME, wanted=first)
    before = [manager.describe_secret(**ME, secret_id=name) for name in "abc"]

    found = manager.create_secrets(**ME, wanted=[*first, secret("d")])

    assert [at.standing for at in found] == [Standing.SAME] * 3 + [Standing.ABSENT]
    assert standings(manager, [secret("d")]) == [Standing.SAME]
    assert [manager.describe_secret(**ME, secret_id=name) for name in "abc"] == before


@pytest.mark.parametrize(
    ("wanted", "differs"),
    [
        (secret("db", "v2"), ("value",)),
        (secret("db", description="another"), ("description",)),
        (secret("db", description=""), ("description",)),
        (secret("db", tags={"team": "b"}), ("tags",)),
        (secret("db", "v2", description="x", tags={"new": "t"}), ("value", "description", "tags")),
        (secret("db"), ()),
        (secret("db", None), ()),
        (secret("db", tags={"team": "a"}), ()),
        (secret("db", kms_key_id="alias/aws/secretsmanager"), ()),
    ],
)
def test_another_secret_of_the_name_stays_as_it_is(
    manager: SecretsManager, wanted: PortableSecret, differs: tuple[str, ...]
) -> None:
    """It is told in what it differs; what isn't said of a secret doesn't count."""
    manager.create_secrets(
        **ME, wanted=[secret("db", description="first", tags={"team": "a", "other": "x"})]
    )
    before = manager.describe_secret(**ME, secret_id="db")

    [found] = manager.create_secrets(**ME, wanted=[wanted])

    assert found.differs == differs
    assert found.standing is (Standing.OTHER if differs else Standing.SAME)
    assert manager.describe_secret(**ME, secret_id="db") == before


def test_a_name_in_its_recovery_window_is_taken(manager: SecretsManager) -> None:
    """A secret that is marked for deletion is neither replaced nor compared."""
    manager.create_secrets(**ME, wanted=[secret("db")])
    manager.delete_secret(**ME, secret_id="db")

    assert standings(manager, [secret("db")]) == [Standing.DELETED]
    [found] = manager.create_secrets(**ME, wanted=[secret("db")])
    assert found.standing is Standing.DELETED


def test_a_value_that_can_not_be_opened_is_another_one(
    manager: SecretsManager, store: Store
) -> None:
    """An altered row ends no import: it counts as another value, which an update may replace."""
    manager.create_secrets(**ME, wanted=[secret("db"), secret("ok")])
    with store.write() as tx:
        tx.connection.execute(
            update(versions)
            .where(versions.c.ciphertext.is_not(None))
            .where(versions.c.secret_id == row_id(tx, "db"))
            .values(ciphertext=b"x" * 40)
        )
    assert standings(manager, [secret("db"), secret("ok")]) == [Standing.OTHER, Standing.SAME]


def test_one_that_is_out_of_its_limits_keeps_all_back(manager: SecretsManager) -> None:
    """All of them are checked before the first is made."""
    with pytest.raises(InvalidRequest):
        manager.create_secrets(**ME, wanted=[secret("a"), secret("b", "")])
    assert manager.list_secrets(**ME).secrets == ()


def test_a_name_that_comes_twice_is_refused(manager: SecretsManager) -> None:
    """Neither of the two is made; which one was meant nobody knows."""
    with pytest.raises(IntegrityError):
        manager.create_secrets(**ME, wanted=[secret("a"), secret("b"), secret("a", "v2")])
    assert manager.list_secrets(**ME).secrets == ()


def test_every_secret_leaves_its_record(manager: SecretsManager, store: Store) -> None:
    """A record for each that was made, one for each whose value was compared; absent ones leave none."""
    manager.create_secrets(**ME, wanted=[secret("a"), secret("b")])
    arns = {name: manager.describe_secret(**ME, secret_id=name).arn for name in "ab"}
    made = [arn for event, arn in events(store) if event == "CreateSecret"]
    assert sorted(filter(None, made)) == sorted(arns.values())
    assert not [arn for event, arn in events(store) if event == "GetSecretValue"]

    manager.compare_secrets(**ME, wanted=[secret("a", "guess"), secret("absent")])
    compared = [arn for event, arn in events(store) if event == "GetSecretValue"]
    assert compared == [arns["a"]]
    assert manager.describe_secret(**ME, secret_id="a").accessed_on is None


def test_many_importers_of_the_same_secrets(manager: SecretsManager) -> None:
    """They make each secret once between them, in whatever order they come, and none of them fails."""
    wanted = [secret(f"s{number}") for number in range(60)]

    def run(step: int) -> int:
        mine = wanted if step % 2 else wanted[::-1]
        found = manager.create_secrets(**ME, wanted=mine)
        return sum(at.standing is Standing.ABSENT for at in found)

    with ThreadPoolExecutor(max_workers=4) as pool:
        made = list(pool.map(run, range(8)))

    assert sum(made) == len(wanted)
    assert set(standings(manager, wanted)) == {Standing.SAME}

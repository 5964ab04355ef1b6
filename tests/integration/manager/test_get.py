"""GetSecretValue: which version, and what is refused."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, update

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.errors import (
    DecryptionFailure,
    InvalidRequest,
    KeyUnavailable,
    ResourceNotFound,
    ValidationError,
)
from rotator.manager.manager import SecretsManager
from rotator.model.rotation import MachineState
from rotator.store import secrets, values
from rotator.store.store import Store
from rotator.store.tables import audit
from rotator.store.tables import versions as version_table
from tests.support.manager import ME, POLICY, begin_rotation, row_id, token, value


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))
    manager.put_secret_value(**ME, secret_id="db", value=value("v2"), client_request_token=token(2))


@pytest.mark.parametrize(
    ("version_id", "stage", "expected"),
    [
        (None, None, 2),
        (None, "AWSCURRENT", 2),
        (None, "AWSPREVIOUS", 1),
        (token(1), None, 1),
        (token(1), "AWSPREVIOUS", 1),
    ],
)
def test_a_version_is_named_by_id_label_or_both(
    manager: SecretsManager, version_id: str | None, stage: str | None, expected: int
) -> None:
    """AWSCURRENT where neither is given; the answer carries the version's id, labels and creation time."""
    read = manager.get_secret_value(
        **ME, secret_id="db", version_id=version_id, version_stage=stage
    )

    assert (read.value, read.version_id) == (value(f"v{expected}"), token(expected))
    assert read.stages == (("AWSPREVIOUS",) if expected == 1 else ("AWSCURRENT",))
    page = manager.list_secret_version_ids(**ME, secret_id="db")
    assert read.created_at == page.versions[expected - 1].created_at


@pytest.mark.parametrize(
    ("request_", "text"),
    [
        ({"secret_id": "missing"}, "Secrets Manager can't find the specified secret."),
        ({"secret_id": "arn:strange"}, "Secrets Manager can't find the specified secret."),
        (
            {"secret_id": "db", "version_stage": "blue"},
            "Secrets Manager can't find the specified secret value for staging label: blue",
        ),
        (
            {"secret_id": "db", "version_id": token(9)},
            f"Secrets Manager can't find the specified secret value for VersionId: {token(9)}",
        ),
        (
            {"secret_id": "db", "version_id": token(9), "version_stage": "AWSPENDING"},
            f"Secrets Manager can't find the specified secret value for VersionId: {token(9)}",
        ),
    ],
)
def test_what_is_not_there_is_not_found(
    manager: SecretsManager, request_: dict[str, str], text: str
) -> None:
    """No such secret, label or version, in the recorded words."""
    with pytest.raises(ResourceNotFound) as missing:
        manager.get_secret_value(**ME, **request_)  # type: ignore[arg-type]

    assert str(missing.value) == text


def test_a_label_of_another_version_is_refused(manager: SecretsManager) -> None:
    """A version and a label that don't belong together are an invalid request."""
    with pytest.raises(InvalidRequest) as refused:
        manager.get_secret_value(
            **ME, secret_id="db", version_id=token(1), version_stage="AWSCURRENT"
        )

    assert str(refused.value) == (
        "You provided a VersionStage that is not associated to the provided VersionId."
    )


def test_a_prepared_version_without_a_value_is_not_found(
    manager: SecretsManager, store: Store
) -> None:
    """The empty AWSPENDING version of a rotation is ResourceNotFound: rotation functions rely on that."""
    begin_rotation(store, "db", token=token(3), state=MachineState())

    with pytest.raises(ResourceNotFound):
        manager.get_secret_value(
            **ME, secret_id="db", version_id=token(3), version_stage="AWSPENDING"
        )
    with pytest.raises(ResourceNotFound):
        manager.get_secret_value(**ME, secret_id="db", version_stage="AWSPENDING")


def test_a_deleted_secret_is_not_read(manager: SecretsManager) -> None:
    """A secret that is marked for deletion refuses."""
    manager.delete_secret(**ME, secret_id="db")

    with pytest.raises(InvalidRequest, match="because it was marked for deletion"):
        manager.get_secret_value(**ME, secret_id="db")


def test_a_bad_name_is_malformed(manager: SecretsManager) -> None:
    """A SecretId that can't be a name is refused as such."""
    with pytest.raises(ValidationError, match="Invalid name"):
        manager.get_secret_value(**ME, secret_id="no spaces")


class TestIdentifiers:
    """How a SecretId finds its secret."""

    def test_by_arn_with_and_without_the_six_characters(self, manager: SecretsManager) -> None:
        """A full and a partial ARN find the secret."""
        arn = manager.describe_secret(**ME, secret_id="db").arn

        for secret_id in (arn, arn[:-7]):
            assert manager.get_secret_value(**ME, secret_id=secret_id).arn == arn

    def test_a_partial_arn_that_looks_complete_finds_nothing(self, manager: SecretsManager) -> None:
        """Where the name itself ends in a hyphen and six characters, only the full ARN will do."""
        made = manager.create_secret(**ME, name="app-backup", value=value("v1"))

        with pytest.raises(ResourceNotFound):
            manager.get_secret_value(**ME, secret_id=made.arn[:-7])
        assert manager.get_secret_value(**ME, secret_id=made.arn).name == "app-backup"
        assert manager.get_secret_value(**ME, secret_id="app-backup").name == "app-backup"


class TestLastAccess:
    """LastAccessedDate."""

    def test_it_is_absent_until_the_first_read(self, manager: SecretsManager) -> None:
        """Describing is no read of the value."""
        assert manager.describe_secret(**ME, secret_id="db").accessed_on is None

    def test_it_is_midnight_of_the_day_of_the_read(self, manager: SecretsManager) -> None:
        """Secret and version note the day."""
        manager.get_secret_value(**ME, secret_id="db")

        seen = manager.describe_secret(**ME, secret_id="db").accessed_on
        assert seen is not None
        assert (seen.tzinfo, seen.time()) == (UTC, datetime.min.time())
        page = manager.list_secret_version_ids(**ME, secret_id="db")
        assert [entry.accessed_on for entry in page.versions] == [None, seen]


class TestTampering:
    """A row that was altered or moved is detected and named."""

    def test_two_swapped_values_are_detected(self, manager: SecretsManager, store: Store) -> None:
        """Swapping the sealed columns of two versions makes neither readable, and the error names which."""
        sealed = ("key_id", "wrapped_key", "nonce", "ciphertext", "binary")
        columns = [version_table.c[name] for name in sealed]
        with store.write() as tx:
            ours = version_table.c.secret_id == row_id(tx, "db")
            rows = {
                number: dict(
                    tx.connection.execute(
                        select(*columns).where(ours, version_table.c.version_id == token(number))
                    )
                    .mappings()
                    .one()
                )
                for number in (1, 2)
            }
            for number in (1, 2):
                tx.connection.execute(
                    update(version_table)
                    .where(ours, version_table.c.version_id == token(number))
                    .values(**rows[3 - number])
                )
        arn = manager.describe_secret(**ME, secret_id="db").arn

        for number in (1, 2):
            with pytest.raises(DecryptionFailure) as detected:
                manager.get_secret_value(**ME, secret_id="db", version_id=token(number))
            assert arn in str(detected.value)
            assert token(number) in str(detected.value)

    def test_a_value_moved_to_another_secret_is_detected(
        self, manager: SecretsManager, store: Store
    ) -> None:
        """A version row that is moved to another secret doesn't open there."""
        manager.create_secret(**ME, name="other", value=value("o"), client_request_token=token(5))
        with store.write() as tx:
            tx.connection.execute(
                update(version_table)
                .where(version_table.c.version_id == token(2))
                .values(secret_id=row_id(tx, "other"))
            )

        with pytest.raises(DecryptionFailure, match=token(2)):
            manager.get_secret_value(**ME, secret_id="other", version_id=token(2))

    def test_a_failed_read_is_on_record(self, manager: SecretsManager, store: Store) -> None:
        """An altered row leaves an audit record of the failure."""
        with store.write() as tx:
            tx.connection.execute(update(version_table).values(nonce=b"\0" * 12))

        with pytest.raises(DecryptionFailure):
            manager.get_secret_value(**ME, secret_id="db")

        with store.read() as tx:
            last = tx.connection.execute(
                select(audit).order_by(audit.c.at.desc(), audit.c.seq.desc()).limit(1)
            ).one()
        assert (last.event, last.outcome, last.version_id) == (
            "GetSecretValue",
            "failed",
            token(2),
        )

    def test_another_keyring_opens_nothing(
        self, store: Store, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        """A manager with the wrong keyring refuses, and nothing is harmed."""
        path = tmp_path_factory.mktemp("other") / "keyring.json"
        create_keyring(path)
        other = SecretsManager(store, Sealer(FileKeyProvider(path)))

        with pytest.raises(KeyUnavailable):
            other.get_secret_value(**ME, secret_id="db")


def test_no_value_shows_in_a_result_or_an_error(manager: SecretsManager) -> None:
    """What an answer prints like never carries the plaintext."""
    manager.put_secret_value(**ME, secret_id="db", value=value("hunter2-plaintext"))

    assert "hunter2-plaintext" not in repr(manager.get_secret_value(**ME, secret_id="db"))


def test_a_name_finds_the_row_that_the_arn_finds(manager: SecretsManager, store: Store) -> None:
    """What is looked up by name, in the short way for secrets in use, is all that the long way knows."""
    arn = manager.describe_secret(**ME, secret_id="db").arn
    _same_by_name(store, arn)
    manager.get_secret_value(**ME, secret_id="db")
    manager.put_resource_policy(**ME, secret_id="db", resource_policy=POLICY)
    _same_by_name(store, arn)
    manager.update_secret_version_stage(
        **ME, secret_id="db", version_stage="MINE", move_to_version_id=token(2)
    )
    _same_by_name(store, arn)
    with store.write() as tx:
        tx.connection.execute(update(version_table).values(pinned=True))
    _same_by_name(store, arn)


def _same_by_name(store: Store, arn: str) -> None:
    home = {"account": ME["caller"].account, "region": ME["caller"].region}
    with store.read() as tx:
        for stage in ("AWSCURRENT", "AWSPREVIOUS", "MINE"):
            by_name, by_arn = (
                values.find(tx, **home, secret_id=secret_id, version_id=None, stage=stage)
                for secret_id in ("db", arn)
            )
            assert by_name._replace(governed_by=None) == by_arn
            if by_name.governed_by is not None:
                assert by_name.governed_by == secrets.policy_and_key(tx, by_arn.id)

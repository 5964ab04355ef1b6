"""The facts about the real service, one after the other, with its own texts, on each engine.

Each fact is a function whose docstring says it. They share a store, and each works on secrets of its own.
What belongs to the wire is tested with the API, and what is the engine's with the rotations.
"""

import re
import string
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from rotator.crypto.envelope import Sealer
from rotator.crypto.keyring import FileKeyProvider, create_keyring
from rotator.errors import RotatorError
from rotator.manager.manager import SecretsManager
from rotator.manager.next_due import Planner
from rotator.manager.passwords import PasswordRecipe
from rotator.manager.results import SecretPage
from rotator.manager.rotation_rules import RotationRules
from rotator.model.filters import Filter, FilterKey, SecretFilter
from rotator.model.rules import Limits
from rotator.sdk import SecretValue
from rotator.store.store import Store
from tests.fix_store import fresh_store_url
from tests.support.manager import ME, POLICY, token, value
from tests.support.store import AUDIT_KEY

NOT_FOUND = ("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
MARKED = (
    "InvalidRequestException",
    "You can't perform this operation on the secret because it was marked for deletion.",
)
BAD_NAME = (
    "ValidationException",
    "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
)
NO_FUNCTION = (
    "InvalidRequestException",
    "No Lambda rotation function ARN is associated with this secret.",
)
SHORT_TOKEN = ("InvalidParameterException", "ClientRequestToken must be 32-64 characters long.")


class Page:
    """The manager, with the caller filled in, and what a refusal says."""

    def __init__(self, manager: SecretsManager) -> None:
        self._manager = manager

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        method = getattr(self._manager, operation)

        def call(**parameters: Any) -> Any:
            return method(**ME, **parameters)

        return call

    def new(self, text: str | None = "first", **parameters: Any) -> str:
        """The name of a new secret."""
        name = f"page/{uuid.uuid4().hex}"
        self.create_secret(name=name, value=None if text is None else value(text), **parameters)
        return name

    def marked(self) -> str:
        """The name of a secret that is marked for deletion."""
        name = self.new()
        self.delete_secret(secret_id=name)
        return name

    def refused(self, operation: str, **parameters: Any) -> tuple[str, str]:
        """Code and text of the error that an operation ends with."""
        try:
            getattr(self, operation)(**parameters)
        except RotatorError as error:
            return error.code, str(error)
        raise AssertionError(f"{operation} was not refused")

    def stages(self, name: str) -> dict[str, tuple[str, ...]]:
        return dict(self.describe_secret(secret_id=name).versions)

    def arn(self, name: str) -> str:
        found: str = self.describe_secret(secret_id=name).arn
        return found

    def found(self, *filters: Filter) -> set[str]:
        listed: SecretPage = self.list_secrets(where=SecretFilter(filters=filters))
        return {secret.name for secret in listed.secrets}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def page(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    folder = tmp_path_factory.mktemp("page")
    create_keyring(folder / "keyring.json")
    with fresh_store_url(request.param, request, folder=folder) as url:
        store = Store.open(url, create=False, audit_key=AUDIT_KEY)
        sealer = Sealer(FileKeyProvider(folder / "keyring.json"))
        yield Page(SecretsManager(store, sealer, planner=Planner(limits=Limits.AWS)))
        store.close()


def timestamps(page: Page) -> None:
    """Creation times are distinct to the millisecond; LastAccessedDate is a midnight, absent until a read."""
    name = page.new()
    assert page.describe_secret(secret_id=name).accessed_on is None
    for text in ("second", "third"):
        page.put_secret_value(secret_id=name, value=value(text))
    listed = page.list_secret_version_ids(secret_id=name, include_deprecated=True).versions
    at = [one.created_at for one in listed]
    assert len({moment.replace(microsecond=moment.microsecond // 1000) for moment in at}) == 3
    assert page.get_secret_value(secret_id=name).version_id
    read_on = page.describe_secret(secret_id=name).accessed_on
    assert read_on is not None
    assert (read_on.hour, read_on.minute, read_on.second, read_on.microsecond) == (0, 0, 0, 0)


def bad_names(page: Page) -> None:
    """A bad name or SecretId is refused on every operation, but for what begins with arn:."""
    operations: dict[str, dict[str, Any]] = {
        "get_secret_value": {},
        "describe_secret": {},
        "put_secret_value": {"value": value("x")},
        "update_secret": {"description": "x"},
        "delete_secret": {},
        "restore_secret": {},
        "tag_resource": {"tags": {"a": "b"}},
        "untag_resource": {"tag_keys": ["a"]},
        "list_secret_version_ids": {},
        "update_secret_version_stage": {"version_stage": "A", "move_to_version_id": token(1)},
        "get_resource_policy": {},
        "delete_resource_policy": {},
        "put_resource_policy": {"resource_policy": POLICY},
        "set_rotation": {"rotator": "generic"},
        "cancel_rotation": {},
    }
    for operation, parameters in operations.items():
        assert page.refused(operation, secret_id="a b", **parameters) == BAD_NAME, operation
        arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:a b"
        assert page.refused(operation, secret_id=arn, **parameters) == NOT_FOUND, operation
    assert page.refused("create_secret", name="a b") == BAD_NAME


def parameters_before_state(page: Page) -> None:
    """Limits of parameters are checked before the state: also of a secret that isn't there."""
    for operation in ("put_secret_value", "update_secret"):
        refusal = page.refused(
            operation, secret_id="nowhere", value=value("x"), client_request_token="short"
        )
        assert refusal == SHORT_TOKEN
    name = page.new()
    refusal = page.refused("create_secret", name=name, client_request_token="short")
    assert refusal == SHORT_TOKEN
    code, text = page.refused("get_secret_value", secret_id="nowhere", version_id="short")
    assert (code, "versionId" in text) == ("ValidationException", True)
    code, _ = page.refused("set_rotation", secret_id=name, rules=RotationRules(duration="1x"))
    assert code == "ValidationException"


def arns(page: Page) -> None:
    """An ARN ends in six random characters, new ones when the name is made again; without them it resolves as well."""
    name = page.new()
    first = page.arn(name)
    assert re.fullmatch(
        rf"arn:aws:secretsmanager:eu-central-1:123456789012:secret:{name}-[A-Za-z0-9]{{6}}", first
    )
    assert page.get_secret_value(secret_id=first[:-7]).arn == first
    page.delete_secret(secret_id=name, force_without_recovery=True)
    page.create_secret(name=name, value=value("again"))
    assert page.arn(name) != first
    assert page.refused("describe_secret", secret_id=first) == NOT_FOUND


def arns_that_look_complete(page: Page) -> None:
    """A partial ARN doesn't resolve where the name ends in a hyphen and six characters."""
    name = f"page/{uuid.uuid4().hex}-abcdef"
    page.create_secret(name=name, value=value("x"))
    assert page.refused("describe_secret", secret_id=page.arn(name)[:-7]) == NOT_FOUND


def tokens(page: Page) -> None:
    """The same token with the same content succeeds and makes nothing; with another content it is refused."""
    name = f"page/{uuid.uuid4().hex}"
    same = {"value": value("one"), "client_request_token": token(1)}
    made = page.create_secret(name=name, **same)
    assert page.create_secret(name=name, **same) == made
    assert page.put_secret_value(secret_id=name, **same).version_id == token(1)
    assert page.update_secret(secret_id=name, **same).version_id == token(1)
    assert page.stages(name) == {token(1): ("AWSCURRENT",)}
    used = (
        "ResourceExistsException",
        (
            f"You can't use ClientRequestToken {token(1)} because that value is already in use for a version of "
            f"secret {made.arn}."
        ),
    )
    other = {"value": value("two"), "client_request_token": token(1)}
    assert page.refused("create_secret", name=name, **other) == used
    assert page.refused("put_secret_value", secret_id=name, **other) == used
    assert page.refused("update_secret", secret_id=name, **other) == used


def names_in_use(page: Page) -> None:
    """A name in use, and that of a secret which is scheduled for deletion, can't be taken."""
    name, marked = page.new(), page.marked()
    assert page.refused("create_secret", name=name, value=value("x")) == (
        "ResourceExistsException",
        f"The operation failed because the secret {name} already exists.",
    )
    assert page.refused("create_secret", name=marked, value=value("x")) == (
        "InvalidRequestException",
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
    )


def without_a_value(page: Page) -> None:
    """Without a value no version is made; the first put gets AWSCURRENT, also with labels of its own."""
    name = f"page/{uuid.uuid4().hex}"
    assert page.create_secret(name=name).version_id is None
    assert page.stages(name) == {}
    assert page.refused("get_secret_value", secret_id=name) == (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
    )
    put = page.put_secret_value(secret_id=name, value=value("x"), version_stages=["MINE"])
    assert put.stages == ("AWSCURRENT", "MINE")


def labels_of_puts(page: Page) -> None:
    """AWSCURRENT moves where no labels are named; with labels of one's own it stays, and they leave other versions."""
    name = page.new(client_request_token=token(1))
    put = page.put_secret_value
    assert put(secret_id=name, value=value("2"), client_request_token=token(2)).stages == (
        "AWSCURRENT",
    )
    put(secret_id=name, value=value("3"), client_request_token=token(3))
    assert page.stages(name) == {token(2): ("AWSPREVIOUS",), token(3): ("AWSCURRENT",)}
    for number in (4, 5):
        put(
            secret_id=name,
            value=value(str(number)),
            client_request_token=token(number),
            version_stages=["MINE"],
        )
    assert page.stages(name) == {
        token(2): ("AWSPREVIOUS",),
        token(3): ("AWSCURRENT",),
        token(5): ("MINE",),
    }
    assert page.refused("put_secret_value", secret_id=name, value=None) == (
        "InvalidRequestException",
        "You must provide either SecretString or SecretBinary.",
    )


def updates(page: Page) -> None:
    """An update of metadata makes no version; the same value with another token makes one."""
    name = page.new("same", client_request_token=token(1))
    assert page.update_secret(secret_id=name, description="told").version_id is None
    page.update_secret(secret_id=name, value=value("same"), client_request_token=token(2))
    assert page.stages(name) == {token(1): ("AWSPREVIOUS",), token(2): ("AWSCURRENT",)}
    page.update_secret(secret_id=name, kms_key_id="")
    assert page.describe_secret(secret_id=name).kms_key_id is None


def moved_labels(page: Page) -> None:
    """A label elsewhere has to be named where it is; AWSPREVIOUS follows AWSCURRENT, and AWSPENDING stays."""
    name = page.new(client_request_token=token(1))
    page.put_secret_value(
        secret_id=name,
        value=value("2"),
        client_request_token=token(2),
        version_stages=["AWSPENDING"],
    )
    move = {"secret_id": name, "version_stage": "AWSCURRENT", "move_to_version_id": token(2)}
    assert page.refused("update_secret_version_stage", **move) == (
        "InvalidParameterException",
        (
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to "
            f"version {token(1)}, so you must explicitly reference that version in RemoveFromVersionId."
        ),
    )
    moved = page.update_secret_version_stage(**move, remove_from_version_id=token(1))
    assert (moved.arn, moved.name) == (page.arn(name), name)
    assert page.stages(name) == {
        token(1): ("AWSPREVIOUS",),
        token(2): ("AWSCURRENT", "AWSPENDING"),
    }
    page.update_secret_version_stage(
        secret_id=name, version_stage="AWSPENDING", remove_from_version_id=token(2)
    )
    assert page.stages(name)[token(2)] == ("AWSCURRENT",)


def missing_values(page: Page) -> None:
    """What a read can't find it names as the service does."""
    name = page.new(client_request_token=token(1))
    assert page.refused("get_secret_value", secret_id="nowhere") == NOT_FOUND
    assert page.refused("get_secret_value", secret_id=name, version_stage="X") == (
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: X",
    )
    assert page.refused("get_secret_value", secret_id=name, version_id=token(9)) == (
        "ResourceNotFoundException",
        f"Secrets Manager can't find the specified secret value for VersionId: {token(9)}",
    )
    pair = {"version_id": token(1), "version_stage": "AWSPREVIOUS"}
    assert page.refused("get_secret_value", secret_id=name, **pair) == (
        "InvalidRequestException",
        "You provided a VersionStage that is not associated to the provided VersionId.",
    )


def deprecated_versions(page: Page) -> None:
    """Versions without a label are listed on request alone, and have no labels then."""
    name = page.new(client_request_token=token(1))
    for number in (2, 3):
        page.put_secret_value(secret_id=name, value=value("x"), client_request_token=token(number))
    shown = page.list_secret_version_ids(secret_id=name).versions
    assert [one.version_id for one in shown] == [token(2), token(3)]
    everything = page.list_secret_version_ids(secret_id=name, include_deprecated=True).versions
    assert {one.version_id: one.stages for one in everything}[token(1)] == ()


def limits_of_values_and_labels(page: Page) -> None:
    """65,536 bytes a value, counted in bytes, and 20 labels a secret."""
    name = page.new("é" * 32_768)
    for too_much in (value("é" * 32_768 + "x"), SecretValue(binary=bytes(65_537))):
        code, _ = page.refused("put_secret_value", secret_id=name, value=too_much)
        assert code == "ValidationException"
    page.put_secret_value(secret_id=name, value=SecretValue(binary=bytes(65_536)))
    labels = [f"L{number}" for number in range(19)]  # and AWSCURRENT; AWSPREVIOUS is one more
    code, _ = page.refused(
        "put_secret_value", secret_id=name, value=value("x"), version_stages=labels
    )
    assert code == "LimitExceededException"
    page.put_secret_value(secret_id=name, value=value("x"), version_stages=labels[:18])


def what_describe_leaves_out(page: Page) -> None:
    """Rotation is absent where never configured, kept after a cancellation; tags are absent where never tagged."""
    name = page.new()
    fresh = page.describe_secret(secret_id=name)
    assert (fresh.rotation, fresh.tags, fresh.kms_key_id) == (None, None, None)
    page.tag_resource(secret_id=name, tags={"a": "b"})
    page.untag_resource(secret_id=name, tag_keys=["a"])
    rules = RotationRules(schedule_expression="rate(10 days)")
    page.set_rotation(secret_id=name, rotator="generic-password", rules=rules)
    page.cancel_rotation(secret_id=name)
    after = page.describe_secret(secret_id=name)
    assert after.tags == {}
    assert after.rotation is not None
    assert (after.rotation.enabled, after.rotation.rotator) == (False, "generic-password")
    assert after.rotation.schedule_expression == "rate(10 days)"
    page.delete_secret(secret_id=name)
    assert page.describe_secret(secret_id=name).deleted_at is not None


def deletion_windows(page: Page) -> None:
    """7 to 30 days, 30 by default; forcing takes no window."""
    name = page.new()
    outside = "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive)."
    for days in (6, 31):
        refusal = page.refused("delete_secret", secret_id=name, recovery_window_in_days=days)
        assert refusal == ("InvalidParameterException", outside)
    both = {"recovery_window_in_days": 7, "force_without_recovery": True}
    assert page.refused("delete_secret", secret_id=name, **both) == (
        "InvalidParameterException",
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    )
    window = page.delete_secret(secret_id=name).deletion_date
    assert window - page.describe_secret(secret_id=name).deleted_at == timedelta(days=30)


def marked_secrets(page: Page) -> None:
    """Nothing but a look and a restoration is done to a secret that is marked for deletion."""
    name = page.marked()
    operations: dict[str, dict[str, Any]] = {
        "get_secret_value": {},
        "put_secret_value": {"value": value("x")},
        "update_secret": {"description": "x"},
        "tag_resource": {"tags": {"a": "b"}},
        "untag_resource": {"tag_keys": ["a"]},
        "delete_secret": {},
        "put_resource_policy": {"resource_policy": POLICY},
        "get_resource_policy": {},
        "delete_resource_policy": {},
        "update_secret_version_stage": {"version_stage": "A", "move_to_version_id": token(1)},
        "set_rotation": {"rotator": "generic-password"},
        "cancel_rotation": {},
    }
    for operation, parameters in operations.items():
        assert page.refused(operation, secret_id=name, **parameters) == MARKED, operation
    page.list_secret_version_ids(secret_id=name)
    page.restore_secret(secret_id=name)
    assert page.get_secret_value(secret_id=name).value == value("first")


def forced_deletion(page: Page) -> None:
    """Forcing succeeds on what is missing or deleted already, and a name is free at once."""
    name = page.marked()
    page.delete_secret(secret_id=name, force_without_recovery=True)
    gone = page.delete_secret(secret_id=name, force_without_recovery=True)
    assert gone.name == name
    page.create_secret(name=name)
    assert page.refused("delete_secret", secret_id="nowhere") == NOT_FOUND


def lists(page: Page) -> None:
    """By creation; marked ones on request alone; values of a filter OR, filters AND, also the same key twice."""
    mark = uuid.uuid4().hex
    for letter, text in (("a", "Blue Sky"), ("b", "blue sea"), ("c", "Grey sky")):
        tags = {f"K{mark}": letter}
        page.create_secret(name=f"{mark}/{letter}", description=f"{text} {mark}", tags=tags)
    page.delete_secret(secret_id=f"{mark}/c")
    names = Filter(FilterKey.NAME, (f"{mark}/",))
    where = SecretFilter(filters=(names,), include_deleted=True)
    in_order = [secret.name for secret in page.list_secrets(where=where).secrets]
    assert in_order == [f"{mark}/{letter}" for letter in "abc"]
    assert page.found(names) == {f"{mark}/a", f"{mark}/b"}
    assert page.found(Filter(FilterKey.NAME, (f"{mark}/a", f"{mark}/b"))) == page.found(names)
    assert page.found(names, Filter(FilterKey.NAME, (f"{mark}/b",))) == {f"{mark}/b"}
    assert page.found(names, Filter(FilterKey.NAME, (f"!{mark}/b",))) == {f"{mark}/a"}
    assert page.found(Filter(FilterKey.NAME, (f"{mark}/A",))) == set()
    assert page.found(Filter(FilterKey.TAG_KEY, (f"K{mark}",))) == page.found(names)
    assert page.found(Filter(FilterKey.TAG_KEY, (f"k{mark}",))) == set()
    assert page.found(names, Filter(FilterKey.DESCRIPTION, ("SK bl",))) == {f"{mark}/a"}
    assert page.found(names, Filter(FilterKey.ALL, (f"k{mark} SEA",))) == {f"{mark}/b"}


def batches(page: Page) -> None:
    """What fails goes into the errors, and the call succeeds; names and filters exclude each other."""
    good, bare, marked = page.new("one"), page.new(None), page.marked()
    answer = page.batch_get_secret_value(secret_ids=[good, bare, marked, "nowhere"])
    assert [(one.name, one.value) for one in answer.values] == [(good, value("one"))]
    assert [(error.secret_id, error.code, error.message) for error in answer.errors] == [
        (
            bare,
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
        ),
        (marked, *MARKED),
        ("nowhere", *NOT_FOUND),
    ]
    names = (Filter(FilterKey.NAME, ("x",)),)
    one_of_two = (
        "InvalidParameterException",
        "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
    )
    assert page.refused("batch_get_secret_value") == one_of_two
    assert page.refused("batch_get_secret_value", secret_ids=[good], filters=names) == one_of_two
    assert page.refused("batch_get_secret_value", secret_ids=[good], max_results=5) == (
        "InvalidParameterException",
        "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
    )


def passwords(page: Page) -> None:
    """All of the punctuation that the page names, each type required by default."""
    punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
    only = PasswordRecipe(
        length=4096, exclude_numbers=True, exclude_uppercase=True, exclude_lowercase=True
    )
    assert set(page.get_random_password(recipe=only)) == set(punctuation)
    for _ in range(20):
        four = page.get_random_password(recipe=PasswordRecipe(length=4))
        types = (string.ascii_lowercase, string.ascii_uppercase, string.digits, punctuation)
        assert all(set(four) & set(members) for members in types)
    assert page.refused("get_random_password", recipe=PasswordRecipe(length=3)) == (
        "InvalidParameterException",
        "Password length is too short based on the required types.",
    )


def policies(page: Page) -> None:
    """Up to 20,480 characters, no policy at all is malformed, and a public one can be kept out."""
    name = page.new()
    code, _ = page.refused(
        "put_resource_policy", secret_id=name, resource_policy=POLICY + " " * 20_480
    )
    assert code == "ValidationException"
    code, _ = page.refused("put_resource_policy", secret_id=name, resource_policy="{}")
    assert code == "MalformedPolicyDocumentException"
    public = POLICY.replace('{"AWS": "999999999999"}', '"*"')
    code, _ = page.refused(
        "put_resource_policy", secret_id=name, resource_policy=public, block_public_policy=True
    )
    assert code == "PublicPolicyException"
    page.put_resource_policy(secret_id=name, resource_policy=POLICY)
    assert page.get_resource_policy(secret_id=name).policy == POLICY
    page.delete_resource_policy(secret_id=name)
    assert page.get_resource_policy(secret_id=name).policy is None


def rotation_settings(page: Page) -> None:
    """Without a function nothing is stored, and both kinds of rules exclude each other."""
    name = page.new()
    rules = RotationRules(automatically_after_days=3)
    assert page.refused("set_rotation", secret_id=name, rules=rules) == NO_FUNCTION
    assert page.describe_secret(secret_id=name).rotation is None
    both = RotationRules(automatically_after_days=3, schedule_expression="rate(3 days)")
    assert page.refused("set_rotation", secret_id=name, rules=both) == (
        "InvalidParameterException",
        "You cannot specify both rotation frequency and schedule expression together.",
    )
    assert page.refused("cancel_rotation", secret_id=name) == NO_FUNCTION


def puts_count_as_rotations(page: Page) -> None:
    """A value put by hand counts as a rotation for rates and days; NextRotationDate is the latest moment."""
    name = page.new()
    rules = RotationRules(automatically_after_days=30)
    page.set_rotation(secret_id=name, rotator="generic-password", rules=rules)
    before = page.describe_secret(secret_id=name).rotation
    page.put_secret_value(secret_id=name, value=value("by hand"))
    after = page.describe_secret(secret_id=name).rotation
    assert after.counts_from > before.counts_from
    assert after.window_end >= after.due_at >= after.window_start


def cancellations(page: Page) -> None:
    """A cancellation leaves the labels, and answers with the id of the partial version."""
    name = page.new(client_request_token=token(1))
    page.set_rotation(secret_id=name, rotator="generic-password")
    assert page.cancel_rotation(secret_id=name).version_id is None
    page.put_secret_value(
        secret_id=name,
        value=value("2"),
        client_request_token=token(2),
        version_stages=["AWSPENDING"],
    )
    assert page.cancel_rotation(secret_id=name).version_id == token(2)
    assert page.stages(name)[token(2)] == ("AWSPENDING",)


FACTS = (
    timestamps,
    bad_names,
    parameters_before_state,
    arns,
    arns_that_look_complete,
    tokens,
    names_in_use,
    without_a_value,
    labels_of_puts,
    updates,
    moved_labels,
    missing_values,
    deprecated_versions,
    limits_of_values_and_labels,
    what_describe_leaves_out,
    deletion_windows,
    marked_secrets,
    forced_deletion,
    lists,
    batches,
    passwords,
    policies,
    rotation_settings,
    puts_count_as_rotations,
    cancellations,
)


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.__name__)
def test_what_the_real_service_does_the_manager_does(
    fact: Callable[[Page], None], page: Page
) -> None:
    """The fact holds, letter by letter."""
    fact(page)

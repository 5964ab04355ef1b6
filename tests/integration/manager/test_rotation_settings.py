"""Rotation settings: set without rotating, shown, cancelled."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from rotator.errors import (
    AccessDenied,
    InvalidParameter,
    InvalidRequest,
    ResourceNotFound,
    RotatorError,
    ValidationError,
)
from rotator.manager.manager import SecretsManager
from rotator.manager.rotation_rules import RotationRules
from rotator.manager.settings import RotationOptions, RotationSettings
from rotator.sdk import Authority
from rotator.store import secrets
from rotator.store.store import Store
from rotator.store.tables import audit
from tests.support.manager import ME, STRANGER, Who, row_id, token, value

DAILY = RotationRules(schedule_expression="rate(1 day)")


@pytest.fixture(autouse=True)
def _db(manager: SecretsManager) -> None:
    manager.create_secret(**ME, name="db", value=value("v1"), client_request_token=token(1))


def set_rotation(
    manager: SecretsManager, rules: RotationRules | None = None, **settings: object
) -> RotationSettings:
    return manager.set_rotation(
        **ME,
        secret_id="db",
        rules=rules,
        **{"rotator": "generic", **settings},  # type: ignore[arg-type]
    )


def test_a_secret_that_was_never_configured_has_no_settings(manager: SecretsManager) -> None:
    """Describe and get_rotation show none."""
    assert manager.get_rotation(**ME, secret_id="db") is None
    assert manager.describe_secret(**ME, secret_id="db").rotation is None


def test_setting_rotation_doesnt_rotate(manager: SecretsManager) -> None:
    """A credential can be adopted as it is: its value and labels stay, and a window is planned."""
    settings = set_rotation(manager, DAILY)

    assert manager.describe_secret(**ME, secret_id="db").versions == {token(1): ("AWSCURRENT",)}
    assert (settings.enabled, settings.rotator, settings.rotated_at) == (True, "generic", None)
    assert settings.window_start is not None
    assert settings.window_end is not None
    assert settings.due_at is not None
    assert settings.window_start <= settings.due_at < settings.window_end
    assert manager.get_rotation(**ME, secret_id="db") == settings


def test_without_rules_it_rotates_on_request_only(manager: SecretsManager) -> None:
    """A rotator alone plans nothing."""
    settings = set_rotation(manager)

    assert settings.enabled
    assert settings.due_at is None


def test_days_are_kept_as_they_were_given(manager: SecretsManager) -> None:
    """AutomaticallyAfterDays counts like a rate, but is shown as what it is."""
    by_days = set_rotation(manager, RotationRules(automatically_after_days=10))
    by_rate = set_rotation(manager, RotationRules(schedule_expression="rate(10 days)"))

    assert (by_days.automatically_after_days, by_days.schedule_expression) == (10, None)
    assert (by_rate.automatically_after_days, by_rate.schedule_expression) == (
        None,
        "rate(10 days)",
    )
    assert by_days.due_at is not None


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (
            RotationRules(schedule_expression="rate(1 day)", automatically_after_days=1),
            "You cannot specify both rotation frequency and schedule expression together.",
        ),
        (RotationRules(automatically_after_days=0), "between 1 and 1000"),
        (RotationRules(automatically_after_days=1001), "between 1 and 1000"),
        (RotationRules(schedule_expression="rate(0 hours)"), "The rotation rules can't be used"),
        (RotationRules(schedule_expression="often"), "The rotation rules can't be used"),
        (RotationRules(schedule_expression="rate(4 hours)", duration="9h"), "duration"),
        (RotationRules(duration="3h"), "needs a ScheduleExpression"),
    ],
)
def test_rules_that_are_none_are_refused(
    manager: SecretsManager, rules: RotationRules, text: str
) -> None:
    """Nothing is stored of a request whose rules can't be used."""
    with pytest.raises(InvalidParameter, match=text):
        set_rotation(manager, rules)

    assert manager.get_rotation(**ME, secret_id="db") is None


@pytest.mark.parametrize(
    ("rules", "error", "text"),
    [
        (RotationRules(schedule_expression="rate(1 hour)"), InvalidParameter, "4 to 23976 hours"),
        (RotationRules(schedule_expression="rate(30 minutes)"), InvalidParameter, "unit"),
        (RotationRules(schedule_expression="cron(0 8 1 * ? 2030)"), InvalidParameter, "year"),
        (
            RotationRules(schedule_expression="rate(1 day)", duration="90m"),
            ValidationError,
            "duration",
        ),
        (RotationRules(schedule_expression="täglich"), ValidationError, "scheduleExpression"),
        (RotationRules(automatically_after_days=1001), ValidationError, "automaticallyAfterDays"),
    ],
)
def test_the_limits_of_aws_can_be_set(
    manager: SecretsManager,
    strict: SecretsManager,
    rules: RotationRules,
    error: type[Exception],
    text: str,
) -> None:
    """Within `limits: aws` the rules that AWS refuses are refused with its error, by the model or by the dialect."""
    with pytest.raises(error, match=text):
        set_rotation(strict, rules)

    assert manager.get_rotation(**ME, secret_id="db") is None


def test_a_rotator_has_to_be_named_once(manager: SecretsManager) -> None:
    """Without one the request is refused in the recorded words; later requests may leave it out."""
    with pytest.raises(InvalidRequest) as refused:
        set_rotation(manager, DAILY, rotator=None)
    assert str(refused.value) == ("No Lambda rotation function ARN is associated with this secret.")

    set_rotation(manager)

    assert set_rotation(manager, DAILY, rotator=None).rotator == "generic"


def test_the_same_rules_again_move_nothing(manager: SecretsManager, store: Store) -> None:
    """A deployment that sets its rules every hour doesn't put the rotation off for ever."""
    set_rotation(manager, DAILY)
    with store.write() as tx:
        secrets.update(tx, row_id(tx, "db"), due_at=tx.now)
    planned = manager.get_rotation(**ME, secret_id="db")

    assert set_rotation(manager, DAILY) == planned
    assert set_rotation(manager, options=RotationOptions(require_overlap=True)) != planned
    other = set_rotation(manager, RotationRules(schedule_expression="rate(2 days)"))
    assert planned is not None
    assert other.due_at != planned.due_at


def test_options_are_kept_until_others_come(manager: SecretsManager) -> None:
    """What isn't mentioned stays as it was."""
    options = RotationOptions(require_overlap=True, allow_other_server=True, settings={"a": [1]})
    set_rotation(manager, options=options)

    assert set_rotation(manager, DAILY).options == options
    assert set_rotation(manager, options=RotationOptions()).options == RotationOptions()


def test_a_deleted_secret_gets_no_rotation(manager: SecretsManager) -> None:
    """A secret that is marked for deletion refuses."""
    manager.delete_secret(**ME, secret_id="db")

    with pytest.raises(InvalidRequest, match="because it was marked for deletion"):
        set_rotation(manager, DAILY)


class TestCancel:
    """CancelRotateSecret."""

    def test_it_keeps_rules_and_rotator(self, manager: SecretsManager) -> None:
        """Only the switch and the due time change."""
        before = set_rotation(manager, DAILY)

        cancelled = manager.cancel_rotation(**ME, secret_id="db")

        assert cancelled.version_id is None
        assert manager.get_rotation(**ME, secret_id="db") == replace(
            before, enabled=False, window_start=None, window_end=None, due_at=None
        )

    def test_setting_rotation_again_turns_it_on(self, manager: SecretsManager) -> None:
        """The kept rules plan a window again."""
        before = set_rotation(manager, DAILY)
        manager.cancel_rotation(**ME, secret_id="db")

        again = set_rotation(manager, rotator=None)
        assert (again.enabled, again.schedule_expression) == (True, before.schedule_expression)
        assert again.due_at is not None

    def test_there_has_to_be_something_to_cancel(self, manager: SecretsManager) -> None:
        """A secret that was never configured has no rotation."""
        with pytest.raises(InvalidRequest, match="No Lambda rotation function ARN"):
            manager.cancel_rotation(**ME, secret_id="db")


class TestAuthority:
    """What a rotation may act on."""

    @pytest.fixture(autouse=True)
    def _admins(self, manager: SecretsManager) -> None:
        for name in ("admin", "root"):
            manager.create_secret(**ME, name=name, value=value("v1"))

    def pin(self, manager: SecretsManager, name: str, admin: str | None) -> Authority:
        settings = manager.set_rotation(
            **ME,
            secret_id=name,
            rotator="generic",
            authority=Authority(host="h", port=5432, admin=admin, users=("app", "app_clone")),
        )
        assert settings.authority is not None
        return settings.authority

    def test_it_is_kept_with_the_admins_full_arn(
        self, manager: SecretsManager, store: Store
    ) -> None:
        """However the admin secret was named, its full ARN is what is pinned."""
        arn = manager.describe_secret(**ME, secret_id="admin").arn
        expected = Authority(host="h", port=5432, admin=arn, users=("app", "app_clone"))

        for named in ("admin", arn, arn[:-7]):
            assert self.pin(manager, "db", named) == expected
        with store.read() as tx:
            assert secrets.by_id(tx, row_id(tx, "db")).admin_arn == arn

    def test_it_stays_until_another_is_given(self, manager: SecretsManager) -> None:
        """Other settings leave it; an authority without an admin secret takes the old one's place."""
        pinned = self.pin(manager, "db", "admin")
        assert set_rotation(manager, DAILY).authority == pinned

        assert self.pin(manager, "db", None).admin is None

    @pytest.mark.parametrize(
        ("admin", "error", "text"),
        [
            ("missing", ResourceNotFound, "can't find the specified secret"),
            ("db", InvalidParameter, "can't be its own admin secret"),
            (
                "arn:aws:secretsmanager:eu-central-1:999999999999:secret:admin-AbCdEf",
                AccessDenied,
                "secretsmanager:GetSecretValue",
            ),
        ],
    )
    def test_the_caller_must_be_able_to_read_the_admin_secret(
        self, manager: SecretsManager, admin: str, error: type[RotatorError], text: str
    ) -> None:
        """An admin secret that isn't there, is the secret itself or is another account's is refused."""
        with pytest.raises(error, match=text):
            self.pin(manager, "db", admin)

    def test_an_admin_secret_that_is_deleted_is_refused(self, manager: SecretsManager) -> None:
        """It couldn't be read when it is needed."""
        manager.delete_secret(**ME, secret_id="admin")

        with pytest.raises(InvalidRequest, match="marked for deletion"):
            self.pin(manager, "db", "admin")

    def test_admin_secrets_form_no_cycle(self, manager: SecretsManager) -> None:
        """Where db needs admin and admin needs root, root can need neither of them."""
        self.pin(manager, "db", "admin")
        self.pin(manager, "admin", "root")

        for needed in ("db", "admin"):
            with pytest.raises(InvalidParameter, match="directly or through others"):
                self.pin(manager, "root", needed)

    def test_no_cycle_is_closed_from_both_ends_at_once(self, manager: SecretsManager) -> None:
        """Of two settings that would close a cycle together, made at the same time, one is refused."""

        def attempt(pair: tuple[str, str]) -> bool:
            try:
                self.pin(manager, *pair)
            except InvalidParameter:
                return False
            return True

        with ThreadPoolExecutor(2) as threads:
            made = list(threads.map(attempt, [("admin", "root"), ("root", "admin")]))

        assert sorted(made) == [False, True]

    @pytest.mark.parametrize(
        "wider",
        [
            {"options": RotationOptions(allow_privileged=True)},
            {"options": RotationOptions(allow_other_server=True)},
            {"options": RotationOptions(settings={"nodes": ["elsewhere:6379"]})},
            {"rotator": "redis-acl"},
        ],
        ids=["privileged", "other server", "the rotator's settings", "another rotator"],
    )
    def test_who_may_not_read_the_admin_secret_may_not_widen_its_use(
        self, manager: SecretsManager, store: Store, wider: dict[str, Any]
    ) -> None:
        """What an admin secret may change, and who is sent its password, is decided by someone who may read it."""
        self.pin(manager, "db", "admin")
        abroad: Who = {"caller": STRANGER, "request_id": "request-3"}
        arn = manager.create_secret(**abroad, name="admin", value=value("v1")).arn
        with store.write() as tx:
            secrets.update(tx, row_id(tx, "db"), admin_arn=arn)

        with pytest.raises(AccessDenied, match="secretsmanager:GetSecretValue"):
            set_rotation(manager, **wider)

        narrower = RotationOptions(require_overlap=True)
        assert set_rotation(manager, options=narrower).enabled
        settings = manager.get_rotation(**ME, secret_id="db")
        assert settings is not None
        assert settings.options == narrower

    def test_the_audit_has_what_was_pinned_and_allowed(
        self, manager: SecretsManager, store: Store
    ) -> None:
        """Server, port, admin secret, users and options are on record with who set them."""
        self.pin(manager, "db", "admin")

        set_rotation(manager, DAILY, options=RotationOptions(allow_privileged=True))

        with store.read() as tx:
            detail = tx.connection.execute(
                select(audit.c.detail)
                .where(audit.c.event == "RotateSecret")
                .order_by(audit.c.at.desc(), audit.c.seq.desc())
                .limit(1)
            ).scalar_one()
        admin = manager.describe_secret(**ME, secret_id="admin").arn
        assert detail["authority"] == {
            "host": "h",
            "port": 5432,
            "admin": admin,
            "users": ["app", "app_clone"],
        }
        assert detail["options"]["allow_privileged"] is True
        assert detail["schedule_expression"] == "rate(1 day)"

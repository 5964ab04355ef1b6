"""What someone outside may do to a secret whose rotation is under way."""

from collections.abc import Callable
from dataclasses import dataclass

from rotator.sdk import SecretValue
from tests.faults.rotation.situations import Scene
from tests.support.manager import ME


@dataclass(frozen=True, slots=True)
class Change:
    """One call from outside.

    Attributes:
        mend: what has to be taken back before the secret can be rotated again.
    """

    name: str
    make: Callable[[Scene], None]
    mend: Callable[[Scene], None] = lambda _: None

    def __str__(self) -> str:
        return self.name


def _put(scene: Scene) -> None:
    """A person edits the JSON: another version, the same credential."""
    edited = scene.house.fields(scene.secret) | {"note": "edited"}
    scene.house.manager.put_secret_value(
        **ME, secret_id=scene.secret, value=SecretValue.from_json(edited)
    )


def _cancel(scene: Scene) -> None:
    scene.house.manager.cancel_rotation(**ME, secret_id=scene.secret)


def _delete(scene: Scene) -> None:
    scene.house.manager.delete_secret(**ME, secret_id=scene.secret)


def _restore(scene: Scene) -> None:
    scene.house.manager.restore_secret(**ME, secret_id=scene.secret)


def _force_delete(scene: Scene) -> None:
    scene.house.manager.delete_secret(**ME, secret_id=scene.secret, force_without_recovery=True)


def _move_current(scene: Scene) -> None:
    """To the version that a person believes to be the right one: there and back again."""
    at = scene.house.labels(scene.secret)
    _move(scene, "AWSCURRENT", to=at["AWSPREVIOUS"])
    _move(scene, "AWSCURRENT", to=at["AWSCURRENT"])


def _remove_pending(scene: Scene) -> None:
    if "AWSPENDING" in scene.house.labels(scene.secret):
        _move(scene, "AWSPENDING", to=None)


def _move(scene: Scene, label: str, *, to: str | None) -> None:
    scene.house.manager.update_secret_version_stage(
        **ME,
        secret_id=scene.secret,
        version_stage=label,
        move_to_version_id=to,
        remove_from_version_id=scene.house.labels(scene.secret)[label],
    )


PUT = Change("put", _put)
CANCEL = Change("cancel", _cancel)
DELETE = Change("delete", _delete, _restore)
FORCE_DELETE = Change("force-delete", _force_delete)
MOVE_CURRENT = Change("move-current", _move_current)
REMOVE_PENDING = Change("remove-pending", _remove_pending)

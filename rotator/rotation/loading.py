"""Whether what an entry point names is a rotator, and what it lacks where it isn't."""

import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib.metadata import EntryPoint

from rotator.rotation.telling import text
from rotator.sdk import Overlap, Rotator, RotatorSettings

_OF_EXTRA = r"""([A-Za-z0-9._-]+).*;.*\bextra\s*==\s*['"]([^'"]+)['"]"""


def loaded(point: EntryPoint) -> type[Rotator] | str:
    """The rotator that an entry point names, imported here; or why it can't be used."""
    try:
        found = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001  # a broken plugin takes nothing else down
        return f"{type(error).__name__}: {text(error)}"
    return why_unusable(found, point.value) or found


def why_unusable(found: object, where: str) -> str | None:
    """Why what an entry point names is no rotator, None where it is one."""
    if not (isinstance(found, type) and issubclass(found, Rotator)):
        return f"{where} is not a subclass of rotator.sdk.Rotator"
    missing = sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        return f"{where} lacks {', '.join(missing)}"
    if not isinstance(getattr(found, "name", None), str):
        return f"{where} has no name"
    wrong = next((wrong for wrong, right in _declared(found) if not right), None)
    if wrong is not None:
        return f"{where} {wrong}"
    try:
        found.settings_model.describe()
    except (TypeError, NameError) as error:  # a field's type is none that a setting can have
        return f"{where} has a settings_model that can't be used: {error}"
    return None


def _declared(found: type[Rotator]) -> Iterator[tuple[str, bool]]:
    """What may be wrong with what a rotator says of itself, and whether it is right."""
    aliases: object = found.aliases
    model: object = found.settings_model
    proven = found.can_probe or found.test_secret is not Rotator.test_secret
    yield "overrides neither probe nor test_secret", proven
    yield (
        "has aliases that are no tuple of strings",
        isinstance(aliases, tuple) and all(isinstance(alias, str) for alias in aliases),
    )
    yield "has a summary that is no string", isinstance(found.summary, str)
    yield "has an overlap that is no rotator.sdk.Overlap", isinstance(found.overlap, Overlap)
    yield (
        "has a settings_model that is no frozen dataclass of rotator.sdk.RotatorSettings",
        isinstance(model, type) and issubclass(model, RotatorSettings) and is_dataclass(model),
    )


def missing_extra(point: EntryPoint) -> str | None:
    """The smallest extra of its package that brings the module without which an entry point can't be loaded; None for
    none.
    """
    try:
        point.load()
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
    except (Exception, SystemExit):  # noqa: BLE001  # whatever else is broken, it isn't that
        return None
    else:
        return None
    requires = (point.dist.requires if point.dist else None) or ()
    brings: dict[str, list[str]] = {}
    for found in (re.match(_OF_EXTRA, requirement) for requirement in requires):
        if found is not None:
            brings.setdefault(found[2], []).append(found[1].lower())
    enough = [extra for extra, modules in brings.items() if module in modules]
    return min(enough, key=lambda extra: len(brings[extra]), default=None)

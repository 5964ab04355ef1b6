"""What a rotator says of itself, as a list of rotators shows it; it passes between processes."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Self

from rotator.rotation.telling import told
from rotator.sdk import Overlap, Rotator, SettingInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatorFacts:
    """What one rotator says of itself.

    Attributes:
        error: why it can't be used, None where it can; where it can't, nothing else is known.
        overlap: the best that its targets allow.
    """

    error: str | None = None
    aliases: tuple[str, ...] = ()
    summary: str = ""
    overlap: Overlap | None = None
    can_probe: bool | None = None
    can_revert: bool | None = None
    issues_value: bool | None = None
    settings: tuple[SettingInfo, ...] = ()

    @classmethod
    def of(cls, found: type[Rotator] | str) -> Self:
        """The facts of a class, or of what can't be used for this reason."""
        if isinstance(found, str):
            return cls(error=found)
        return cls(
            aliases=found.aliases,
            summary=found.summary,
            overlap=found.overlap,
            can_probe=found.can_probe,
            can_revert=found.can_revert,
            issues_value=found.issues_value,
            settings=found.settings_model.describe(),
        )

    def to_wire(self) -> dict[str, Any]:
        """A JSON-ready form; the default of a setting may be anything, so it becomes text where JSON lacks it."""
        wire: dict[str, Any] = json.loads(json.dumps(asdict(self), default=str))
        return wire

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> Self:
        """What `to_wire` made, with nothing in it that a terminal obeys.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        wire = _shown(wire)
        overlap = wire["overlap"]
        return cls(
            **wire
            | {
                "aliases": tuple(wire["aliases"]),
                "overlap": None if overlap is None else Overlap(overlap),
                "settings": tuple(SettingInfo(**each) for each in wire["settings"]),
            }
        )


def _shown(said: Any) -> Any:
    """The same with all texts in it fit to be shown."""
    match said:
        case str():
            return told(said, ())
        case list():
            return [_shown(each) for each in said]
        case dict():
            return {name: _shown(each) for name, each in said.items()}
        case _:
            return said

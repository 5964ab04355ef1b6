"""Sealing keys and what may become of them. Pure: the provider keeps them, time and randomness come in.

No key is ever taken out of a keyring here: a version may be sealed under it.
"""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from rotator.errors import InvalidParameter, InvalidRequest, ResourceExists, ResourceNotFound
from rotator.sdk import key_in

_ALIAS = re.compile(r"alias/(?!aws/)[A-Za-z0-9/_-]{1,250}")


class KeyState(StrEnum):
    """Whether a sealing key may be used."""

    ENABLED = "enabled"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """A key that wraps data keys.

    Attributes:
        material: 256 random bits.
        created_at: None where nobody noted it (the first release did not).
    """

    key_id: str
    material: bytes = field(repr=False)
    created_at: datetime | None
    state: KeyState = KeyState.ENABLED


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyring:
    """Sealing keys, by their ids.

    Attributes:
        active: the id of the default key; in a keyring that is in use it is always enabled.
        aliases: alias → key id, such as `alias/payments`.
    """

    active: str
    keys: Mapping[str, SealingKey]
    aliases: Mapping[str, str] = field(default_factory=dict)

    def id_of(self, name: str | None) -> str | None:
        """The id that a key id, an alias or a key ARN names, None for the default key's; None where it names none."""
        named = key_in(name)
        if named is None:
            return self.active
        return named if named in self.keys else self.aliases.get(named)

    def find(self, name: str) -> SealingKey:
        """The key that a key id, an alias or a key ARN names, whatever its state.

        Raises:
            ResourceNotFound: there is none.
        """
        key_id = self.id_of(name)
        if key_id is None:
            raise ResourceNotFound(
                f"There is no sealing key {name}. `rotate key list` shows the keys and their aliases."
            )
        return self.keys[key_id]

    def aliases_of(self, key_id: str) -> tuple[str, ...]:
        """The aliases of a key, sorted."""
        return tuple(sorted(alias for alias, named in self.aliases.items() if named == key_id))

    def with_key(self, key: SealingKey, *, alias: str | None = None) -> "Keyring":
        """One more key, which is not active, under a new alias where one is given.

        Raises:
            InvalidParameter: no alias can be written like this.
            ResourceExists: the alias is in use.
        """
        added = replace(self, keys={**self.keys, key.key_id: key})
        if alias is None:
            return added
        if alias in self.aliases:
            raise ResourceExists(
                f"The alias {alias} is that of the key {self.aliases[alias]} already. To give it a new key: "
                f"rotate key rotate {alias}"
            )
        return added.with_alias(alias, key.key_id)

    def rotated(self, key: SealingKey, *, alias: str | None = None) -> "Keyring":
        """One more key, which takes over: as the active one, or from the key that `alias` names now.

        Raises:
            ResourceNotFound: there is no such alias.
        """
        added = replace(self, keys={**self.keys, key.key_id: key})
        named = key_in(alias)
        if named is None:
            return replace(added, active=key.key_id)
        if named not in self.aliases:
            raise ResourceNotFound(
                f"There is no alias {alias} that could get a new key. To make both: rotate key create --alias {alias}"
            )
        return added.with_alias(named, key.key_id)

    def with_alias(self, alias: str, name: str) -> "Keyring":
        """`alias` names this key from now on.

        Raises:
            InvalidParameter: no alias can be written like this.
            InvalidRequest: the key is disabled.
            ResourceNotFound: no such key.
        """
        if not _ALIAS.fullmatch(alias):
            raise InvalidParameter(
                f"{alias} can't be an alias: it is written alias/NAME, with letters, digits, / _ and - in NAME, and "
                "alias/aws/ is reserved."
            )
        key = self.find(name)
        if key.state is KeyState.DISABLED:
            raise InvalidRequest(
                f"The sealing key {key.key_id} is disabled, so no value could be sealed under {alias}. Enable it "
                f"first: rotate key enable {key.key_id}"
            )
        return replace(self, aliases={**self.aliases, alias: key.key_id})

    def without_alias(self, alias: str) -> "Keyring":
        """Nothing is named `alias` any more.

        Raises:
            ResourceNotFound: nothing is.
        """
        if alias not in self.aliases:
            raise ResourceNotFound(f"There is no alias {alias}. `rotate key list` shows them.")
        return replace(
            self, aliases={name: key for name, key in self.aliases.items() if name != alias}
        )

    def with_state(self, name: str, state: KeyState) -> "Keyring":
        """The key enabled or disabled.

        Raises:
            ResourceNotFound: no such key.
            InvalidRequest: the active key would be disabled.
        """
        key = self.find(name)
        if state is KeyState.DISABLED and key.key_id == self.active:
            raise InvalidRequest(
                f"The sealing key {key.key_id} is the active one: without it nothing new could be sealed. Make another "
                "one active first: rotate key rotate"
            )
        return replace(self, keys={**self.keys, key.key_id: replace(key, state=state)})

    def only(self, names: Iterable[str]) -> "Keyring":
        """The named keys with their aliases.

        The active key stays active; where it isn't named the first enabled one is, or the first where all are disabled.

        Raises:
            ResourceNotFound: one of them is not there.
        """
        kept = {key.key_id: key for key in map(self.find, names)}
        enabled = (key.key_id for key in kept.values() if key.state is KeyState.ENABLED)
        return Keyring(
            active=self.active if self.active in kept else next(enabled, next(iter(kept))),
            keys=kept,
            aliases={alias: key_id for alias, key_id in self.aliases.items() if key_id in kept},
        )

    def importing(self, other: "Keyring") -> "Keyring":
        """The keys and aliases of `other` beside one's own; what is active, disabled or named here stays so.

        Raises:
            ResourceExists: another key has the id of one of them.
        """
        for key_id in self.keys.keys() & other.keys.keys():
            if not hmac.compare_digest(self.keys[key_id].material, other.keys[key_id].material):
                raise ResourceExists(
                    f"There is a sealing key {key_id} already, and the one to be imported is another key under the "
                    "same id. Nothing was imported: use the file in the installation that it was exported from."
                )
        return replace(
            self,
            keys={**other.keys, **self.keys},
            aliases={**other.aliases, **self.aliases},
        )

"""References that keep secrets out of the configuration file: `${NAME}` and `file:PATH`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rotator.config.permissions import check_private
from rotator.errors import ConfigurationError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_FILE = "file:"


def is_reference(text: str) -> bool:
    """Whether the text stands for a value that is kept elsewhere."""
    return text.startswith(_FILE) or _VARIABLE.search(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Resolves references.

    Attributes:
        variables: the environment, with ROTATOR_HOME in any case.
        home: what relative paths count from.
        used: the variables that were referred to; what they hold may be secret.
    """

    variables: Mapping[str, str]
    home: Path
    used: set[str] = field(default_factory=set)

    def resolve(self, text: str, *, key: str) -> str:
        """`text` with every `${NAME}` replaced.

        Where it begins with `file:`, what that file holds, without its last line break.

        Raises:
            ConfigurationError: a variable is not set, or the file can't be read or isn't private;
                the message names `key` and never shows what the reference gave.
        """
        resolved = _VARIABLE.sub(lambda match: self._variable(match[1], key=key), text)
        if not text.startswith(_FILE):
            return resolved
        return self._file(self.home / Path(resolved.removeprefix(_FILE)).expanduser(), key=key)

    def _variable(self, name: str, *, key: str) -> str:
        self.used.add(name)
        try:
            return self.variables[name]
        except KeyError:
            raise ConfigurationError(
                f"{key}: the environment variable {name} is not set. "
                f"Set it, or write the value without ${{{name}}}."
            ) from None

    def _file(self, path: Path, *, key: str) -> str:
        try:
            check_private(path)
            return path.read_text(encoding="utf-8").removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise ConfigurationError(
                f"{key}: the file {path} can't be read: {reason}. Correct the path after file:."
            ) from None
        except ConfigurationError as error:
            raise ConfigurationError(f"{key}: {error}") from None

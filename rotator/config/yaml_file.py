"""Reading YAML. Only imported where there is some."""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from rotator.config.permissions import check_private, check_unchangeable
from rotator.errors import ConfigurationError


class _Loader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, where YAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> Mapping[str, Any]:
    """The file's settings as nested mappings, {} for an empty file.

    Raises:
        ConfigurationError: it can't be read, isn't a YAML mapping, or other users may change it.
    """
    try:
        check_unchangeable(path)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"The configuration file {path} can't be read: {error.strerror}. "
            "Correct --config or ROTATOR_CONFIG."
        ) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"The configuration file {path} is not UTF-8 text.") from None
    content = parse(text, source=str(path))
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"{path}: expected settings such as `region: us-east-1`, one a line."
        )
    return content


def parse(text: str, *, source: str) -> Any:
    """What a YAML text says.

    Args:
        source: where it is from, for messages.

    Raises:
        ConfigurationError: it is none, or something in it is no value, such as the 30th of February.
    """
    try:
        return yaml.load(text, _Loader)  # noqa: S506  # a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{source}, line {line}: {error.problem}") from None
    except yaml.YAMLError:
        raise ConfigurationError(f"{source} holds characters that YAML does not allow.") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"{source}: a value in it can't be: {error}. Correct it, or put quotes around it where it is a text."
        ) from None


def check_holds_secret(path: Path, *, key: str) -> None:
    """For a secret that stands in the file itself.

    Raises:
        ConfigurationError: other users may read it there.
    """
    try:
        check_private(path)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"{key}: there is a secret in the file itself, and {error}, or keep the secret "
            "elsewhere: ${NAME} or file:PATH"
        ) from None

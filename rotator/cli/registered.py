"""The rotation functions that were registered by a command: a file in the home folder, which is this machine's own."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from rotator.config.functions import FunctionSettings, check_function
from rotator.config.permissions import check_unchangeable
from rotator.errors import ConfigurationError
from rotator.files import (
    create_private_file,
    locked_folder,
    make_private_folder,
    replace_private_file,
)

Functions: TypeAlias = Mapping[str, FunctionSettings]
"""Name → what was registered."""

_LOCK_TIMEOUT = 10.0  # seconds


def registered(
    path: Path, *, declared: Mapping[str, FunctionSettings]
) -> dict[str, FunctionSettings]:
    """Those in the file, and those that the configuration declares.

    Raises:
        ConfigurationError: the file can't be used, or both have one of the same name.
    """
    found = read(path)
    both = sorted(found.keys() & declared.keys())
    if both:
        raise ConfigurationError(
            f"functions.{both[0]}: a function of this name was registered by a command too. Take it out there: "
            f"rotate function remove {both[0]}"
        )
    return {**declared, **found}


def read(path: Path) -> dict[str, FunctionSettings]:
    """Those in the file; none where there is no file.

    Raises:
        ConfigurationError: it can't be read, was not written by the command, or other users may change it.
    """
    try:
        content = json.loads(path.read_bytes())
        found = {
            str(name): FunctionSettings(**each | {"environment": tuple(each["environment"])})
            for name, each in content.items()
        }
        for name, function in found.items():
            check_function(f"{path}: {name}", name, function)
        check_unchangeable(path)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}.") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ConfigurationError(
            f"{path} is not what `rotate function add` has written. Remove it, and add the functions again."
        ) from None
    return found


def change(path: Path, changed: Callable[[Functions], Functions]) -> None:
    """Puts what is made of those in the file in their place; one process after the other.

    Raises:
        ConfigurationError: it can't be read or written, or another process is at it for too long.
    """
    try:
        make_private_folder(path.parent)
        with locked_folder(path.parent, timeout=_LOCK_TIMEOUT):
            functions = changed(read(path))
            content = json.dumps({name: asdict(each) for name, each in functions.items()}, indent=2)
            save = replace_private_file if path.exists() else create_private_file
            save(path, content.encode())
    except OSError as error:
        raise ConfigurationError(f"{path} can't be written: {error.strerror}.") from None

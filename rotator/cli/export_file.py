"""The file of an export: a new one, private, and whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rotator.errors import ConfigurationError
from rotator.files import new_private_file


def refuse_existing(file: Path) -> None:
    """Nothing, where there is no such file yet.

    Raises:
        ConfigurationError: there is one.
    """
    if os.path.lexists(file):
        raise _exists(file)


@contextmanager
def new_export(file: Path) -> Iterator[BinaryIO]:
    """What the export is written to; under its name it appears when the block has ended well.

    Raises:
        ConfigurationError: there is such a file already, or it can't be made, as where its folder is missing.
    """
    try:
        with new_private_file(file) as sink:
            yield sink
    except FileExistsError:
        raise _exists(file) from None
    except OSError as error:
        raise ConfigurationError(
            f"The export can't be written to {file}: {error.strerror}. There is no such file now; name another place."
        ) from None


def _exists(file: Path) -> ConfigurationError:
    return ConfigurationError(
        f"There is a file {file} already. An export never replaces one: name another."
    )

"""Work on sealing keys, and every effect of it: what a process that is killed may leave half-done."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy.engine.default import DefaultDialect

from rotator.crypto.key_export import open_keys
from rotator.manager.manager import SecretsManager
from tests.support.manager import ME

ALIAS = "alias/payments"
PASSPHRASE = "correct horse battery staple"

WORK: Mapping[str, Callable[[SecretsManager, str], object]] = {
    "rewrap_keys": lambda manager, _: manager.rewrap_keys(**ME, batch=3),
    "rotate_key": lambda manager, _: manager.rotate_key(**ME),
    "rotate_alias": lambda manager, _: manager.rotate_key(**ME, alias=ALIAS),
    "create_key": lambda manager, _: manager.create_key(**ME),
    "disable_key": lambda manager, key: manager.disable_key(**ME, key=key),
    "enable_key": lambda manager, key: manager.enable_key(**ME, key=key),
    "import_keys": lambda manager, file: manager.import_keys(
        **ME, keys=open_keys(Path(file).read_bytes(), under=PASSPHRASE)
    ),
}
"""By name: what a killed process was at, with the one thing that it has to be told."""

_FILES = ("fsync", "link", "replace", "unlink")


@contextlib.contextmanager
def key_effects(act: Callable[[str], None]) -> Iterator[None]:
    """Calls `act` before and after each commit, and each step that makes a file durable or gives it a name."""

    def around(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any, **kwargs: Any) -> Any:
            act(f"{name}: before")
            result = call(*args, **kwargs)
            act(f"{name}: after")
            return result

        return watched

    with contextlib.ExitStack() as patches:
        commit = around("commit", DefaultDialect.do_commit)
        patches.enter_context(patch.object(DefaultDialect, "do_commit", commit))
        for name in _FILES:
            patches.enter_context(patch.object(os, name, around(name, getattr(os, name))))
        yield

"""What tests look at where versions move from one sealing key to another."""

from typing import Any

from sqlalchemy import select

from rotator.manager.manager import SecretsManager
from rotator.store.store import Store
from rotator.store.tables import versions
from tests.support.manager import ME, token, value


def fill(manager: SecretsManager, *, secrets: int, versions_each: int = 1) -> dict[str, str]:
    """Secrets with several versions each; gives what `read_all` has to give."""
    for number in range(secrets):
        name = f"secret-{number}"
        for version in range(1, versions_each + 1):
            text = value(f"{name}, version {version}")
            if version == 1:
                manager.create_secret(**ME, name=name, value=text, client_request_token=token(1))
            else:
                manager.put_secret_value(
                    **ME, secret_id=name, value=text, client_request_token=token(version)
                )
    return {
        f"secret-{number} {version}": f"secret-{number}, version {version}"
        for number in range(secrets)
        for version in range(1, versions_each + 1)
    }


def read_all(manager: SecretsManager, expected: dict[str, str]) -> dict[str, str | None]:
    """Every version of what `fill` made, opened."""
    found = {}
    for place in expected:
        name, _, version = place.partition(" ")
        read = manager.get_secret_value(**ME, secret_id=name, version_id=token(int(version)))
        found[place] = read.value.string
    return found


def rows(store: Store) -> dict[tuple[int, str], Any]:
    """Every version's row, by secret and version id."""
    with store.read() as tx:
        found = tx.connection.execute(select(versions)).all()
    return {(row.secret_id, row.version_id): row for row in found}


def keys_of(store: Store) -> set[str]:
    """The keys that anything is sealed under."""
    return {row.key_id for row in rows(store).values() if row.key_id is not None}

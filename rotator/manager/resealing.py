"""Another sealing key for the labelled versions of one secret."""

from collections.abc import Mapping
from dataclasses import dataclass

from rotator.crypto.envelope import Sealer, Wrapped
from rotator.manager.operations import seal_context
from rotator.store import rewrap
from rotator.store.secrets import SecretRow
from rotator.store.store import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealing:
    """Data keys on their way to another sealing key, by version id.

    Attributes:
        before: as the labelled versions had them when they were read.
        after: as they shall be, where they change.
    """

    secret_id: int
    before: Mapping[str, Wrapped]
    after: Mapping[str, Wrapped]

    def apply(self, tx: Tx, secret: SecretRow) -> bool:
        """Writes them, in the transaction that locked the secret's row.

        Returns:
            False, with nothing written, where other versions are labelled by now, or have other data keys: read and
            reseal them anew.
        """
        if secret.id != self.secret_id or rewrap.labelled(tx, secret.id) != self.before:
            return False
        rewrap.replace(
            tx,
            [
                rewrap.Move(
                    secret_id=secret.id,
                    version_id=version_id,
                    before=self.before[version_id],
                    after=wrapped,
                )
                for version_id, wrapped in self.after.items()
            ],
        )
        return True


def reseal(
    sealer: Sealer, secret: SecretRow, labelled: Mapping[str, Wrapped], *, key: str | None
) -> Resealing:
    """The data keys of the labelled versions under another sealing key; to be called outside of every transaction.

    AWS: "If you change the KMS key, Secrets Manager re-encrypts the versions AWSCURRENT, AWSPENDING and AWSPREVIOUS".
    No value is opened.

    Args:
        labelled: what `rewrap.labelled` gave.
        key: the name of the new key; None for the default one.

    Raises:
        KeyUnavailable: one of the keys can't be had.
        DecryptionFailure: a version's row was altered.
    """
    key_id = sealer.provider.resolve(key)
    after = {
        version_id: sealer.rewrap(wrapped, context=seal_context(secret, version_id), key=key)
        for version_id, wrapped in labelled.items()
        if wrapped.key_id != key_id
    }
    return Resealing(secret_id=secret.id, before=labelled, after=after)

"""All operations on secrets, as one object."""

from rotator.manager.describing import Describing
from rotator.manager.lifecycle import Lifecycle
from rotator.manager.reading import Reading
from rotator.manager.rotating import Rotating
from rotator.manager.writing import Writing


class SecretsManager(Lifecycle, Reading, Writing, Describing, Rotating):
    """The operations of the Secrets Manager API on one store, with the real service's semantics.

    Every method takes the caller and a request id, decides on the row that it reads in its own transaction what the
    caller may, and leaves its audit record in that transaction. Values are sealed and opened outside of transactions.
    """

"""All operations on secrets, as one object."""

from rotator.manager.access_keys import AccessKeys
from rotator.manager.batch import Batching
from rotator.manager.bulk import Bulk
from rotator.manager.creating import Creating
from rotator.manager.deleting import Deleting
from rotator.manager.describing import Describing
from rotator.manager.exporting import Exporting
from rotator.manager.keys import Keys
from rotator.manager.passwords import Passwords
from rotator.manager.policies import Policies
from rotator.manager.principal_policies import PrincipalPolicies
from rotator.manager.principals import Principals
from rotator.manager.pruning import Pruning
from rotator.manager.purging import Purging
from rotator.manager.reading_together import ReadingTogether
from rotator.manager.repairing import Repairing
from rotator.manager.replanning import Replanning
from rotator.manager.replicating import Replicating
from rotator.manager.rewrapping import Rewrapping
from rotator.manager.rotating import Rotating
from rotator.manager.simulating import Simulating
from rotator.manager.staging import Staging
from rotator.manager.tagging import Tagging
from rotator.manager.watching import Watching
from rotator.manager.writing import Writing


class SecretsManager(
    Creating,
    Deleting,
    Purging,
    Pruning,
    ReadingTogether,
    Watching,
    Batching,
    Writing,
    Staging,
    Tagging,
    Policies,
    Passwords,
    Describing,
    Rotating,
    Replanning,
    Replicating,
    Bulk,
    Exporting,
    Keys,
    Rewrapping,
    Principals,
    PrincipalPolicies,
    AccessKeys,
    Repairing,
    Simulating,
):
    """The operations of the Secrets Manager API on one store, with the real service's semantics.

    Every method takes the caller and a request id, decides on the row that it reads in its own transaction what the
    caller may, and leaves its audit record in that transaction. Values are sealed and opened outside of transactions.
    """

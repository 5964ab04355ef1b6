"""TagResource and UntagResource."""

from collections.abc import Collection, Mapping

from rotator.manager import limits
from rotator.manager.asked import asked, asked_tags
from rotator.manager.call import Call
from rotator.manager.checks import check_tag_count, check_tags
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.manager.results import SecretName, Untagged
from rotator.model.caller import Caller
from rotator.store import search, tags
from rotator.store.secrets import SecretRow


class Tagging(Operations):
    """How secrets are tagged."""

    @audited("TagResource")
    def tag_resource(
        self, *, caller: Caller, request_id: str, secret_id: str, tags: Mapping[str, str]
    ) -> SecretName:
        """Puts tags on a secret, over those of the same keys.

        Raises:
            InvalidParameter: there would be more than 50, or a key begins with `aws:`.
            InvalidRequest: the secret is marked for deletion.
            ResourceNotFound: no such secret.
            ValidationError: a key or a value is out of its limits.
        """
        check_tags(tags)
        call = Call(
            event="TagResource",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
            asked=asked_tags(tags),
        )
        done = self._tag(call, put=tags)
        return SecretName(arn=done.arn, name=done.name)

    @audited("UntagResource")
    def untag_resource(
        self, *, caller: Caller, request_id: str, secret_id: str, tag_keys: Collection[str]
    ) -> Untagged:
        """Takes the tags of these keys off a secret; a key that it doesn't have is no error.

        Raises:
            InvalidRequest: the secret is marked for deletion.
            ResourceNotFound: no such secret.
            ValidationError: a key is out of its limits.
        """
        limits.check("UntagResource", TagKeys=tag_keys)
        call = Call(
            event="UntagResource",
            caller=caller,
            request_id=request_id,
            secret_id=secret_id,
            asked=asked("aws:", TagKeys=list(tag_keys)),
        )
        return self._tag(call, remove=tag_keys)

    def _tag(
        self, call: Call, *, put: Mapping[str, str] | None = None, remove: Collection[str] = ()
    ) -> Untagged:
        put = put or {}
        with self._store.write() as tx:
            secret = call.find_usable(tx, for_update=True)
            removed = tags.remove(tx, secret.id, remove)
            if put:
                check_tag_count(tags.put(tx, secret.id, put))
            search.refresh(tx, secret.id)
            due = self._planner.due_anew(tx, secret, now=tx.now) if self._minds_tags(secret) else {}
            call.change(
                tx,
                secret,
                {"changed_at": tx.now, "tagged": secret.tagged or bool(put), **due},
                detail={"tag_keys": sorted({*put, *remove})},
                tags=put,
                untagged=remove,
            )
        return Untagged(arn=secret.arn, name=secret.name, removed=removed)

    def _minds_tags(self, secret: SecretRow) -> bool:
        """Whether other tags may mean other blackouts for the secret."""
        return secret.due_basis is not None and self._planner.minds_tags

"""The sealing keys: what there is, what is sealed under them, and every change to them, on record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rotator.crypto.keyring import new_key
from rotator.crypto.keyring_provider import HeldKeys, KeyringProvider
from rotator.crypto.sealing_keys import Keyring, KeyState, SealingKey
from rotator.errors import InvalidRequest
from rotator.manager.call import Call
from rotator.manager.cursor import Part, refused
from rotator.manager.key_descriptions import (
    ImportedKeys,
    KeyDescription,
    KeySecrets,
    described,
    descriptions,
    id_of,
    uses,
)
from rotator.manager.operations import Operations
from rotator.manager.refusals import audited
from rotator.model.caller import Caller
from rotator.sdk import key_in
from rotator.store import access_key_rows, rewrap, sealing
from rotator.store.store import Tx

_NAMED = 5  # secrets that a refusal names


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changed:
    """Keys as they shall be.

    Attributes:
        detail: what the audit record says of the change.
        new: the ids of those that were not there.
    """

    keyring: Keyring
    detail: Mapping[str, Any]
    new: Sequence[str] = ()


class Keys(Operations):
    """How sealing keys are looked after. They belong to the installation: every account seals under them."""

    @audited("ListKeys")
    def list_keys(self, *, caller: Caller, request_id: str) -> tuple[KeyDescription, ...]:
        """The keys, the active one first; those that are missing last.

        Raises:
            KeyUnavailable: the provider has no keys to give.
        """
        call = Call(event="ListKeys", caller=caller, request_id=request_id)
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            used = uses(tx)
            call.record(tx, None)
        return descriptions(self._sealer.provider, used)

    @audited("ListKeySecrets")
    def list_key_secrets(
        self,
        *,
        caller: Caller,
        request_id: str,
        key: str,
        cursor: str | None = None,
        max_results: int = 100,
    ) -> KeySecrets:
        """The secrets that have a version under a key, and so can't be read in full without it; and what else it seals.

        Args:
            key: a key's id, alias or ARN; a key that is missing has its id only.
            cursor: `next_cursor` of the page before.

        Raises:
            InvalidNextToken: the cursor is none of this list.
        """
        call = Call(event="ListKeySecrets", caller=caller, request_id=request_id)
        key_id = id_of(self._sealer.provider, key)
        bound_to = (call.event, key_id)
        after = 0 if cursor is None else _place(self._cursors.decode(cursor, of=bound_to))
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            total = rewrap.count_secrets_under(tx, key_id)
            found = rewrap.secrets_under(tx, key_id, after=after, limit=max_results + 1)
            names = {name: rewrap.count_asking_for(tx, name) for name in rewrap.names_used(tx)}
            access_keys = access_key_rows.counts_under(tx).get(key_id, 0)
            call.record(tx, None, detail={"key": key_id})
        shown = found[:max_results]
        asking = {
            name: counts
            for name, counts in names.items()
            if id_of(self._sealer.provider, name) == key_id
        }
        return KeySecrets(
            key_id=key_id,
            total=total,
            names=tuple(name for _, name, _ in shown),
            asked_as={name: own for name, (own, _) in asking.items() if own},
            replicas_as={name: replicas for name, (_, replicas) in asking.items() if replicas},
            access_keys=access_keys,
            next_cursor=self._cursors.encode((shown[-1][0],), of=bound_to)
            if len(found) > max_results
            else None,
        )

    @audited("CreateKey")
    def create_key(
        self, *, caller: Caller, request_id: str, alias: str | None = None
    ) -> KeyDescription:
        """Makes a key that is not active, so that secrets may ask for it, by its id or its alias.

        Raises:
            InvalidParameter, ResourceExists: the alias can't be one, or is in use.
            InvalidRequest: the provider's keys are not rotator's to change.
            KeyUnavailable: the keys can't be read or written.
        """
        call = Call(event="CreateKey", caller=caller, request_id=request_id)
        return self._add(call, lambda keyring, key: keyring.with_key(key, alias=alias), alias=alias)

    @audited("RotateKey")
    def rotate_key(
        self, *, caller: Caller, request_id: str, alias: str | None = None
    ) -> KeyDescription:
        """Makes a key that takes over: as the active one, or under `alias`. What is sealed stays under the older key.

        Raises:
            ResourceNotFound: there is no such alias.
            InvalidRequest: the provider's keys are not rotator's to change.
            KeyUnavailable: the keys can't be read or written.
        """
        call = Call(event="RotateKey", caller=caller, request_id=request_id)
        return self._add(call, lambda keyring, key: keyring.rotated(key, alias=alias), alias=alias)

    @audited("DisableKey")
    def disable_key(self, *, caller: Caller, request_id: str, key: str) -> KeyDescription:
        """Closes every version that is sealed under a key until it is enabled again.

        Raises:
            ResourceNotFound: no such key.
            InvalidRequest: it is the active one, or the provider's keys are not rotator's to change.
            KeyUnavailable: the keys can't be read or written.
        """
        call = Call(event="DisableKey", caller=caller, request_id=request_id)
        return self._set(call, key, lambda ring: ring.with_state(key, KeyState.DISABLED))

    @audited("EnableKey")
    def enable_key(self, *, caller: Caller, request_id: str, key: str) -> KeyDescription:
        """Opens again what disabling a key has closed.

        Raises:
            ResourceNotFound: no such key.
            InvalidRequest: the provider's keys are not rotator's to change.
            KeyUnavailable: the keys can't be read or written.
        """
        call = Call(event="EnableKey", caller=caller, request_id=request_id)
        return self._set(call, key, lambda ring: ring.with_state(key, KeyState.ENABLED))

    @audited("SetKeyAlias")
    def set_key_alias(
        self, *, caller: Caller, request_id: str, alias: str, key: str
    ) -> KeyDescription:
        """Lets an alias name a key, a new one or one that named another key so far.

        Raises:
            InvalidParameter: no alias can be written like this.
            ResourceNotFound: no such key.
            InvalidRequest: the key is disabled, or the provider's keys are not rotator's to change.
            KeyUnavailable: the keys can't be read or written.
        """
        call = Call(event="SetKeyAlias", caller=caller, request_id=request_id)
        return self._set(call, alias, lambda ring: ring.with_alias(alias, key))

    @audited("RemoveKeyAlias")
    def remove_key_alias(self, *, caller: Caller, request_id: str, alias: str) -> None:
        """Takes an alias away that no secret asks for.

        Raises:
            ResourceNotFound: there is none.
            InvalidRequest: secrets ask for it, or the provider's keys are not rotator's to change.
            KeyUnavailable: the keys can't be read or written.
        """
        call = Call(event="RemoveKeyAlias", caller=caller, request_id=request_id)

        def remove(keyring: Keyring) -> _Changed:
            with self._store.read() as tx:
                _refuse_used_alias(tx, alias)
            return _Changed(keyring=keyring.without_alias(alias), detail={"alias": alias})

        self._change(call, remove)

    @audited("ExportKeys")
    def export_keys(self, *, caller: Caller, request_id: str, keys: Sequence[str] = ()) -> Keyring:
        """The named keys, or all of them, with the keys themselves: for a file that is sealed.

        Raises:
            ResourceNotFound: one of them is not there.
            InvalidRequest: the provider doesn't give its keys away.
            KeyUnavailable: the keys can't be read.
        """
        call = Call(event="ExportKeys", caller=caller, request_id=request_id)
        keyring = self._provider().keyring
        exported = keyring.only(keys) if keys else keyring
        with self._store.read() as tx:
            call.permit(account=caller.account, region=caller.region)
            call.record(tx, None, detail={"keys": sorted(exported.keys)})
        return exported

    @audited("ImportKeys")
    def import_keys(self, *, caller: Caller, request_id: str, keys: Keyring) -> ImportedKeys:
        """Adds exported keys to those that are there, or makes the provider's keys of them where there are none.

        The provider's active key has to be enabled: where there are none and the exported ones are all disabled, the
        active one of these is enabled, since without a keyring nothing could be recovered.

        Raises:
            ResourceExists: another key has the id of one of them; nothing was imported.
            InvalidRequest: the provider's keys are not rotator's to change.
            KeyUnavailable: the keys can't be read or written, or are another store's; nothing was imported.
        """
        call = Call(event="ImportKeys", caller=caller, request_id=request_id)
        new: list[str] = []
        aliases: dict[str, str] = {}

        def add(before: Keyring | None) -> _Changed:
            made = keys.with_state(keys.active, KeyState.ENABLED)
            after = made if before is None else before.importing(keys)
            new[:] = sorted(after.keys.keys() - (before.keys.keys() if before else set()))
            known = before.aliases if before else {}
            aliases.update(
                {alias: of for alias, of in sorted(after.aliases.items()) if alias not in known}
            )
            with self._store.read() as tx:
                sealing.require_known(tx, HeldKeys(after), shown=self._store.url_shown)
            detail = {"keys": new, "aliases": aliases, "active": after.active}
            return _Changed(keyring=after, detail=detail, new=new)

        after = self._change_or_make(call, add)
        return ImportedKeys(
            keys=tuple(self._described(after, key_id) for key_id in new), aliases=aliases
        )

    def _add(
        self,
        call: Call,
        add: Callable[[Keyring, SealingKey], Keyring],
        *,
        alias: str | None,
    ) -> KeyDescription:
        with self._store.read() as tx:
            key = new_key(tx.now)

        def added(before: Keyring) -> _Changed:
            detail = {"key": key.key_id, "alias": alias}
            return _Changed(keyring=add(before, key), detail=detail, new=[key.key_id])

        return self._described(self._change(call, added), key.key_id)

    def _set(self, call: Call, name: str, change: Callable[[Keyring], Keyring]) -> KeyDescription:
        """Changes what is said about the key that `name` names then."""

        def changed(before: Keyring) -> _Changed:
            after = change(before)
            detail = {"key": after.find(name).key_id, "name": name}
            return _Changed(keyring=after, detail=detail)

        after = self._change(call, changed)
        return self._described(after, after.find(name).key_id)

    def _change(self, call: Call, change: Callable[[Keyring], "_Changed"]) -> Keyring:
        provider = self._provider()
        # Where there are no keys, asking for them tells why.
        return self._change_or_make(
            call, lambda before: change(provider.keyring if before is None else before)
        )

    def _change_or_make(
        self, call: Call, change: Callable[[Keyring | None], "_Changed"]
    ) -> Keyring:
        """The changed keys. A change is on record before it is made: what can't be recorded isn't done.

        One that was recorded and then could not be made leaves the record of its failure after that.
        """

        def recording(before: Keyring | None) -> Keyring:
            changed = change(before)
            with self._store.write() as tx:
                call.permit(account=call.caller.account, region=call.caller.region)
                held = HeldKeys(changed.keyring)
                for key_id in changed.new:
                    if changed.keyring.keys[key_id].state is KeyState.ENABLED:
                        sealing.take_in(tx, held, key_id)
                call.record(tx, None, detail=changed.detail)
            return changed.keyring

        return self._provider().change_or_make(recording)

    def _described(self, keyring: Keyring, key_id: str) -> KeyDescription:
        with self._store.read() as tx:
            return described(tx, keyring, key_id)

    def _provider(self) -> KeyringProvider:
        provider = self._sealer.provider
        if not isinstance(provider, KeyringProvider):
            raise InvalidRequest(
                "The key provider keeps its sealing keys itself, and rotator can neither change nor export them. Do it "
                "where they are kept; `rotate key rewrap` then moves what is sealed under an older one."
            )
        return provider


def _place(named: Sequence[Part]) -> int:
    match named:
        case (int(row_id),):
            return row_id
    raise refused()


def _refuse_used_alias(tx: Tx, alias: str) -> None:
    for name in rewrap.names_used(tx):
        if key_in(name) == alias:
            secrets = rewrap.secrets_asking_for(tx, name, limit=_NAMED)
            raise InvalidRequest(
                f"Secrets ask for {alias}, {', '.join(secrets)} among them: nothing new could be sealed for them. Let "
                f"the alias name another key (rotate key alias {alias} KEY), or give them another one first."
            )

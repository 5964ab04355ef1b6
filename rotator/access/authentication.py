"""Who a signed request is from."""

from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from rotator import telemetry
from rotator.access import sessions, sigv4
from rotator.access.sessions import Session
from rotator.access.signature import Signature
from rotator.access.signature import read as signature_of
from rotator.access.signed_request import SignedRequest, claimed_key
from rotator.crypto.envelope import Sealer
from rotator.errors import (
    AuthenticationFailed,
    DecryptionFailure,
    KeyUnavailable,
    RotatorError,
    StoreUnavailable,
    UnrecognizedClient,
)
from rotator.model.caller import Caller, CallerKind, RequestContext
from rotator.model.names import parse_secret_id
from rotator.store import access_key_rows, identities
from rotator.store.audit import Outcome
from rotator.store.notes import AuditEntry
from rotator.store.principal_rows import AccessKey, Identities, Principal
from rotator.store.store import Store, Tx

_log = telemetry.logger("access")
_INVALID = "The security token included in the request is invalid."
_MOST_KEPT = 4096
_LONGEST_AGENT = 256
_DAY = timedelta(days=1)
_MAPPED = "::ffff:"  # RFC 4291, section 2.5.5.2

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Kept(Generic[K, V]):
    """What was worked out lately; forgotten all at once when it is too much."""

    def __init__(self) -> None:
        self._found: dict[K, V] = {}
        self._lock = Lock()

    def get(self, key: K, work_out: Callable[[], V]) -> V:
        found = self._found.get(key)
        if found is None:
            found = work_out()
            with self._lock:
                if len(self._found) >= _MOST_KEPT:
                    self._found.clear()
                self._found[key] = found
        return found


class Authenticator:
    """Tells who signed a request, by the access keys in a store.

    What it lets in is looked up again by the manager, in the transaction of the operation itself.
    """

    def __init__(
        self,
        store: Store,
        sealer: Sealer,
        *,
        regions: frozenset[str],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._regions = regions
        self._now = now
        self._signing_keys: _Kept[tuple[str, bytes, str, str, str], bytes] = _Kept()
        self._sessions: _Kept[tuple[str, str], Session] = _Kept()
        self._noted: dict[str, datetime] = {}

    def authenticate(self, request: SignedRequest) -> Caller:
        """The caller that a request is from.

        Raises:
            AuthenticationFailed: nobody is known by it; `code` and `query_code` say what the real service says.
            KeyUnavailable, RowAltered, StoreUnavailable: nobody can be told from anyone.
        """
        now = self._now()
        signature = signature_of(request, regions=self._regions, now=now)
        return self._caller(request, signature, self._known(), now=now)

    def authenticate_all(
        self, requests: Sequence[SignedRequest]
    ) -> Sequence[Caller | RotatorError]:
        """The callers that requests are from, or what `authenticate` raises for one; one look serves all of them.

        Raises:
            KeyUnavailable, RowAltered, StoreUnavailable: nobody can be told from anyone.
        """
        now = self._now()
        known = self._known()
        found: list[Caller | RotatorError] = []
        for request in requests:
            try:
                signature = signature_of(request, regions=self._regions, now=now)
                found.append(self._caller(request, signature, known, now=now))
            except RotatorError as error:
                found.append(error)
        return found

    def _known(self) -> Identities:
        with self._store.glance() as tx:
            return identities.load(tx)

    def _caller(
        self, request: SignedRequest, signature: Signature, known: Identities, *, now: datetime
    ) -> Caller:
        if signature.session_token is not None:
            return self._by_session(request, signature, known, now=now)
        key, principal = _holder(known, signature.access_key_id)
        try:
            derived = self._signing_key(key, signature)
        except (DecryptionFailure, KeyUnavailable):
            key, principal = self._looked_up_anew(signature.access_key_id)
            derived = self._signing_key(key, signature)
        sigv4.verify(request, signature, key=derived)
        self._note_use(key, now)
        return _principal(principal, request, signature)

    def _by_session(
        self, request: SignedRequest, signature: Signature, known: Identities, *, now: datetime
    ) -> Caller:
        key_id, token = signature.access_key_id, signature.session_token or ""
        session = self._sessions.get(
            (key_id, token), lambda: sessions.read(self._sealer, key_id, token)
        )
        key = sigv4.signing_key(
            session.secret_access_key,
            date=signature.date,
            region=signature.region,
            service=signature.service,
        )
        sigv4.verify(request, signature, key=key)
        sessions.refuse_expired(session, now)
        if session.run is None:
            principal = known.with_unique_id(session.user_id or "")
            if principal is None or principal.disabled:
                raise UnrecognizedClient(_INVALID)
            return _principal(principal, request, signature)
        run = session.run
        account = parse_secret_id(run.secret_arn).account or ""
        return Caller(
            kind=CallerKind.FUNCTION,
            name=run.rotation_id,
            account=account,
            region=signature.region,
            arn=f"arn:aws:sts::{account}:assumed-role/rotation-function/{run.rotation_id}",
            user_id=f"{key_id}:{run.rotation_id}",
            context=_context(request, signature),
            run=run,
        )

    def _signing_key(self, key: AccessKey, signature: Signature) -> bytes:
        """What a day's requests of an access key are signed with; its secret is opened once for that."""
        scope = (signature.date, signature.region, signature.service)
        return self._signing_keys.get(
            (key.access_key_id, key.sealed.ciphertext, *scope),
            lambda: sigv4.signing_key(
                self._opened(key), date=scope[0], region=scope[1], service=scope[2]
            ),
        )

    def _looked_up_anew(self, access_key_id: str) -> tuple[AccessKey, Principal]:
        """A key as its row is now: a rewrap by another process changes no revision."""
        with self._store.read() as tx:
            tx.memory.identities = None
            return _holder(identities.load(tx), access_key_id)

    def _opened(self, key: AccessKey) -> str:
        try:
            context = access_key_rows.seal_context(key.access_key_id)
            return self._sealer.open(key.sealed, context=context).string or ""
        except DecryptionFailure:
            raise DecryptionFailure(
                f"The secret of the access key {key.access_key_id} can't be opened: its row in the store was altered "
                "or damaged. Nobody is let in by it. Make another one: rotate principal keys create"
            ) from None

    def _note_use(self, key: AccessKey, now: datetime) -> None:
        """Notes the day of a key's last use, once a day; whoever asks is not kept from an answer by that."""
        last = self._noted.get(key.access_key_id, key.used_on)
        if last is not None and now - last < _DAY:
            return
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        self._noted[key.access_key_id] = day

        def note(tx: Tx) -> None:
            access_key_rows.note_use(tx, key.access_key_id, day=day)

        try:
            self._store.write_with_others(note)
        except (StoreUnavailable, KeyUnavailable) as error:
            _log.warning("access.use.unnoted", message=str(error))

    def record_refusal(
        self,
        request: SignedRequest,
        error: AuthenticationFailed,
        *,
        request_id: str,
        event: str,
        account: str,
        region: str,
    ) -> None:
        """Commits the audit record of a request that nobody is known by.

        Args:
            event: the operation that was asked for.
            account: whose audit it stands in, as `region`: the server's own.

        Raises:
            KeyUnavailable, StoreUnavailable: it can't be recorded.
        """
        claimed = claimed_key(request)
        self._store.record(
            AuditEntry(
                request_id=request_id,
                account=account,
                region=region,
                principal=f"unknown:{claimed or '-'}",
                event=event[:64],
                secret_arn=None,
                version_id=None,
                outcome=str(Outcome.DENIED),
                detail={
                    "error": type(error).__name__,
                    "from": _origin(request, claimed).told,
                },
            )
        )
        error.recorded = True


def _holder(known: Identities, access_key_id: str) -> tuple[AccessKey, Principal]:
    key = known.keys.get(access_key_id)
    principal = None if key is None else known.principals.get(key.principal_id)
    if key is None or key.disabled or principal is None or principal.disabled:
        raise UnrecognizedClient(_INVALID)
    return key, principal


def _principal(principal: Principal, request: SignedRequest, signature: Signature) -> Caller:
    return Caller(
        kind=CallerKind.PRINCIPAL,
        name=principal.name,
        account=principal.account,
        region=signature.region,
        arn=principal.arn,
        user_id=principal.unique_id,
        context=_context(request, signature),
    )


def _context(request: SignedRequest, signature: Signature) -> RequestContext:
    return _origin(request, signature.access_key_id)


def _origin(request: SignedRequest, access_key_id: str | None) -> RequestContext:
    agent = next((value for name, value in request.headers if name == "user-agent"), None)
    return RequestContext(
        source_ip=_address(request.source_ip),
        secure_transport=request.secure,
        user_agent=None if agent is None else agent[:_LONGEST_AGENT],
        access_key_id=access_key_id,
    )


def _address(seen: str | None) -> str | None:
    """The client's address as policies name it: on a socket for both, one of IPv4 looks like one of IPv6."""
    if seen is not None and seen.startswith(_MAPPED) and "." in seen:
        return seen.removeprefix(_MAPPED)
    return seen

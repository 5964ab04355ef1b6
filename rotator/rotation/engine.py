"""The engine as the faces see it: rotates, resumes, aborts and retires, and looks as a `Looker` does."""

import random
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from rotator.crypto.envelope import Sealer
from rotator.errors import (
    PreflightRefused,
    RotationInProgress,
    RotatorError,
)
from rotator.manager.call import Call
from rotator.manager.next_due import Planner
from rotator.model.caller import Caller
from rotator.model.rotation import Phase, Status
from rotator.rotation.admission import Admission
from rotator.rotation.claim import BY_ITSELF, Claim, Purpose
from rotator.rotation.journal import Journal
from rotator.rotation.lease import LeaseKeeper
from rotator.rotation.looker import Looker, new_rotation_id
from rotator.rotation.own_runs import going
from rotator.rotation.owner import Owner
from rotator.rotation.patience import when_free
from rotator.rotation.policy import EnginePolicy
from rotator.rotation.registry import RotatorRegistry
from rotator.rotation.report import Observer, Report, ignore
from rotator.rotation.run import run
from rotator.rotation.steps import StepParts
from rotator.sdk import FailureKind
from rotator.store.store import Store

if TYPE_CHECKING:
    from rotator.sdk.functions import FunctionHost
    from rotator.store.secrets import SecretRow
    from rotator.store.tx import Tx


# Before a rotation begins an abandoned one is settled, an old credential retired, and what was left behind taken away.
_MOST_BEFORE = 3


def _is_preliminary(claim: Claim, report: Report, purpose: Purpose) -> bool:
    """Whether the run only made way for the rotation that was asked for."""
    if report.only_tested:
        return True
    if claim.abandoned:
        return report.status is Status.ABANDONED
    if claim.reverts:
        return report.status is Status.FAILED and purpose is Purpose.COMPROMISED
    if not claim.retires:
        return False
    failed = report.status is Status.UNRETIRED and purpose is Purpose.COMPROMISED
    return failed or report.status in {Status.SUCCEEDED, Status.ABANDONED}


def _new_token() -> str:
    return str(uuid.uuid4())


class Engine(Looker):
    """Rotates secrets. One engine serves any number of threads.

    Args:
        trust: path of the configured CA bundle, None where there is none.
        planner: works out when a secret is due next; None: by its rules alone.
        owner: which process the leases belong to.
        chance: a random number from 0 to 1, for the jitter.
        sleep: waits for some seconds.
        parks: nothing waits here: a rotation that has to is left to a later `run_due`, and one that can't begin for
            another secret's is refused.
        functions: serves rotation functions; called when one is needed.
    """

    def __init__(
        self,
        *,
        store: Store,
        sealer: Sealer,
        registry: RotatorRegistry,
        policy: EnginePolicy,
        trust: str | None,
        planner: Planner | None = None,
        owner: Owner | None = None,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], None] = time.sleep,
        parks: bool = False,
        functions: "Callable[[], FunctionHost] | None" = None,
    ) -> None:
        super().__init__(
            store=store,
            sealer=sealer,
            registry=registry,
            policy=policy,
            trust=trust,
            functions=functions,
        )
        self._chance = chance
        self._sleep = sleep
        self._parks = parks
        self._journal = Journal(store, policy, owner or Owner.me(), planner=planner or Planner())
        self._admission = Admission(self._journal, new_rotation_id, _new_token)
        self._leases = LeaseKeeper(self._journal)

    def rotate(
        self,
        secret_id: str,
        *,
        caller: Caller,
        request_id: str,
        observer: Observer = ignore,
        end_grace: bool = False,
        compromised: bool = False,
    ) -> Report:
        """Rotates a secret now. What an earlier run left unfinished is taken up first, with its token; an old
        credential whose grace period is over is retired first.

        The report is that of the retirement where it fails, and nothing is rotated then.

        Args:
            end_grace: retire it also where the grace period lasts.
            compromised: the same, whether it fails or not; and give what is replaced no grace either: it is retired at
                once, and the sessions that use it are ended.

        Raises:
            ResourceNotFound: no such secret, or its rotator is not installed.
            InvalidRequest: it has no rotator, or is marked for deletion.
            RotationInProgress: another process holds the lease, the grace period of the last rotation lasts, or the
                retirement waits for clients.
            PreflightRefused: it can't work as things are; nothing was changed.
            StoreUnavailable: the store went away; a later run resumes.
        """
        purpose = Purpose.ROTATE
        if compromised or end_grace:
            purpose = Purpose.COMPROMISED if compromised else Purpose.END_GRACE
        report, claim = self._with_what_comes_first(
            secret_id, purpose, caller=caller, request_id=request_id, observer=observer
        )
        if claim.retires and report.status is Status.GRACE:
            raise RotationInProgress(
                f"{report.secret_name} is not rotated yet: {report.failure.message if report.failure else ''}. It is "
                f"waited for; not to wait: rotate now {report.secret_name} --end-grace"
            )
        failure = report.failure
        if (
            report.status is Status.FAILED
            and failure is not None
            and failure.kind is FailureKind.MISCONFIGURED
            # A later attempt's preflight says no as well, but then the target was changed and put back.
            and all(step.phase is Phase.PREFLIGHT for step in report.steps)
        ):
            raise PreflightRefused(
                f"{report.secret_name} can't be rotated as things are, and nothing was changed: {failure.message}"
                + (f". What to do: {failure.hint}" if failure.hint else "")
            )
        return report

    def requested(self, token: str) -> "Callable[[Tx, Call, SecretRow], None]":
        """What begins a rotation with this token in a transaction of the manager's, for whoever looks what is due.

        The function that is given takes the transaction, the call and the secret's row as it is then, and raises what
        `requesting.request` raises.
        """
        from rotator.rotation.requesting import request  # a rotation by hand does without it

        return partial(request, rotation_id=new_rotation_id(), token=token, policy=self._policy)

    def requested_test(self, token: str) -> "Callable[[Tx, Call, SecretRow], None]":
        """What begins a test of the secret's function in the same way, on a temporary version with this token."""
        from rotator.rotation.requesting import request_test  # a rotation by hand does without it

        return partial(
            request_test, rotation_id=new_rotation_id(), token=token, policy=self._policy
        )

    def run_due(
        self, secret_id: str, *, caller: Caller, request_id: str, observer: Observer = ignore
    ) -> Report | None:
        """Does what is to be done with a secret by now: goes on with its rotation, retires what has had its grace, or
        rotates it where its planned moment has come. None where it isn't due, or not any more.

        Attempts go on being counted where they were. Raises what `rotate` raises, but for PreflightRefused.
        """
        return self._run(
            secret_id, Purpose.DUE, caller=caller, request_id=request_id, observer=observer
        )[0]

    def resume(
        self, secret_id: str, *, caller: Caller, request_id: str, observer: Observer = ignore
    ) -> Report | None:
        """Takes up the unfinished rotation of a secret; None where there is none. Raises what `rotate` raises."""
        return self._run(
            secret_id, Purpose.RESUME, caller=caller, request_id=request_id, observer=observer
        )[0]

    def abort(
        self, secret_id: str, *, caller: Caller, request_id: str, observer: Observer = ignore
    ) -> Report | None:
        """Puts the target back to AWSCURRENT, proves it, and clears AWSPENDING; None where nothing is unfinished.

        Raises:
            InvalidRequest: AWSCURRENT has moved already.
        """
        return self._run(
            secret_id, Purpose.ABORT, caller=caller, request_id=request_id, observer=observer
        )[0]

    def retire(
        self,
        secret_id: str,
        *,
        caller: Caller,
        request_id: str,
        observer: Observer = ignore,
        due_only: bool = False,
    ) -> Report | None:
        """Makes the target refuse the credential that the last rotation replaced, and proves it; None where there is
        none that still logs in.

        Whoever still uses it is not waited for, unless with `due_only`, as the secret's settings say.

        Args:
            due_only: only where its grace period is over.

        Raises:
            RotationInProgress: another process is at it.
        """
        purpose = Purpose.RETIRE_DUE if due_only else Purpose.RETIRE
        return self._run(
            secret_id, purpose, caller=caller, request_id=request_id, observer=observer
        )[0]

    def _with_what_comes_first(
        self,
        secret_id: str,
        purpose: Purpose,
        *,
        caller: Caller,
        request_id: str,
        observer: Observer,
    ) -> tuple[Report, Claim]:
        left = _MOST_BEFORE
        while True:
            report, claim = self._run(
                secret_id, purpose, caller=caller, request_id=request_id, observer=observer
            )
            if report is None or claim is None:
                raise AssertionError("a claim to rotate always gives a run")
            if left == 0 or not _is_preliminary(claim, report, purpose):
                return report, claim
            left -= 1

    def _run(
        self,
        secret_id: str,
        purpose: Purpose,
        *,
        caller: Caller,
        request_id: str,
        observer: Observer,
    ) -> tuple[Report | None, Claim | None]:
        """The report, and the claim that it began with."""
        owner = self._admission.new_owner()
        with going(owner):
            return self._run_as(
                owner,
                secret_id,
                purpose,
                caller=caller,
                request_id=request_id,
                observer=observer,
            )

    def _run_as(
        self,
        owner: Owner,
        secret_id: str,
        purpose: Purpose,
        *,
        caller: Caller,
        request_id: str,
        observer: Observer,
    ) -> tuple[Report | None, Claim | None]:
        def attempt() -> Claim | None:
            return self._admission.claim(
                secret_id,
                caller=caller,
                request_id=request_id,
                purpose=purpose,
                owner=owner,
                ready=lambda rotator: self._make(self._entry(rotator)).close(),
            )

        patience = 0.0 if self._parks else self._policy.lease
        call = Call(event="RotateSecret", caller=caller, request_id=request_id, secret_id=secret_id)
        try:
            # Its end is stored with the next due time: what can't be ended must not begin.
            self._journal.planner.check()
            claim = when_free(attempt, patience=patience, sleep=self._sleep)
        except RotatorError as error:
            # That somebody else is at it is no refusal to who only looked whether something is due.
            if purpose not in BY_ITSELF or not isinstance(error, RotationInProgress):
                told = {"reason": str(error)} if purpose in BY_ITSELF else {}
                call.ended_with(error, self._store, asked={"purpose": purpose, **told})
            raise
        if claim is None:
            if purpose not in BY_ITSELF:
                self._store.record(call.nothing_done({"purpose": str(purpose)}))
            return None, None
        # What ends as it begins needs no rotator, which may be gone.
        entry = None if claim.state.phase is Phase.ENDED else self._entry(claim.rotator)
        parts = StepParts(
            journal=self._journal,
            admission=self._admission,
            sealer=self._sealer,
            rotator=claim.rotator if entry is None else entry.name,
            make_rotator=lambda: self._make(self._entry(claim.rotator)),
            trust=self._trust,
            chance=self._chance,
            sleep=self._sleep,
            parks=self._parks,
            invokes=entry is not None and entry.invokes,
        )
        report = run(claim, leases=self._leases, parts=parts, observer=observer)
        return report, claim

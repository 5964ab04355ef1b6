"""The machine's arrows, one by one, from outcome to end: what is done in which order, and how it ends."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from rotator.model.rotation import Failure, Goal, MachineState, Phase, Status
from rotator.rotation import machine
from rotator.rotation.actions import Act, Action, Done, Facts, Failed, Outcome, Proved
from rotator.rotation.policy import RetryPolicy
from rotator.sdk import Candidate, FailureKind, Overlap, Proof

POLICY = RetryPolicy(attempts=2, reverts=2, base=1.0, jitter=0.0)
TWO = Facts(candidates=frozenset({Candidate.CURRENT, Candidate.PENDING}))
WITH_ADMIN = replace(TWO, has_admin=True)
ALL = Facts(candidates=frozenset(Candidate))
ONLY_CURRENT = Facts(candidates=frozenset({Candidate.CURRENT}))
OK = Done()
YES, NO = Proved(Proof.ACCEPTED), Proved(Proof.REFUSED)
SET_SENT = MachineState(
    phase=Phase.SET, overlap=Overlap.GAP, created=True, touched=True, dirty=False
)
TESTED = replace(SET_SENT, phase=Phase.FINISH, dirty=True, live=Candidate.PENDING)
REVERTING = replace(
    SET_SENT,
    phase=Phase.REVERT,
    goal=Goal.REVERT,
    dirty=True,
    live=Candidate.PENDING,
    failure=Failure(phase=Phase.TEST, kind=FailureKind.REFUSED, message="first"),
)


def fails(kind: FailureKind) -> Failed:
    return Failed(Failure(phase=Phase.SET, kind=kind, message=f"{kind} again"))


def play(
    state: MachineState, outcomes: Sequence[Outcome], *, facts: Facts = TWO
) -> tuple[list[str], MachineState]:
    """Feeds outcomes; a wait is slept through as the run does it. Gives what was done, and the state after it."""
    done = []
    left = list(outcomes)
    while left and state.phase is not Phase.ENDED:
        action = machine.next_action(state)
        if action.act is Act.WAIT:
            done.append("wait")
            state = slept(state, facts)
            continue
        done.append(shown(action))
        state = machine.advance(state, left.pop(0), facts=facts, policy=POLICY)
    assert not left, f"{left} was never asked for: {done}"
    return done, state


def slept(state: MachineState, facts: Facts) -> MachineState:
    """The state that a run takes up after waiting: what the row kept of it."""
    kept = replace(state, probes=(), delay=0.0)
    if state.goal is Goal.SETTLE:
        return machine.settling(kept, facts=facts)
    return machine.resumed(kept, facts=facts, taken_over=False)


def shown(action: Action) -> str:
    return f"{action.act} {action.candidate}" if action.candidate else str(action.act)


def new(facts: Facts = TWO) -> MachineState:
    return machine.begin(created=False, uncertain=False, facts=facts)


def test_the_straight_way() -> None:
    """Preflight, create, journal, set, test, finish: then it has succeeded, without a probe."""
    done, state = play(new(), [Done(Overlap.GAP), OK, OK, OK, OK, OK])

    assert done == ["preflight", "create", "open", "set", "test", "finish"]
    assert (state.status, state.finished, state.failure) == (Status.SUCCEEDED, True, None)
    assert state.overlap is Overlap.GAP


def test_a_takeover_is_confirmed() -> None:
    """After a takeover the new value is probed once more before success is reported."""
    taken = machine.resumed(replace(SET_SENT), facts=TWO, taken_over=True)

    done, state = play(taken, [YES, OK, OK, YES])

    assert done == ["probe pending", "test", "finish", "probe pending"]
    assert state.status is Status.SUCCEEDED


@pytest.mark.parametrize("kind", [FailureKind.UNREACHABLE, FailureKind.BUSY, FailureKind.UNKNOWN])
def test_preflight_that_may_mend_itself_is_tried_again(kind: FailureKind) -> None:
    """The whole attempt repeats after a delay, and nothing is probed since nothing was changed."""
    outcomes: list[Outcome] = [fails(kind), Done(Overlap.GAP)]

    done, state = play(new(), outcomes)

    assert done == ["preflight", "wait", "preflight"]
    assert state.attempt == 2


def test_a_misconfiguration_is_not_tried_again() -> None:
    """What no retry can mend ends at once, with the target as before."""
    done, state = play(new(), [fails(FailureKind.MISCONFIGURED)])

    assert done == ["preflight"]
    assert state.status is Status.FAILED
    assert state.failure is not None


def test_a_refused_change_leaves_the_target_as_it_was() -> None:
    """A change that is refused twice: failed, without probes and without a revert, since nothing was changed."""
    refused = fails(FailureKind.REFUSED)

    done, state = play(SET_SENT, [refused, Done(Overlap.GAP), OK, refused])

    assert done == ["set", "wait", "preflight", "open", "set"]
    assert state.status is Status.FAILED


def test_a_refused_password_gives_way_to_another() -> None:
    """Where the policy refuses the value, and nothing has it, the next attempt makes a stricter one at once."""
    policy = fails(FailureKind.POLICY)

    done, state = play(SET_SENT, [policy, Done(Overlap.GAP), OK, OK, OK, OK, OK])

    assert done == ["set", "preflight", "create", "open", "set", "test", "finish"]
    assert (state.status, state.attempt, state.strictness) == (Status.SUCCEEDED, 2, 1)


def test_refused_passwords_have_all_attempts() -> None:
    """More than other refusals: each is another value, so trying again helps."""
    late = replace(SET_SENT, attempt=2)
    policy = replace(POLICY, attempts=3)

    renewed = machine.advance(late, fails(FailureKind.POLICY), facts=TWO, policy=policy)
    refused = machine.advance(late, fails(FailureKind.REFUSED), facts=TWO, policy=policy)

    assert (renewed.phase, renewed.attempt) == (Phase.PREFLIGHT, 3)
    assert refused.phase is Phase.ENDED


def test_refused_passwords_are_bounded() -> None:
    """Passwords that are refused to the end of the budget: failed, as before, and it says how many there were."""
    policy = fails(FailureKind.POLICY)

    done, state = play(SET_SENT, [policy, Done(Overlap.GAP), OK, OK, policy])

    assert done == ["set", "preflight", "create", "open", "set"]
    assert state.status is Status.FAILED
    assert state.failure is not None
    assert state.failure.message.startswith("policy again; 2 passwords were refused")


@pytest.mark.parametrize(
    ("state", "facts"),
    [
        (replace(SET_SENT, dirty=True), TWO),
        (replace(SET_SENT, finished=True), TWO),
        (SET_SENT, replace(TWO, issues_value=True)),
        (replace(TESTED, phase=Phase.TEST), TWO),
        (replace(REVERTING, live=Candidate.PENDING), TWO),
    ],
    ids=["a change was sent", "AWSCURRENT has moved", "issued", "not setSecret", "on the way back"],
)
def test_a_value_that_something_may_have_is_never_given_up(
    state: MachineState, facts: Facts
) -> None:
    """No new value where a change may have happened, where it is AWSCURRENT, or where the target issued it."""
    after = machine.advance(state, fails(FailureKind.POLICY), facts=facts, policy=POLICY)

    assert (after.strictness, after.created) == (0, True)


def test_an_unknown_outcome_is_probed_at_once() -> None:
    """Where setSecret's outcome is unknown, pending is probed first, and what logs in is tested."""
    done, state = play(SET_SENT, [fails(FailureKind.UNKNOWN), YES, OK, OK])

    assert done == ["set", "probe pending", "test", "finish"]
    assert state.status is Status.SUCCEEDED


def test_an_unknown_outcome_that_changed_nothing_is_set_again() -> None:
    """Where current still logs in, the same value is set in the next attempt, and none is created."""
    outcomes: list[Outcome] = [
        fails(FailureKind.UNKNOWN),
        NO,
        YES,
        Done(Overlap.GAP),
        OK,
        OK,
        OK,
        OK,
    ]

    done, state = play(SET_SENT, outcomes)

    assert done == [
        *["set", "probe pending", "probe current"],
        *["preflight", "open", "set", "test", "finish"],
    ]
    assert state.status is Status.SUCCEEDED


def test_candidates_are_probed_in_their_order() -> None:
    """Pending, current, previous, then a pinned value; the one that logs in makes the next change."""
    done, state = play(SET_SENT, [fails(FailureKind.UNKNOWN), NO, NO, NO, YES], facts=ALL)

    assert done[1:] == ["probe pending", "probe current", "probe previous", "probe pinned"]
    assert (state.phase, state.live) == (Phase.PREFLIGHT, Candidate.PINNED)


def test_a_failed_test_is_probed_and_repeated_then_reverted() -> None:
    """A test that is refused to the end of its budget: the target is put back, verified, and failed as before."""
    refused = fails(FailureKind.REFUSED)
    testing = replace(TESTED, phase=Phase.TEST)

    done, state = play(testing, [refused, YES, refused, YES, OK, YES])

    assert done == [
        *["test", "wait", "probe pending", "test"],
        *["probe pending", "revert", "probe current"],
    ]
    assert state.status is Status.FAILED
    assert state.failure is not None
    assert state.failure.message == "refused again"


def test_a_change_that_was_made_is_reverted_even_where_the_old_value_logs_in() -> None:
    """The target took the value; that the old one logs in beside it, as with `dual`, doesn't make it untouched."""
    unreachable, hopeless = fails(FailureKind.UNREACHABLE), fails(FailureKind.MISCONFIGURED)

    done, state = play(SET_SENT, [OK, unreachable, NO, YES, hopeless, YES, OK, YES])

    assert done == [
        *("set", "test", "wait", "probe pending", "probe current", "preflight"),
        *("probe pending", "revert", "probe current"),
    ]
    assert state.status is Status.FAILED


def test_sessions_of_a_compromised_credential_end_with_a_gap_too() -> None:
    """With a gap the old credential is dead, so the rotation is over; where it is compromised its sessions are not."""
    compromised = replace(TESTED, compromised=True)

    assert machine.advance(TESTED, OK, facts=TWO, policy=POLICY).phase is Phase.ENDED
    assert machine.advance(compromised, OK, facts=TWO, policy=POLICY).phase is Phase.RETIRE


def test_a_rotator_that_can_not_probe_sets_the_same_value_again() -> None:
    """Without probes an unknown outcome leads to the same setSecret again, with the same token."""
    failures = [fails(FailureKind.UNKNOWN), fails(FailureKind.UNSUPPORTED)]

    done, state = play(SET_SENT, [*failures, Done(Overlap.GAP), OK, OK, OK, OK])

    assert done == ["set", "probe pending", "preflight", "open", "set", "test", "finish"]
    assert state.status is Status.SUCCEEDED


def test_without_probes_a_spent_budget_ends_unverified() -> None:
    """A rotator that can't probe can't revert by proof: unverified."""
    spent = replace(SET_SENT, attempt=2)

    done, state = play(spent, [fails(FailureKind.UNKNOWN), fails(FailureKind.UNSUPPORTED)])

    assert done == ["set", "probe pending"]
    assert state.status is Status.UNVERIFIED


def test_a_doubt_that_no_probe_settled_is_not_forgotten() -> None:
    """A change that may have happened, and can't be probed: what fails later ends unverified, not as before."""
    failures = [fails(FailureKind.UNKNOWN), fails(FailureKind.UNSUPPORTED)]
    later = [fails(FailureKind.MISCONFIGURED), fails(FailureKind.UNSUPPORTED)]

    done, state = play(SET_SENT, [*failures, *later])

    assert done == ["set", "probe pending", "preflight", "probe pending"]
    assert state.status is Status.UNVERIFIED


@pytest.mark.parametrize(
    ("kind", "live", "ending"),
    [
        (FailureKind.UNSUPPORTED, Candidate.PENDING, Status.UNVERIFIED),
        (FailureKind.UNSUPPORTED, Candidate.CURRENT, Status.FAILED),
        (FailureKind.MISCONFIGURED, Candidate.PENDING, Status.DIVERGED),
        (FailureKind.MISCONFIGURED, Candidate.CURRENT, Status.UNVERIFIED),
        (FailureKind.DEGRADED, Candidate.PENDING, Status.DEGRADED),
    ],
)
def test_a_revert_that_no_retry_can_mend(
    kind: FailureKind, live: Candidate, ending: Status
) -> None:
    """The end says what is known: diverged where pending logs in, unverified where nobody can tell."""
    done, state = play(replace(REVERTING, live=live), [fails(kind)])

    assert done == ["revert"]
    assert state.status is ending
    assert state.failure is not None
    assert state.failure.message.startswith("first")
    assert (f"{kind} again" in state.failure.message) == (ending is not Status.FAILED)


@pytest.mark.parametrize(
    ("kind", "ending"),
    [
        (FailureKind.REFUSED, Status.DIVERGED),
        (FailureKind.UNREACHABLE, Status.UNVERIFIED),
        (FailureKind.UNKNOWN, Status.UNVERIFIED),
        (FailureKind.BUG, Status.UNVERIFIED),
    ],
)
def test_reverts_are_bounded(kind: FailureKind, ending: Status) -> None:
    """A revert is tried as often as its own budget says, each time from a fresh probe."""
    done, state = play(REVERTING, [fails(kind), YES, fails(kind)])

    assert done == ["revert", "wait", "probe pending", "revert"]
    assert (state.status, state.reverts) == (ending, 2)


def test_a_revert_that_does_not_hold_diverges() -> None:
    """The target was put back and refuses current all the same: diverged, with both values kept."""
    done, state = play(REVERTING, [OK, NO, NO, YES, OK, NO])

    assert done == [
        *["revert", "probe current", "wait", "probe pending", "probe current"],
        *["revert", "probe current"],
    ]
    assert state.status is Status.DIVERGED


def test_nothing_that_logs_in_diverges() -> None:
    """None of the stored values logs in and no admin can help: diverged, and it says who changed it."""
    _, state = play(SET_SENT, [fails(FailureKind.UNKNOWN), NO, NO])

    assert state.status is Status.DIVERGED
    assert state.failure is not None
    assert state.failure.message.startswith("the target accepts none of the stored values")
    assert "somebody changed the credential" in state.failure.message


def test_an_admin_sets_what_nobody_can_log_in_with() -> None:
    """With an admin secret the rotation goes on although no stored value logs in."""
    outcomes: list[Outcome] = [
        fails(FailureKind.UNKNOWN),
        NO,
        NO,
        Done(Overlap.GAP),
        OK,
        OK,
        OK,
        OK,
    ]

    _, state = play(SET_SENT, outcomes, facts=WITH_ADMIN)

    assert state.status is Status.SUCCEEDED


def test_an_admin_puts_back_what_nobody_can_log_in_with() -> None:
    """On the way back too, and the rotator is not told that current logs in already."""
    begun = machine.begin(created=True, uncertain=True, facts=WITH_ADMIN)
    aborted = machine.aborted(begun, facts=WITH_ADMIN, taken_over=False)

    done, state = play(aborted, [NO, NO], facts=WITH_ADMIN)
    assert (done[-1], state.phase, state.live) == ("probe current", Phase.REVERT, Candidate.PENDING)

    _, state = play(state, [OK, YES], facts=WITH_ADMIN)
    assert state.status is Status.FAILED


def test_a_refused_confirmation_sets_the_value_again() -> None:
    """An older session changed the target after the label moved: after a wait the same value is set again."""
    confirming = replace(TESTED, phase=Phase.CONFIRM, finished=True, touched=False, taken_over=True)

    done, state = play(confirming, [NO, NO, YES, Done(Overlap.GAP), OK, OK, OK, OK, YES])

    assert done == [
        *["probe pending", "wait", "probe pending", "probe current"],
        *["preflight", "open", "set", "test", "finish", "probe pending"],
    ]
    assert (state.status, state.failure) == (Status.SUCCEEDED, None)


@pytest.mark.parametrize(
    ("outcomes", "ending"),
    [
        ([NO, YES, OK, OK, NO], Status.DIVERGED),
        ([fails(FailureKind.UNREACHABLE)] * 2, Status.UNVERIFIED),
        ([fails(FailureKind.UNSUPPORTED)], Status.SUCCEEDED),
    ],
)
def test_how_a_confirmation_ends(outcomes: list[Outcome], ending: Status) -> None:
    """Refused to the end: diverged; no answer: unverified; a rotator that can't probe: its test has to do."""
    confirming = replace(TESTED, phase=Phase.CONFIRM, finished=True, touched=False, taken_over=True)

    _, state = play(confirming, outcomes)

    assert state.status is ending


def test_nothing_outside_needs_no_revert() -> None:
    """With overlap `none` a failure ends at once, without a probe."""
    state = replace(SET_SENT, overlap=Overlap.NONE, attempt=2)

    done, state = play(state, [fails(FailureKind.BUG)])

    assert (done, state.status) == (["set"], Status.FAILED)


def test_the_deadline_ends_the_attempts() -> None:
    """After the rotation's deadline a failure isn't tried again, but the target is still put back."""
    late = replace(TWO, out_of_time=True)

    done, state = play(SET_SENT, [fails(FailureKind.UNKNOWN), YES, OK, YES], facts=late)

    assert done == ["set", "probe pending", "revert", "probe current"]
    assert state.status is Status.FAILED


# Resume and abort


@pytest.mark.parametrize(
    ("state", "then"),
    [
        (MachineState(), "preflight"),
        (replace(SET_SENT, touched=False), "preflight"),
        (SET_SENT, "probe pending"),
        (replace(SET_SENT, overlap=Overlap.NONE), "preflight"),
        (replace(TESTED, finished=True, touched=False), "probe pending"),
        (replace(REVERTING, phase=Phase.VERIFY, touched=False), "probe pending"),
    ],
)
def test_where_a_resume_goes_on(state: MachineState, then: str) -> None:
    """A resume probes where the journal says that a change may have begun, and starts over where it doesn't."""
    resumed = machine.resumed(state, facts=TWO, taken_over=True)

    assert shown(machine.next_action(resumed)) == then
    assert resumed.created == state.created


def test_an_abort_before_any_change_is_over_at_once() -> None:
    """Nothing was sent to the target, so nothing is probed: failed, without a reason of its own."""
    waiting = replace(new(), status=Status.WAITING)

    state = machine.aborted(waiting, facts=TWO, taken_over=True)

    assert (state.phase, state.status, state.failure) == (Phase.ENDED, Status.FAILED, None)


def test_an_abort_has_a_budget_of_its_own() -> None:
    """What the rotation spent before doesn't count, and it runs again where it waited."""
    spent = replace(SET_SENT, status=Status.WAITING, attempt=2, reverts=2, delay=9.0)

    state = machine.aborted(spent, facts=TWO, taken_over=True)

    assert (state.status, state.attempt, state.reverts, state.delay) == (Status.RUNNING, 1, 0, 0)
    assert state.taken_over


def test_an_abort_after_a_change_puts_the_target_back() -> None:
    """What logs in is found out, current is set again and verified."""
    state = machine.aborted(SET_SENT, facts=TWO, taken_over=True)

    done, state = play(state, [YES, OK, YES])

    assert done == ["probe pending", "revert", "probe current"]
    assert (state.status, state.finished) == (Status.FAILED, False)


def test_an_abort_without_a_pending_value_has_nothing_to_take_back() -> None:
    """Current logs in and there is no pending value: the doubt is settled, and no revert is asked for."""
    begun = machine.begin(created=False, uncertain=True, facts=ONLY_CURRENT)
    state = machine.aborted(begun, facts=ONLY_CURRENT, taken_over=False)

    done, state = play(state, [YES], facts=ONLY_CURRENT)

    assert (done, state.status) == (["probe current"], Status.FAILED)


def test_a_pending_value_of_somebody_else_passes_preflight_first() -> None:
    """An AWSPENDING that logs in already is tested only after preflight has resolved the overlap."""
    begun = machine.begin(created=True, uncertain=True, facts=TWO)

    done, state = play(begun, [YES, Done(Overlap.GAP), OK, OK, OK, OK, YES])

    # The earlier run may still be at work on the target, so AWSCURRENT is confirmed at the end.
    assert done == ["probe pending", "preflight", "open", "set", "test", "finish", "probe pending"]
    assert state.status is Status.SUCCEEDED


def test_the_next_run_of_the_same_token_is_tested_straight_away() -> None:
    """What an earlier run resolved is known, so a preflight that fails now can't stand in the way."""
    begun = machine.begin(created=True, uncertain=True, facts=TWO, overlap=Overlap.GAP)

    done, state = play(begun, [YES, OK, OK, YES])

    assert done == ["probe pending", "test", "finish", "probe pending"]
    assert state.status is Status.SUCCEEDED


# Abandoned from outside


PINNED = Facts(candidates=frozenset({Candidate.CURRENT, Candidate.PINNED}))
ABANDONED = replace(
    SET_SENT,
    failure=Failure(phase=Phase.SET, kind=FailureKind.REFUSED, message="abandoned: a put"),
)


@pytest.mark.parametrize(
    ("outcomes", "ending", "reason"),
    [
        ([YES], Status.ABANDONED, "abandoned: a put"),
        ([NO, YES], Status.DIVERGED, "abandoned: a put; the target accepts the value of an aband"),
        ([NO, NO], Status.DIVERGED, "abandoned: a put; the target accepts none"),
        ([fails(FailureKind.UNSUPPORTED)], Status.UNVERIFIED, "unsupported again"),
        ([fails(FailureKind.UNREACHABLE)] * 2, Status.UNVERIFIED, "unreachable again"),
        ([fails(FailureKind.UNREACHABLE), YES], Status.ABANDONED, "unreachable again"),
    ],
)
def test_settling(outcomes: list[Outcome], ending: Status, reason: str) -> None:
    """An abandoned rotation only looks which value lives; it changes nothing, and its waits are bounded."""
    begun = machine.settling(ABANDONED, facts=PINNED)

    done, state = play(begun, outcomes, facts=PINNED)

    assert {step.split()[0] for step in done} <= {"probe", "wait"}
    assert state.status is ending
    assert state.failure is not None
    assert state.failure.message.startswith(reason)


def test_settling_goes_on_with_what_was_pending_under_its_other_name() -> None:
    """The value that logged in as the pending one is a pinned version's now, and a rotator is told so."""
    lived = replace(ABANDONED, live=Candidate.PENDING)

    assert machine.settling(lived, facts=PINNED).live is Candidate.PINNED
    assert machine.settling(lived, facts=ONLY_CURRENT).live is Candidate.CURRENT


def test_settling_where_nothing_is_outside_is_over_at_once() -> None:
    """With overlap `none` no target can hold another value, so there is nothing to find out."""
    state = machine.settling(replace(ABANDONED, overlap=Overlap.NONE), facts=PINNED)

    assert (state.phase, state.status) == (Phase.ENDED, Status.ABANDONED)


ISSUING = replace(ONLY_CURRENT, issues_value=True)


def test_an_issued_value_has_its_intent_committed_first() -> None:
    """The journal is opened before the target is asked for a value, and once more with the value."""
    done, state = play(new(ISSUING), [Done(Overlap.DUAL), OK, OK, OK, OK, OK], facts=ISSUING)
    assert done == ["preflight", "open", "create", "open", "set", "test"]
    assert state.phase is Phase.FINISH


def test_an_intent_is_taken_up_with_the_same_token() -> None:
    """After a crash between intent and value the current value is probed, and the target is asked again."""
    committed = MachineState(phase=Phase.CREATE, overlap=Overlap.DUAL, touched=True)
    state = machine.resumed(committed, facts=ISSUING, taken_over=True)
    done, state = play(state, [YES, Done(Overlap.DUAL), OK, OK], facts=ISSUING)
    assert done == ["probe current", "preflight", "open", "create"]
    assert state.created


def test_what_may_have_been_issued_is_deleted_even_where_the_old_value_logs_in() -> None:
    """An answer that was lost may have left a value at the target; that the old one logs in says nothing of it."""
    asked = MachineState(phase=Phase.CREATE, overlap=Overlap.DUAL, touched=True)
    lost, hopeless = fails(FailureKind.UNREACHABLE), fails(FailureKind.MISCONFIGURED)

    done, state = play(asked, [lost, YES, hopeless, YES, OK, YES], facts=ISSUING)

    assert done == [
        *("create", "wait", "probe current", "preflight"),
        *("probe current", "revert", "probe current"),
    ]
    assert state.status is Status.FAILED


def test_an_issued_value_that_nobody_kept_is_deleted() -> None:
    """Where createSecret fails for good the target is put back, although no value was ever set there."""
    refused = fails(FailureKind.MISCONFIGURED)
    outcomes: list[Outcome] = [Done(Overlap.DUAL), OK, refused, YES, OK, YES]
    done, state = play(new(ISSUING), outcomes, facts=ISSUING)
    assert done == ["preflight", "open", "create", "probe current", "revert", "probe current"]
    assert state.status is Status.FAILED


ABANDONED_INTENT = MachineState(
    phase=Phase.CREATE, overlap=Overlap.DUAL, touched=True, status=Status.ABANDONING
)


@pytest.mark.parametrize(
    ("outcomes", "done", "ending"),
    [
        ([YES, OK, YES], ["probe current", "revert", "probe current"], Status.ABANDONED),
        ([YES, fails(FailureKind.UNSUPPORTED)], ["probe current", "revert"], Status.UNVERIFIED),
    ],
)
def test_settling_deletes_an_issued_value_that_was_never_stored(
    outcomes: list[Outcome], done: list[str], ending: Status
) -> None:
    """What the target issued for an abandoned intent is deleted; where the rotator can't, somebody has to look."""
    state = machine.settling(ABANDONED_INTENT, facts=ISSUING)
    played, state = play(state, outcomes, facts=ISSUING)
    assert (played, state.status) == (done, ending)


def test_settling_leaves_an_issued_value_that_was_stored() -> None:
    """Its version is there, and somebody may have given it a label."""
    stored = replace(ABANDONED_INTENT, created=True, live=Candidate.CURRENT)
    played, state = play(machine.settling(stored, facts=ISSUING), [YES], facts=ISSUING)
    assert (played, state.status) == (["probe current"], Status.ABANDONED)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(OK, Status.SUCCEEDED), *((fails(kind), Status.FAILED) for kind in FailureKind)],
)
def test_a_test_is_made_once(outcome: Outcome, status: Status) -> None:
    """A test of a function: its version is stored, the step comes once, and whatever its failure that is the end."""
    done, state = play(machine.testing(), [OK, outcome], facts=ONLY_CURRENT)

    assert done == ["open", "test"]
    assert state.status is status
    assert (state.touched, state.dirty, state.finished) == (False, False, False)


def test_a_test_that_was_interrupted_is_made_again_or_given_up() -> None:
    """Whoever takes it up begins anew; to abort it asks nobody, and what was done from outside ends it at once."""
    begun = replace(machine.testing(), phase=Phase.TEST, created=True)

    taken = machine.resumed(begun, facts=TWO, taken_over=True)
    aborted = machine.aborted(begun, facts=TWO, taken_over=True)
    settled = machine.settling(begun, facts=TWO)

    assert play(taken, [OK, OK])[0] == ["open", "test"]
    assert (aborted.phase, aborted.status) == (Phase.ENDED, Status.FAILED)
    assert aborted.failure is not None
    assert (settled.phase, settled.status) == (Phase.ENDED, Status.ABANDONED)

"""`rotate prove`: rotations under live logins."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.exits import INTERRUPTED, ExitCode, of_error, of_status
from rotator.cli.options import Output, SecretId
from rotator.cli.output import OutputFormat, counted, duration, write, write_json
from rotator.cli.session import Session
from rotator.errors import ConfigurationError, PreflightRefused, RotatorError
from rotator.model.lengths import shown_length

if TYPE_CHECKING:
    from rotator.rotation.prove.proving import Proof, Proving, Terms
    from rotator.rotation.prove.serving import Order
    from rotator.rotation.verdicts import Plan

_HOLD = 5.0


def prove(
    context: typer.Context,
    secret: SecretId,
    repeat: Annotated[
        int, typer.Option("--repeat", min=1, help="Rotations, one after the other.")
    ] = 1,
    clients: Annotated[
        int, typer.Option("--clients", min=2, max=64, help="Half fetch, half hold.")
    ] = 4,
    hold: Annotated[
        float | None,
        typer.Option(
            "--hold",
            min=0.0,
            metavar="SECONDS",
            help="How long those hold that do; shorter than the grace period.",
            show_default="5, or half of a shorter grace period",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Rotates while clients log in, and shows what they saw.

    They log in without pause. Half of the clients read AWSCURRENT before each login; the others hold what they read for
    a while, as a cache does, and read it again earlier only where a login fails. They log in as the secret's rotator
    does.

    The rotations are real. It ends early where something fails that the strategy promises not to. The exit code is 0
    where everything that is promised held, and 5 where a login failed that should not have.

    Example: rotate prove db/app --repeat 10
    """
    from rotator.cli.progress import log
    from rotator.cli.proof_view import watching
    from rotator.rotation.prove.proving import Proving

    session: Session = context.obj
    terms = _terms(session, secret, repeat=repeat, clients=clients, hold=hold)
    _announce(terms)
    _ask(terms, yes=yes)
    proving = Proving(
        terms,
        engine=session.engine,
        caller=session.caller,
        request_id=session.request_id,
        command=[sys.executable, "-P", "-m", "rotator.cli.proof_client"],
    )
    orders = _orders(session, terms)
    try:
        with watching(proving) as told:
            proof = proving.run(orders, observer=log, told=told)
    except (KeyboardInterrupt, RotatorError) as end:
        if isinstance(end, KeyboardInterrupt):
            write(
                "Interrupted; the clients have stopped. A rotation that was running goes on with: "
                f"rotate resume {secret}. An old credential that is left: rotate retire {secret}",
                error=True,
            )
        if proving.reports:
            code = of_error(end) if isinstance(end, RotatorError) else INTERRUPTED
            _show(proving.proof(), code, output=output)
        raise
    code = _code(proving, kept=proof.kept)
    _show(proof, code, output=output)
    return code


def _show(proof: "Proof", code: int, *, output: OutputFormat) -> None:
    from rotator.cli.proof_view import show

    if output is OutputFormat.JSON:
        write_json({"exit_code": code, "proof": proof})
    else:
        show(proof)


def _terms(
    session: Session, secret: str, *, repeat: int, clients: int, hold: float | None
) -> "Terms":
    from rotator.rotation.prove.logins import ClientKind
    from rotator.rotation.prove.promise import Promise
    from rotator.rotation.prove.proving import Terms
    from rotator.sdk import Overlap

    plan = session.engine.plan(secret, caller=session.caller, request_id=session.request_id)
    if plan.refused or plan.overlap is None:
        raise PreflightRefused(
            f"{plan.secret_name} can't be rotated as things are. What stands against it: rotate plan {secret}"
        )
    if plan.overlap is Overlap.NONE:
        raise PreflightRefused(
            f"Nothing outside changes with {plan.secret_name} ({plan.rotator}), so there is nothing to log in to."
        )
    grace = _grace(session, plan)
    ways = tuple(ClientKind)
    return Terms(
        plan=plan,
        promise=Promise(
            overlap=plan.overlap, drain=session.configuration.settings.barrier.drain, grace=grace
        ),
        hold=_hold(hold, grace=grace),
        kinds=tuple(ways[number % len(ways)] for number in range(clients)),
        repeat=repeat,
    )


def _grace(session: Session, plan: "Plan") -> float | None:
    """Seconds that an old credential goes on logging in, None where only the next rotation ends that."""
    from rotator.sdk import Overlap

    described = session.manager.describe_secret(
        caller=session.caller, request_id=session.request_id, secret_id=plan.secret_arn
    )
    own = None if described.rotation is None else described.rotation.options.grace
    if plan.overlap is Overlap.GAP:
        return None
    chosen = session.policy.chosen_grace(own, rotator=plan.rotator)
    return session.policy.grace if chosen is None and plan.overlap is Overlap.DUAL else chosen


def _hold(asked: float | None, *, grace: float | None) -> float:
    """Seconds for which clients hold their credential.

    Raises:
        ConfigurationError: nobody is promised to get in with what was held for so long.
    """
    if grace is None:
        return _HOLD if asked is None else asked
    if asked is None and grace > 0:
        return min(_HOLD, grace / 2)
    if asked is None or asked >= grace:
        held = (
            "Clients that hold"
            if asked is None
            else f"Clients that hold it for {shown_length(asked)}"
        )
        raise ConfigurationError(
            f"{held} will be refused: the old credential logs in for the grace period of {shown_length(grace)} only. "
            "Hold for less (--hold), or make the grace period longer (`rotate rotation set SECRET --grace`)."
        )
    return asked


def _announce(terms: "Terms") -> None:
    plan = terms.plan
    write(
        f"{plan.secret_name} ({plan.rotator}), overlap {terms.promise.overlap}",
        f"  Promised: {terms.promise.sentence}.",
        f"  {counted(terms.repeat, 'real rotation')}, while {len(terms.kinds)} clients log in without pause from this "
        f"machine; half of them hold what they read for {duration(terms.hold)}.",
        *_about_grace(terms),
        "  The target sees up to hundreds of logins a second, and its log grows by them; so does the audit here, by a "
        "record for each read of the secret.",
        error=True,
    )


def _about_grace(terms: "Terms") -> list[str]:
    if terms.promise.grace is None:
        return []
    total = shown_length(terms.promise.grace * terms.repeat)
    after = (
        f"  The old credential is retired {shown_length(terms.promise.grace)} after each rotation"
    )
    return [f"{after}, and the next one waits for that: {total} in all."]


def _ask(terms: "Terms", *, yes: bool) -> None:
    from rotator.cli.asking import can_ask, confirm

    if yes:
        return
    if not can_ask():
        raise ConfigurationError(
            f"A proof rotates {terms.plan.secret_name} for real and logs in without pause, and there is no terminal "
            "to ask on. If that is meant, add --yes."
        )
    confirm("Go on?")


def _orders(session: Session, terms: "Terms") -> list["Order"]:
    from rotator.rotation.prove.serving import Order

    return [
        Order(
            number=number,
            kind=kind,
            secret=terms.plan.secret_arn,
            hold=terms.hold,
            settings=None if session.file is None else str(session.file.absolute()),
        )
        for number, kind in enumerate(terms.kinds)
    ]


def _code(proving: "Proving", *, kept: bool) -> ExitCode:
    """The rotation's own code where one failed."""
    reports = proving.reports
    if reports and (code := of_status(reports[-1].status)) is not ExitCode.DONE:
        return code
    return ExitCode.DONE if kept else ExitCode.SOME_FAILED

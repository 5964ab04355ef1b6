"""`rotate secret replicate`, `unreplicate` and `promote`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from rotator.cli.exits import ExitCode
from rotator.cli.options import Output, SealingKey, SecretId
from rotator.cli.output import OutputFormat, write, write_json, write_result, write_table
from rotator.cli.session import Session

if TYPE_CHECKING:
    from rotator.manager.results import Replication

Regions = Annotated[
    list[str], typer.Argument(metavar="REGION", help="Among those of the setting `regions`.")
]


def replicate(
    context: typer.Context,
    secret: SecretId,
    regions: Regions,
    key: SealingKey = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a secret of the same name there.")
    ] = False,
    output: Output = OutputFormat.TEXT,
) -> int:
    """Makes read-only replicas in other regions.

    They follow values, labels, tags and policy at once. A region that fails is told, with the
    reason, and may be tried again; the exit code is 5 then.
    """
    from rotator.model.replication import ReplicaRegion, ReplicaStatus

    session: Session = context.obj
    done = session.manager.replicate_secret_to_regions(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        add_replica_regions=[ReplicaRegion(region=region, kms_key_id=key) for region in regions],
        force_overwrite=overwrite,
    )
    _show(done, output=output)
    asked = [one for one in done.regions if one.region in regions]
    failed = any(one.status is ReplicaStatus.FAILED for one in asked)
    return ExitCode.SOME_FAILED if failed else ExitCode.DONE


def unreplicate(
    context: typer.Context,
    secret: SecretId,
    regions: Regions,
    output: Output = OutputFormat.TEXT,
) -> None:
    """Removes replicas; the secret itself stays."""
    session: Session = context.obj
    done = session.manager.remove_regions_from_replication(
        caller=session.caller,
        request_id=session.request_id,
        secret_id=secret,
        remove_replica_regions=regions,
    )
    _show(done, output=output)


def promote(
    context: typer.Context,
    secret: SecretId,
    region: Annotated[str, typer.Argument(help="Where the replica is.")],
    output: Output = OutputFormat.TEXT,
) -> None:
    """Makes a replica a secret of its own.

    It keeps versions and labels, follows no more, and doesn't rotate until that is set for it.
    """
    session: Session = context.obj
    done = session.manager.stop_replication_to_replica(
        caller=replace(session.caller, region=region),
        request_id=session.request_id,
        secret_id=secret,
    )
    line = f"{done.name}: a secret of its own in {region}"
    write_result(done, line, f"  {done.arn}", output=output)


def _show(done: "Replication", *, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        write_json(done)
    elif not done.regions:
        write(f"{done.name}: replicated nowhere")
    else:
        rows = [(one.region, str(one.status), one.message) for one in done.regions]
        write_table(("REGION", "STATUS", "MESSAGE"), rows)

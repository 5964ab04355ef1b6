"""The process of one client of `rotate prove`: `python -m rotator.cli.proof_client`."""

import sys
from pathlib import Path

from rotator.cli.session import Session
from rotator.rotation.prove.serving import Access, Order, serve


def main() -> None:
    """Logs in until standard input ends."""
    serve(sys.stdin, sys.stdout, _open_access)


def _open_access(order: Order) -> Access:
    """The store and the rotator, as an application of the same machine would reach them."""
    session = Session(file=None if order.settings is None else Path(order.settings))
    caller, request_id = session.caller, session.request_id
    manager = session.manager

    return Access(
        read=lambda: manager.get_secret_value(
            caller=caller, request_id=request_id, secret_id=order.secret
        ),
        door=session.engine.door(order.secret, caller=caller, request_id=request_id),
    )


if __name__ == "__main__":
    main()

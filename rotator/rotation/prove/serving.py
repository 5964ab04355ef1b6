"""What runs in a client's own process: the request from one pipe, each login to another, a JSON line each.

A client has a process of its own, so that neither the engine nor another client holds it up.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TextIO

from rotator.errors import RotatorError
from rotator.manager.results import SecretValueResult
from rotator.rotation.prove.client import Client, Door
from rotator.rotation.prove.logins import ClientKind
from rotator.sdk import StepError


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a client's process is told.

    Attributes:
        secret: its ARN.
        hold: seconds for which a HOLDING client uses what it read.
        settings: the configuration file, None for the default.
    """

    number: int
    kind: ClientKind
    secret: str
    hold: float
    settings: str | None

    def to_line(self) -> str:
        """One line for the pipe."""
        order = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(order) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Self:
        """The inverse of `to_line`."""
        order = json.loads(line)
        return cls(**order | {"kind": ClientKind(order["kind"])})


@dataclass(frozen=True, slots=True)
class Access:
    """How a client reaches its secret, and what that opens."""

    read: Callable[[], SecretValueResult]
    door: Door


def serve(orders: TextIO, reports: TextIO, open_access: Callable[[Order], Access]) -> None:
    """Runs the client that the first line orders, until the pipe ends: the proof stops it so, or is gone."""
    order = Order.from_line(orders.readline())
    stop = threading.Event()

    def watch() -> None:
        orders.read()
        stop.set()

    threading.Thread(target=watch, daemon=True).start()

    def tell(line: Mapping[str, Any]) -> None:
        reports.write(json.dumps(line) + "\n")
        reports.flush()

    try:
        access = open_access(order)
        client = Client(
            number=order.number,
            kind=order.kind,
            hold=order.hold,
            read=access.read,
            door=access.door,
            wait=stop.wait,
        )
        for login in client.logins():
            tell({"login": login.to_wire()})
    except (RotatorError, StepError) as error:
        tell({"gone": str(error)})
    except BrokenPipeError:
        return  # the proof is gone

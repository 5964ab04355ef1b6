"""docs/proof.md, from what the proofs said. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_HEADERS = (
    "Rotator", "Server", "Overlap", "Rotations", "Clients", "Logins", "Failures", "Against the promise",
    "Held, refused once", "Later than the drain", "Longest gap", "P50", "P99", "Longest read",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One strategy's proof.

    Attributes:
        server: product and version.
        options: of `rotate prove`.
        load: the machine's load average at the end.
        proof: as `rotate prove --output json` wrote it.
    """

    rotator: str
    server: str
    options: str
    load: float
    proof: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What it ran on."""

    processors: int
    memory: int
    system: str
    python: str


def page(shown: Sequence[Shown], *, date: str, machine: Machine, revision: str) -> str:
    """The whole page."""
    return "\n".join(
        [
            "# What clients saw",
            "",
            "Written by `make proof`, which anyone can run: it starts private servers, rotates by `rotate prove` while",
            "clients log in without pause, and writes here what they saw. It exits with 1 if a login failed that the",
            "strategy promises not to fail.",
            "",
            *_about(shown, date=date, machine=machine, revision=revision),
            "",
            *_table(shown),
            "",
            *_how_to_read(),
            "",
            *_promises(shown),
            "",
        ]
    )


def _about(shown: Sequence[Shown], *, date: str, machine: Machine, revision: str) -> Iterator[str]:
    loads = [each.load for each in shown]
    yield f"- {date}, revision {revision}"
    yield (
        f"- {machine.processors} processors, {machine.memory / 2**30:.0f} GiB of memory, {machine.system}, "
        f"Python {machine.python}; servers, clients and rotator share them, the store is SQLite"
    )
    yield (
        f"- load average {min(loads):.1f} to {max(loads):.1f} at the end of each proof, its own processes and whatever "
        "else ran on the machine"
    )
    for each in shown:
        yield f"- `{each.rotator}`: `rotate prove {each.options}`"


def _table(shown: Iterable[Shown]) -> Iterator[str]:
    yield f"| {' | '.join(_HEADERS)} |"
    yield f"|{'|'.join(['---'] * 5 + ['---:'] * (len(_HEADERS) - 5))}|"
    for each in shown:
        for kind in each.proof["clients"]:
            yield f"| {' | '.join(_row(each, kind))} |"


def _row(shown: Shown, kind: Mapping[str, Any]) -> Iterator[str]:
    proof = shown.proof
    yield f"`{shown.rotator}`"
    yield shown.server
    yield proof["overlap"] + (f", grace {proof['grace']:g} s" if proof["grace"] else "")
    yield f"{proof['rotations']:,} of {proof['repeat']:,}"
    yield f"{kind['clients']} {kind['kind']}"
    for count in ("logins", "failures", "broken", "held", "late"):
        yield f"{kind[count]:,}"
    for seconds in ("longest_gap", "median", "p99", "longest_wait"):
        yield "-" if kind[seconds] is None else f"{kind[seconds] * 1000:,.0f} ms"


def _how_to_read() -> Iterator[str]:
    yield from (
        "Fetching clients read AWSCURRENT before each login; holding ones use what they read for the time of `--hold`,",
        "as a cache does, and read it again earlier only where a login fails. Each is a process of its own.",
        "",
        "- *Held, refused once*: a held credential that a rotation with a gap had replaced; reading again heals it.",
        "- *Later than the drain*: a credential that was just read, refused by a login that took longer than the",
        "  engine waits for clients before it changes the target.",
        "- *Longest gap*: of one client, from the end of a login to the end of its next, the reading included.",
        "- *P50*, *P99*: of the logins alone. *Longest read*: of the secret; the read barrier shows here.",
    )


def _promises(shown: Iterable[Shown]) -> Iterator[str]:
    yield "| Rotator | Promised | Held | Rotation, median | longest | Grace period | Retired |"
    yield "|---|---|---|---:|---:|---:|---:|"
    for each in shown:
        proof = each.proof
        times = sorted(proof["rotation_seconds"]) or [0.0]
        held = "yes" if proof["kept"] else f"NO: {proof['ended_early'] or 'see above'}"
        yield (
            f"| `{each.rotator}` | {proof['promised']} | {held} | {times[len(times) // 2] * 1000:,.0f} ms "
            f"| {times[-1] * 1000:,.0f} ms | {_grace(proof)} | {proof['retired']:,} |"
        )


def _grace(proof: Mapping[str, Any]) -> str:
    if proof["overlap"] == "gap":
        return "none"
    return "until the next rotation" if proof["grace"] is None else f"{proof['grace']:g} s"

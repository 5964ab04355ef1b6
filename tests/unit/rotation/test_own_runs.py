"""Which leases of its own process a run need not wait for."""

from dataclasses import replace

from rotator.rotation.own_runs import going, is_over
from rotator.rotation.owner import Owner

_RUN = replace(Owner.me(), run="a run")


def test_a_run_that_goes_on_keeps_what_it_has() -> None:
    """A run of this process is over when it has ended, not before; one of another process, when that is seen dead."""
    with going(_RUN):
        keeps_it = not is_over(_RUN, observer=Owner.me())
        assert is_over(replace(_RUN, run="another"), observer=Owner.me())
    assert keeps_it
    assert is_over(_RUN, observer=Owner.me())
    assert not is_over(replace(_RUN, pid=1, started=""), observer=Owner.me())
    assert not is_over(replace(_RUN, boot="another"), observer=Owner.me())
    assert is_over(replace(_RUN, pid=2**22 + 1), observer=Owner.me())


def test_runs_that_nothing_tells_apart_keep_their_leases() -> None:
    """Where the system tells no boot or start of a process, another machine's may look the same: its lease counts."""
    nowhere = replace(_RUN, boot="", namespace="", started="")
    assert not is_over(nowhere, observer=replace(nowhere, run=""))

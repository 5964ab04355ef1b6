"""Exit codes: one for every error and every end of a rotation."""

import pytest

from rotator import errors
from rotator.cli.exits import ExitCode, of_abort, of_all, of_error, of_status
from rotator.model.rotation import Status
from rotator.sdk import Misconfigured


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.ConfigurationError, 2),
        (errors.InvalidParameter, 2),
        (errors.InvalidRequest, 2),
        (errors.ValidationError, 2),
        (errors.ResourceExists, 2),
        (errors.LimitExceeded, 2),
        (errors.MalformedPolicyDocument, 2),
        (errors.PublicPolicy, 2),
        (errors.ResourceNotFound, 3),
        (errors.RotationInProgress, 4),
        (errors.FencedOut, 4),
        (errors.PreflightRefused, 7),
        (errors.StoreUnavailable, 8),
        (errors.KeyUnavailable, 8),
        (errors.DecryptionFailure, 8),
        (errors.AccessDenied, 9),
        (Misconfigured, 2),
        (RuntimeError, 1),
    ],
)
def test_every_error_has_its_code(error: type[Exception], code: int) -> None:
    """An error's class decides what a script sees."""
    assert of_error(error("x")) == code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.SUCCEEDED, 0),
        (Status.FAILED, 1),
        (Status.ABANDONED, 1),
        (Status.RUNNING, 4),
        (Status.WAITING, 4),
        (Status.ABANDONING, 4),
        (Status.DIVERGED, 6),
        (Status.DEGRADED, 6),
        (Status.UNVERIFIED, 10),
    ],
)
def test_every_end_of_a_rotation_has_its_code(status: Status, code: int) -> None:
    """How a rotation ended decides what a script sees."""
    assert of_status(status) == code


@pytest.mark.parametrize("status", Status)
def test_what_was_given_up_on_request_is_done(status: Status) -> None:
    """An abort that left the target as before did what was asked; every other end means what it always means."""
    given_up = status in {Status.FAILED, Status.ABANDONED}

    assert of_abort(status) == (ExitCode.DONE if given_up else of_status(status))


def test_no_status_is_without_a_code() -> None:
    """A status that is added later can't be forgotten."""
    assert {of_status(status) for status in Status} == {0, 1, 4, 6, 10}


@pytest.mark.parametrize(
    ("codes", "together"),
    [
        ([], 0),
        ([0, 0], 0),
        ([3], 3),
        ([8, 8], 8),
        ([0, 1], 5),
        ([1, 3], 5),
        ([0, 10], 10),
        ([1, 10, 6, 0], 6),
    ],
)
def test_several_secrets_give_one_code(codes: list[int], together: int) -> None:
    """The gravest kind wins: a person is needed, then unverified; else what all share, else 5."""
    assert of_all(map(ExitCode, codes)) == together

"""What a user chooses for an import."""

from enum import StrEnum


class Form(StrEnum):
    """How a file is written."""

    JSONL = "jsonl"
    ENV = "env"


class OnConflict(StrEnum):
    """What becomes of a line where another secret has its name."""

    FAIL = "fail"
    SKIP = "skip"
    UPDATE = "update"

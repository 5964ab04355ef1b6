"""Where the agent's token comes from."""

from pathlib import Path

import pytest

from rotator.agent.token import read_token
from rotator.errors import ConfigurationError


def test_the_first_variable_that_is_set_counts(tmp_path: Path) -> None:
    """As AWS's agent has it; a value that names a file means its content."""
    file = tmp_path / "token"
    file.write_text("from a file\n")
    assert read_token({"AWS_TOKEN": "a", "AWS_SESSION_TOKEN": "b"}) == "a"
    assert read_token({"AWS_TOKEN": "", "AWS_SESSION_TOKEN": "b"}) == "b"
    assert read_token({"AWS_CONTAINER_AUTHORIZATION_TOKEN": f"file://{file}"}) == "from a file"


@pytest.mark.parametrize("content", [None, "", "\n", b"\xff"])
def test_without_a_token_there_is_no_agent(tmp_path: Path, content: str | bytes | None) -> None:
    """No variable, no file, and a file with nothing in it are refused, with the variable's name."""
    file = tmp_path / "token"
    if isinstance(content, str):
        file.write_text(content)
    elif content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match="AWS_TOKEN"):
        read_token({"AWS_TOKEN": f"file://{file}"})
    with pytest.raises(ConfigurationError, match="AWS_TOKEN"):
        read_token({})

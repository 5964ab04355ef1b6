"""The rotation engine: claim → steps → label move; retry, resume, revert."""

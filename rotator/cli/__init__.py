"""The `rotate` command: parse, call, render. It has no rules of its own."""

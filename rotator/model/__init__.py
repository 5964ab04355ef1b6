"""Frozen value objects and the label algebra. Pure: no clock, no randomness, no I/O."""

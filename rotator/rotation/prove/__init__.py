"""Proof of rotations: clients that log in without pause while a secret rotates, and what they saw."""

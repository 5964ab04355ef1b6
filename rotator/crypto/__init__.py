"""Sealing: envelope encryption, and the key providers that wrap its keys."""

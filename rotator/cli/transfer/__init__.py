"""Secrets on their way into files and out of them."""

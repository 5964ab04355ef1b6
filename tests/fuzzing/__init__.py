"""Requests that a model and chance make, sent to a real server: what must hold whatever is sent."""

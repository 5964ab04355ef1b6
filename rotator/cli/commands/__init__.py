"""The commands of `rotate`, one module each."""

"""A year of daemons, secrets and faults in simulated time, reproducible by its seed.

The machine, the label algebra, the schedules and the daemon's choices are the house's own; the store, the targets, the
processes and the clock are simulated, and may fail, freeze, vanish or answer late at every instant.
"""

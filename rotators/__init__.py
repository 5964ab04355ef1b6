"""The built-in rotators, one module a target; each imports `rotator.sdk` and its driver, nothing else."""

"""Rotation functions as they are: code written to AWS's contract, run on this machine or invoked over the Lambda API.

Only what start-up needs is imported here.
"""

from rotators.functions.aws_lambda import LambdaFunction
from rotators.functions.local import LocalFunction

__all__ = ["LambdaFunction", "LocalFunction"]

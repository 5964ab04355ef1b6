"""Calls the handler of a rotation function, as Lambda's runtime does, in the function's own interpreter.

    runtime.py FILE

It is run as a file, so that it needs the standard library alone, of any Python 3. The request is its standard input,
one JSON object; the answer is its standard output, whatever the function prints goes to the standard error stream.
"""

import importlib.machinery
import importlib.util
import json
import os
import sys
import time
from typing import Any


class Context:
    """The context object, as far as it means something here.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    def __init__(self, request: Any) -> None:
        """Takes what the request says."""
        self.aws_request_id = request["request_id"]
        self.function_name = request["function_name"]
        self.function_version = "$LATEST"
        self.invoked_function_arn = request["function_arn"]
        self.memory_limit_in_mb = "128"
        self.log_group_name = "/aws/lambda/" + request["function_name"]
        self.log_stream_name = request["request_id"]
        self.identity = None
        self.client_context = None
        self._deadline = request["deadline"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is ended."""
        now = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
        return max(0, int((self._deadline - now) * 1000))


def main() -> None:
    """Calls the handler once."""
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    path = sys.argv[1]
    sys.path[0] = os.path.dirname(path)  # noqa: PTH120  # instead of this file's folder
    sys.argv = [path]
    request = json.load(sys.stdin)
    invoked = False
    try:
        handler = _load(path).lambda_handler
        invoked = True
        handler(request["event"], Context(request))
        told: dict[str, Any] = {"done": True}
    except BaseException as error:  # noqa: BLE001  # a handler may raise anything, SystemExit too
        import traceback

        traceback.print_exc()
        told = {"invoked": invoked, "line": _line(error, path), **_described(error)}
    sys.stdout.flush()
    json.dump(told, answer)
    answer.close()


def _described(error: BaseException) -> dict[str, Any]:
    """An exception; of an SDK's also what the service answered to which call."""
    said = {"error_type": type(error).__name__, "error_message": str(error)[:50000]}
    response = getattr(error, "response", None)
    answered = response.get("Error") if isinstance(response, dict) else None
    if isinstance(answered, dict):
        said["code"] = str(answered.get("Code"))
        said["call"] = str(getattr(error, "operation_name", ""))
    return said


def _line(error: BaseException, path: str) -> Any:
    """The last line of the file on the way to where it was raised, None where that has nothing to do with it."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == path:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def _load(path: str) -> Any:
    name = os.path.splitext(os.path.basename(path))[0]  # noqa: PTH119, PTH122
    loader = importlib.machinery.SourceFileLoader(name, path)  # whatever the file's name ends with
    module = importlib.util.module_from_spec(
        importlib.machinery.ModuleSpec(name, loader, origin=path)
    )
    module.__file__ = path
    sys.modules[name] = module
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    main()

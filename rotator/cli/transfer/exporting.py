"""An export: every secret that is wanted, as a line of JSON or of a `.env` file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from rotator.cli.transfer import json_lines
from rotator.errors import InvalidParameter
from rotator.manager.exporting import ExportPage, Unreadable
from rotator.manager.manager import SecretsManager
from rotator.manager.portable import PortableSecret
from rotator.model.caller import Caller
from rotator.model.filters import SecretFilter


class Sink(Protocol):
    """Takes the lines."""

    def write(self, data: bytes, /) -> object:
        """Takes some bytes."""
        ...


@dataclass(slots=True)
class Exported:
    """What an export has written.

    Attributes:
        unreadable: the secrets that it had to leave out.
    """

    secrets: int = 0
    versions: int = 0
    unreadable: list[Unreadable] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One export.

    Attributes:
        names: the secrets; empty for all that pass the filter.
        line: a secret as a line; refuses with InvalidParameter what no line can hold, which is left out then.
    """

    manager: SecretsManager
    caller: Caller
    request_id: str
    names: Sequence[str]
    where: SecretFilter
    all_versions: bool
    line: Callable[[PortableSecret], bytes] = json_lines.encode

    def write(self, sink: Sink, tell: Callable[[Exported], None]) -> Exported:
        """Writes the lines.

        Raises:
            AccessDenied: the caller may not read a secret.
            InvalidRequest: a named secret is marked for deletion.
            ResourceNotFound: a named secret is not there.
        """
        exported = Exported()
        for page in self._pages():
            for secret in page.secrets:
                try:
                    line = self.line(secret)
                except InvalidParameter as error:
                    exported.unreadable.append(Unreadable(name=secret.name, reason=str(error)))
                    continue
                sink.write(line)
                exported.secrets += 1
                exported.versions += len(secret.versions)
            exported.unreadable.extend(page.unreadable)
            tell(exported)
        return exported

    def _pages(self) -> Iterator[ExportPage]:
        if self.names:
            for name in self.names:
                yield self.manager.export_secret(
                    caller=self.caller,
                    request_id=self.request_id,
                    secret_id=name,
                    all_versions=self.all_versions,
                )
            return
        cursor: str | None = None
        while True:
            page = self.manager.export_secrets(
                caller=self.caller,
                request_id=self.request_id,
                where=self.where,
                all_versions=self.all_versions,
                cursor=cursor,
            )
            yield page
            cursor = page.next_cursor
            if cursor is None:
                return

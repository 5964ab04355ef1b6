"""What a command works with; each room below is imported and opened when it is first asked for."""

import os
import pwd
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rotator import telemetry
from rotator.config import Configuration, load_configuration
from rotator.config.settings import LogFormat, LogLevel
from rotator.model.caller import Caller, CallerKind

if TYPE_CHECKING:
    from rotator.access.authentication import Authenticator
    from rotator.api.loopback import Loopback
    from rotator.config.functions import FunctionSettings
    from rotator.crypto.audit_key import AuditKeySource
    from rotator.crypto.envelope import Sealer
    from rotator.manager.auditing import Auditing
    from rotator.manager.manager import SecretsManager
    from rotator.manager.next_due import Planner
    from rotator.rotation.engine import Engine
    from rotator.rotation.policy import EnginePolicy
    from rotator.rotation.registry import RotatorEntry, RotatorRegistry
    from rotator.sdk import KeyProvider
    from rotator.store.schema import Asked
    from rotator.store.store import Store

REGISTERED_FUNCTIONS = "functions.json"
"""In the home folder: the rotation functions that were registered by a command."""

AUDIT_KEY_FILE = "audit.key"
"""In the home folder, where the setting `audit.key` names none."""

_HOLD_UNTIL_THE_END = (
    "account", "region", "regions", "store", "keys", "keyring", "audit", "daemon.listen", "api",
)  # fmt: skip


@dataclass
class Session:
    """One run of `rotate`.

    Attributes:
        file: the configuration file that `--config` names.
        environ: where settings are looked for.
        request_id: what this run's audit records carry.
        is_service: it goes on until it is stopped, so its log tells what happens.
        errors_exit_with: the exit code of every error, where the others are a program's to use.
    """

    file: Path | None = None
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    is_service: bool = False
    errors_exit_with: int | None = None

    @cached_property
    def configuration(self) -> Configuration:
        """The configuration; reading it also sets up the log."""
        configuration = load_configuration(file=self.file, environ=self.environ)
        self._set_up_log(configuration)
        return configuration

    def set_up_log(self) -> None:
        """Has the log be as this session's configuration says."""
        self._set_up_log(self.configuration)

    def _set_up_log(self, configuration: Configuration) -> None:
        log = configuration.settings.log
        json = None if log.format is LogFormat.AUTO else log.format is LogFormat.JSON
        level = log.level
        if level is LogLevel.AUTO:
            level = LogLevel.INFO if self.is_service else LogLevel.WARNING
        telemetry.configure(level=level, json=json)

    def reloaded(self) -> "Session":
        """This session with the configuration as it is now, on the same store and keys. The log is left as it is.

        Raises:
            ConfigurationError: it can't be used, or changes a setting that holds until the process ends.
        """
        from rotator.config.difference import require_same

        again = Session(file=self.file, environ=self.environ, is_service=self.is_service)
        configuration = load_configuration(file=self.file, environ=self.environ)
        require_same(self.configuration.settings, configuration.settings, held=_HOLD_UNTIL_THE_END)
        again.__dict__ |= {"configuration": configuration} | {
            name: getattr(self, name)
            for name in ("store", "audit_key", "key_provider", "sealer", "loopback")
        }
        again.planner.check()  # files that are no calendars are to be found now
        return again

    @cached_property
    def caller(self) -> Caller:
        """The person at the keyboard, in the configured account and region."""
        settings = self.configuration.settings
        return Caller(
            kind=CallerKind.LOCAL,
            name=_user_name(),
            account=settings.account,
            region=settings.region,
        )

    @cached_property
    def store(self) -> "Store":
        """The store, which has to be there."""
        from rotator.store.store import Store

        return Store.open(
            self.configuration.store_url,
            create=False,
            audit_key=self.audit_key,
            asked_by=self.asked_by,
        )

    @property
    def asked_by(self) -> "Asked":
        """Who an upgrade of the store is recorded for."""
        from rotator.store.schema import Asked

        return Asked(caller=self.caller, request_id=self.request_id)

    @cached_property
    def audit_key(self) -> "AuditKeySource":
        """Where the audit key comes from; it is read when something is recorded."""
        from rotator.crypto.audit_key import AuditKeyFile, GivenAuditKey

        given = self.configuration.settings.audit.key
        if given is not None:
            return GivenAuditKey(given)
        return AuditKeyFile(self.configuration.home / AUDIT_KEY_FILE)

    @cached_property
    def key_provider(self) -> "KeyProvider":
        """Who keeps the sealing keys; whether they are the store's is not known yet."""
        from rotator.crypto.providers import load_provider
        from rotator.sdk import SEALING_KEYS_VARIABLE, KeyProviderSettings

        settings = self.configuration.settings
        return load_provider(
            settings.keys.provider,
            KeyProviderSettings(
                keyring=settings.keyring.path,
                sealing_keys=settings.keys.sealing_keys or self.environ.get(SEALING_KEYS_VARIABLE),
                options=settings.keys.options,
            ),
        )

    @cached_property
    def sealer(self) -> "Sealer":
        """Seals under the configured sealing keys, which are known to be the store's."""
        from rotator.crypto.envelope import Sealer
        from rotator.store.sealing import verify_sealing_key

        sealer = Sealer(self.key_provider)
        verify_sealing_key(self.store, sealer)
        return sealer

    @cached_property
    def manager(self) -> "SecretsManager":
        """The operations on secrets."""
        from rotator.manager.manager import SecretsManager

        regions = self.configuration.settings.served_regions
        return SecretsManager(self.store, self.sealer, planner=self.planner, regions=regions)

    @cached_property
    def authenticator(self) -> "Authenticator":
        """Tells who signed a request, in any of the regions that are served."""
        from rotator.access.authentication import Authenticator

        regions = self.configuration.settings.served_regions
        return Authenticator(self.store, self.sealer, regions=regions)

    @cached_property
    def planner(self) -> "Planner":
        """Works out due times by the configured limits, calendars and rules."""
        return self.configuration.settings.planner()

    @cached_property
    def auditing(self) -> "Auditing":
        """The operations on the audit."""
        from rotator.manager.auditing import Auditing

        return Auditing(self.store)

    @cached_property
    def registry(self) -> "RotatorRegistry":
        """The rotators that are installed, and those that the configuration declares."""
        from rotator.rotation.registry import RotatorRegistry

        settings = self.configuration.settings
        withheld = self.configuration.referenced
        functions = self.functions
        elsewhere = self._functions_elsewhere()
        if not (settings.commands or settings.webhooks or functions):
            return RotatorRegistry.load(withheld=withheld, elsewhere=elsewhere)
        from rotator.rotation.declared import declared
        from rotator.rotation.functions import local_functions

        entries = declared(
            {
                name: command.options() | {"issues_value": command.issues_value}
                for name, command in settings.commands.items()
            },
            {
                name: webhook.options() | {"issues_value": webhook.issues_value}
                for name, webhook in settings.webhooks.items()
            },
        )
        hosted = local_functions({name: each.options() for name, each in functions.items()})
        return RotatorRegistry.load((*entries, *hosted), withheld=withheld, elsewhere=elsewhere)

    @cached_property
    def functions(self) -> "Mapping[str, FunctionSettings]":
        """The rotation functions on this machine: those of the configuration and those that a command has registered.

        Raises:
            ConfigurationError: one of both has a name of the other's.
        """
        declared = self.configuration.settings.functions
        path = self.configuration.home / REGISTERED_FUNCTIONS
        if not path.exists():
            return declared
        from rotator.cli.registered import registered

        return registered(path, declared=declared)

    def _functions_elsewhere(self) -> "Callable[[str], RotatorEntry] | None":
        given = self.configuration.settings.lambda_
        if not given.is_configured:
            return None
        from rotator.rotation.functions import functions_elsewhere

        trust = self.configuration.settings.tls.trust
        return functions_elsewhere(
            given.options() | {"trust": None if trust is None else str(trust)}
        )

    @cached_property
    def policy(self) -> "EnginePolicy":
        """The engine's settings, which know rotators by their registered names."""
        policy = self.configuration.settings.engine_policy()
        if not policy.grace_of:
            return policy
        named = self.registry.by_registered_name(policy.grace_of, setting="rotation.grace_of")
        return replace(policy, grace_of=named)

    @cached_property
    def engine(self) -> "Engine":
        """The rotation engine."""
        return self._new_engine(parks=False)

    @cached_property
    def parking_engine(self) -> "Engine":
        """A rotation engine in which nothing waits, for who comes back to what does."""
        return self._new_engine(parks=True)

    def _new_engine(self, *, parks: bool) -> "Engine":
        from rotator.rotation.engine import Engine

        settings = self.configuration.settings
        trust = settings.tls.trust
        return Engine(
            store=self.store,
            sealer=self.sealer,
            registry=self.registry,
            policy=self.policy,
            planner=self.planner,
            trust=None if trust is None else str(trust),
            parks=parks,
            functions=self.loopback.hosting,
        )

    @cached_property
    def loopback(self) -> "Loopback":
        """The API for the rotation functions of this process; it is served when one needs it."""
        from rotator.api.loopback import Loopback

        settings = self.configuration.settings
        return Loopback(
            store=self.store,
            sealer=self.sealer,
            manager=lambda: self.manager,
            engine=lambda: self.parking_engine,
            account=settings.account,
            region=settings.region,
            regions=settings.served_regions,
        )

    def close(self) -> None:
        """Ends what was opened."""
        if "loopback" in self.__dict__:
            self.loopback.close()
        if "store" in self.__dict__:
            self.store.close()

    def folder_for_details(self) -> Path:
        """Where the details of an unexpected error go; it may not exist."""
        if "configuration" in self.__dict__:
            return self.configuration.home
        return Path()


def _user_name() -> str:
    # By its id: the environment, which getpass.getuser believes, says what its owner likes.
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container's user may have no name
        return str(os.geteuid())

"""How libpq's messages about failed logins are read."""

import pytest

from rotator.sdk import (
    AdminLoginRefused,
    LoginRefused,
    Misconfigured,
    StepError,
    TargetBusy,
    TargetRefused,
    TargetUnreachable,
)
from rotators.postgresql.login_failure import Attempt, explain_login_failure


def explained(text: str, *, admin: bool = False, sslmode: str = "disable") -> StepError:
    attempt = Attempt(user="app", dbname="db", address="h:1", sslmode=sslmode, admin=admin)
    return explain_login_failure(text, attempt)


def server_said(message: str, *, routine: str, severity: str = "FATAL") -> str:
    start = 'connection to server at "h", port 1 failed'
    return f"{start}: {severity}:  {message}\nLOCATION:  {routine}, file.c:1"


@pytest.mark.parametrize(
    ("message", "routine", "kind"),
    [
        (
            "28P01: Passwort-Authentifizierung für Benutzer »app« fehlgeschlagen",
            "auth_failed",
            LoginRefused,
        ),
        (
            "28000: Rolle »app« hat keine Berechtigung zum Login",
            "InitializeSessionUserId",
            LoginRefused,
        ),
        ("28000: kein pg_hba.conf-Eintrag für Host »h«", "ClientAuthentication", Misconfigured),
        ("28000: Ident-Authentifizierung fehlgeschlagen", "auth_failed", Misconfigured),
        ("53300: zu viele Verbindungen für Rolle »app«", "InitializeSessionUserId", TargetBusy),
        ("53300: tut mir leid, schon zu viele Verbindungen", "InitProcess", TargetBusy),
        ("57P03: das Datenbanksystem startet", "ProcessStartupPacket", TargetBusy),
        ("57P01: Verbindung wird beendet", "ProcessInterrupts", TargetBusy),
        ("3D000: Datenbank »db« existiert nicht", "InitPostgres", Misconfigured),
        ("55000: Datenbank »db« akzeptiert keine Verbindungen", "CheckMyDatabase", Misconfigured),
        ("42501: keine Berechtigung für Datenbank »db«", "CheckMyDatabase", TargetRefused),
        ("XX000: etwas ganz anderes", "elog", TargetRefused),
    ],
)
def test_class_does_not_depend_on_the_servers_language(
    message: str, routine: str, kind: type[StepError]
) -> None:
    """SQLSTATE and routine decide, so a server with German messages is understood as well."""
    assert type(explained(server_said(message, routine=routine, severity="SCHWERWIEGEND"))) is kind


@pytest.mark.parametrize(
    ("text", "kind", "hint"),
    [
        ("server does not support SSL, but SSL was required", Misconfigured, '"ssl": false'),
        ("SSL error: certificate verify failed", Misconfigured, "sslrootcert"),
        (
            'server certificate for "a" does not match host name "b"',
            Misconfigured,
            "the name in the certificate",
        ),
        ('root certificate file "/ca" does not exist', Misconfigured, "sslrootcert"),
        ("SSL error: unsupported protocol", Misconfigured, "ssl_min_protocol_version"),
        ("SSL SYSCALL error: EOF detected", TargetUnreachable, "firewall"),
        ("incorrect server signature", Misconfigured, "another machine"),
        ("Connection refused", TargetUnreachable, "listen_addresses"),
        ("No route to host", TargetUnreachable, "firewall"),
    ],
)
def test_failures_before_the_server_says_anything(
    text: str, kind: type[StepError], hint: str
) -> None:
    """What libpq itself finds out is told apart by its words, which are always English."""
    error = explained(f'connection to server at "h" (127.0.0.1), port 1 failed: {text}')
    assert type(error) is kind
    assert hint in str(error.hint)


def test_admin_is_told_apart() -> None:
    """A refused admin is another matter than a refused user."""
    text = server_said("28P01: password authentication failed", routine="auth_failed")
    assert type(explained(text, admin=True)) is AdminLoginRefused


def test_pg_hba_that_wants_tls() -> None:
    """Where a plaintext login finds no line, the message thinks of hostssl lines."""
    text = server_said("28000: no pg_hba.conf entry, no encryption", routine="ClientAuthentication")
    assert '"ssl": true' in str(explained(text).hint)
    assert '"ssl": true' not in str(explained(text, sslmode="verify-full").hint)


def test_pooler_that_takes_no_settings() -> None:
    """A pooler that refuses the session's settings is named as such."""
    text = "connection failed: FATAL:  08P01: unsupported startup parameter: options"
    assert "pooler" in str(explained(text).hint)

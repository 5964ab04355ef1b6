"""SecretsManager: one method an operation, decided and audited inside its own transaction."""

"""SecretsManager: one method an operation, each with the caller's right decided and an audit record inside its transaction."""

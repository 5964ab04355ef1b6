"""The AWS Secrets Manager API over HTTP: parse, call the manager, render."""

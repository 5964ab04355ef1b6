"""Rows: tables, queries and migrations, on SQLite and PostgreSQL."""

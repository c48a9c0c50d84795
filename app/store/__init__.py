"""All SQL: reading and recording, on SQLite and PostgreSQL alike."""

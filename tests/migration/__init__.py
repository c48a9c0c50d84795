"""Tests of the schema: its steps, its guards, its likeness to the tables, on both engines."""

"""Pure domain: standard library and transitions only; no clock, no I/O but its own data files."""

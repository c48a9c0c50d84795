"""Use cases: each opens its transaction, reads, asks the pure core to decide, and records."""

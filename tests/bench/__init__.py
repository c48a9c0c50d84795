"""Measurements: durable moves against raw SQL, trails."""

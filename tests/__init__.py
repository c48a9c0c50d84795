"""Tests of every room, on both engines."""

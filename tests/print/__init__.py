"""Tests of the printed trail and of its check."""

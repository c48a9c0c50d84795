"""Tests of data files against what they were made from."""

"""Browser tests: real pages in a real Chromium."""

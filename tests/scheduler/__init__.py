"""Sweep, delivery, reminders and the ticking process, on both engines."""

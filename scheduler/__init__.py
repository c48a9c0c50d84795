"""The ticking process: sweep, remind, deliver, seal."""

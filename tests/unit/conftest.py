"""Profiles of the property tests: "ci" by default, "prove" for long runs (HYPOTHESIS_PROFILE=prove)."""

import os

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
settings.register_profile("ci", deadline=None, max_examples=100, suppress_health_check=SLOW)
settings.register_profile("prove", deadline=None, max_examples=5000, suppress_health_check=SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

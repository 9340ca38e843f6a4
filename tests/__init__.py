"""The tests; this tree mirrors pkid/.

A property holds or does not: how long a busy machine takes to look is no failure.
"""

from hypothesis import HealthCheck, settings

settings.register_profile("pkid", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("pkid")

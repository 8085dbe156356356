"""What all tests share: property tests that don't depend on how fast the machine is."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name bytes by what is readable of them: what a compressor makes holds the time, and workers must agree on names."""
    if not isinstance(val, bytes) or (val.isascii() and val.decode("ascii").isprintable()):
        return None
    return "bytes"

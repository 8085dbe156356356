"""The tools of the conformance tests; the marker is registered here, beside them."""

from __future__ import annotations

import pytest
from conformance_tools import Missing, Tools, install


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "conformance: runs the official MCP tools, which npm installs into a cache")


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The official tools; tests that want them are skipped where they can't be had."""
    try:
        return install()
    except Missing as missing:
        pytest.skip(str(missing))

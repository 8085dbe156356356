"""Two hundred hostile inputs, of callers and of upstreams: nothing stops the loop, nothing eats the memory.

``make hostile`` runs thousands of them, up to 10 MB each. Here they are small, so that the suite ends; the stop of a
loop is measured in the time that its thread ran, which a machine that is busy with something else doesn't lengthen.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from served import ROOT, surroundings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")


def test_no_input_stops_the_loop():
    command = [sys.executable, str(ROOT / "benchmarks" / "hostile.py"), "--cases", "200", "--largest", "20000"]
    done = subprocess.run(
        [*command, "--limit-ms", "300", "--seconds", "60"],
        env=surroundings(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    figures = json.loads(done.stdout) if done.stdout else {}
    assert done.returncode == 0, (figures, done.stderr[-2000:])
    assert figures["cases"] > 50, "a machine that is slow gets some of them done in its time"

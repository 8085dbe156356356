"""Start what is measured, load it with wrk, read what wrk and the kernel say."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

HERE = Path(__file__).parent
UPSTREAM_PORT = 18099
UPSTREAM = f"http://127.0.0.1:{UPSTREAM_PORT}"
_TICKS = os.sysconf("SC_CLK_TCK")
_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


@dataclass(frozen=True)
class Sample:
    """One measurement.

    Attributes:
        rps: requests a second.
        p50: milliseconds.
        p99: milliseconds.
        cpu: microseconds of the server's processes for a request.
        rss: MiB of the server's processes afterwards, pages that they share counted once.
        failed: requests that failed, as wrk says.
        mb_s: megabytes a second.
    """

    rps: float
    p50: float
    p99: float
    cpu: float
    rss: float
    failed: int
    mb_s: float


@contextlib.contextmanager
def upstream() -> Iterator[int]:
    """Run nginx with static answers of 1 KB and 1 MB, and 100 MB for streaming; give its process id."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None or shutil.which("wrk") is None:
        sys.exit("benchmarks need nginx and wrk: apt-get install nginx-light wrk")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        html = folder / "html"
        html.mkdir()
        write_answers(html)
        conf = folder / "nginx.conf"
        template = (HERE / "nginx.conf.template").read_text()
        conf.write_text(template.format(tmp=folder, html=html, port=UPSTREAM_PORT))
        process = subprocess.Popen([nginx, "-c", str(conf), "-p", str(folder)], stderr=subprocess.DEVNULL)
        try:
            wait_for(f"{UPSTREAM}/small")
            yield process.pid
        finally:
            stop(process)


def write_answers(html: Path) -> None:
    """Write the documents that the upstream answers with."""
    item = {
        **{f"f{at}": f"value {at} of this thing, some text" for at in range(10)},
        "nested": {**{f"n{at}": at * 1.5 for at in range(5)}, "deep": {f"d{at}": f"deep {at}" for at in range(5)}},
        "filler": "x" * 300,
    }
    (html / "small.json").write_text(json.dumps(item))
    (html / "large.json").write_text(json.dumps({"items": [item] * 1000}))
    with (html / "stream.bin").open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)


def start(arguments: Sequence[str], environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a server in a process of its own."""
    return subprocess.Popen(
        list(arguments),
        env={**os.environ, "UPSTREAM": UPSTREAM, **(environment or {})},
        cwd=HERE / "baselines",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stop(process: subprocess.Popen[bytes], seconds: float = 15) -> int:
    """End a process, gently first; return its exit code."""
    process.terminate()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait(5)


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in opened]
    for each in opened:
        each.close()
    return ports


async def until_ready(control: int, log: Path) -> None:
    """Wait until every worker serves every adapter, as the control port says."""
    for _ in range(1200):
        if await asyncio.to_thread(_is_ready, control):
            return
        await asyncio.sleep(0.05)
    _give_up(log)


def _give_up(log: Path) -> NoReturn:
    sys.exit(f"the server didn't start: {log.read_text()[-2000:]}")


def _is_ready(control: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{control}/health/ready", timeout=10):
            return True
    except OSError:
        return False


def wait_for(url: str, seconds: float = 20) -> None:
    """Wait until something answers at a URL, whatever it says."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2).read()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    sys.exit(f"nothing answers at {url}")


def family(pid: int) -> list[int]:
    """Return a process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(grandchild for child in children for grandchild in family(int(child)))]


def descriptors(pid: int) -> int:
    """Return the open file descriptors of a process and its children."""
    return sum(len(list(Path(f"/proc/{each}/fd").iterdir())) for each in family(pid))


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process and its children so far."""
    total = 0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / _TICKS


def rss_mib(pid: int) -> float:
    """Return the resident memory of a process and its children; what they share is counted once."""
    total = 0
    for each in family(pid):
        with contextlib.suppress(OSError, ValueError, IndexError):  # one that just ended
            text = Path(f"/proc/{each}/smaps_rollup").read_text()
            total += int(text.partition("\nPss:")[2].split()[0])
    return total / 1024


def load(url: str, connections: int, seconds: float, script: str | None, pid: int | None) -> Sample:
    """Load a URL with wrk, bounded in time."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "15s", "--latency"]
    if script is not None:
        command += ["-s", str(HERE / "wrk" / script)]
    before = cpu_seconds(pid) if pid else 0.0
    text = subprocess.run([*command, url], capture_output=True, text=True, timeout=seconds + 60, check=True).stdout
    used = cpu_seconds(pid) - before if pid else 0.0
    done = int(_find(r"(\d+) requests in", text) or 0)
    errors = [int(number) for number in re.findall(r"(?:connect|read|write|timeout) (\d+)", text)]
    errors.append(int(_find(r"Non-2xx or 3xx responses: (\d+)", text) or 0))
    return Sample(
        rps=float(_find(r"Requests/sec:\s+([\d.]+)", text) or 0),
        p50=_milliseconds(text, "50%"),
        p99=_milliseconds(text, "99%"),
        cpu=used / max(done, 1) * 1e6,
        rss=rss_mib(pid) if pid else 0.0,
        failed=sum(errors),
        mb_s=_megabytes(text),
    )


def _find(pattern: str, text: str) -> str | None:
    found = re.search(pattern, text)
    return found[1] if found else None


def _milliseconds(text: str, percentile: str) -> float:
    found = re.search(rf"{percentile}\s+([\d.]+)(us|ms|s|m)\b", text)
    return float(found[1]) * _UNITS[found[2]] if found else 0.0


def _megabytes(text: str) -> float:
    found = re.search(r"Transfer/sec:\s+([\d.]+)(KB|MB|GB|B)", text)
    return float(found[1]) * {"B": 1e-6, "KB": 1e-3, "MB": 1.0, "GB": 1e3}[found[2]] if found else 0.0

"""Processes that are forked for the tests are what a fresh interpreter would be, and end with the tests."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import forks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a fresh interpreter is started for each")
LIMIT = 60.0
HERE = Path(__file__).parent
STATE = """
import gc, json, os, resource, signal, subprocess, sys, threading, warnings
from pathlib import Path
signals = [str(signal.getsignal(number)).partition(" at ")[0] for number in sorted(signal.valid_signals())]
streams = [
    [stream.encoding, stream.errors, stream.line_buffering, stream.isatty(), stream.fileno(), stream.mode]
    for stream in (sys.stdin, sys.stdout, sys.stderr)
]
print(json.dumps({
    "argv": sys.argv,
    "orig_argv": sys.orig_argv,
    "name": __name__,
    "main": sys.modules["__main__"] is sys.modules[__name__],
    "path": sys.path,
    "cwd": os.getcwd(),
    "environment": dict(os.environ),
    "of a child": subprocess.check_output(["env"], text=True).splitlines(),
    "descriptors": [name for name in os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd/" + name)],
    "signals": signals,
    "blocked": [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
    "group": [os.getpgid(0), os.getsid(0)],
    "limits": [resource.getrlimit(number) for number in range(16)],
    "umask": os.umask(0),
    "streams": streams,
    "threads": [len(os.listdir("/proc/self/task")), [thread.name for thread in threading.enumerate()]],
    "gc": [gc.isenabled(), gc.get_threshold()],
    "warnings": [str(each) for each in warnings.filters if each[0] == "error"],
    "said": sys.stdin.read(),
    "children": Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(),
}))
"""


def state(kind: type[subprocess.Popen], tmp_path: Path, *command: str) -> dict:
    env = forks.surroundings(HOME="/nowhere", EMPTY="", TOKEN="ß")
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with kind([sys.executable, *command], env=env, cwd=tmp_path, text=True, **streams) as process:
        said, errors = process.communicate("a line\n", LIMIT)
    assert (errors, process.returncode) == ("", 0)
    return json.loads(said)


@pytest.mark.parametrize("words", [["-c", STATE, "one", "--two"], ["state.py", "one"], ["sub/state.py"]])
def test_a_fork_is_what_a_fresh_interpreter_is(tmp_path, words):
    (tmp_path / "sub").mkdir()
    for name in ("state.py", "sub/state.py"):
        (tmp_path / name).write_text(STATE)
    fresh, forked = (state(kind, tmp_path, *words) for kind in (subprocess.Popen, forks.Forked))
    assert forked == fresh
    assert (forked["environment"]["TOKEN"], forked["said"]) == ("ß", "a line\n")


ENDS = {
    "at the end": "",
    "exit": "sys.exit(3)",
    "an exit with a text": "sys.exit('no')",
    "an exception": "raise ValueError('no')",
    "at once": "sys.stdout.flush(); os._exit(7)",
    "a signal": "sys.stdout.flush(); os.kill(os.getpid(), signal.SIGKILL)",
    "Ctrl-C": "os.kill(os.getpid(), signal.SIGINT); time.sleep(60)",
    "a request to end": "sys.stdout.flush(); os.kill(os.getpid(), signal.SIGTERM); time.sleep(60)",
    "a thread that goes on": "threading.Timer(0.01, print, ['late']).start()",
    "what is left to do": "import atexit; atexit.register(print, 'last'); print('first')",
    "a warning that is an error": "import socket; socket.socket(); import gc; gc.collect()",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_it_ends_as_a_fresh_one(end):
    code = f"import os, signal, sys, threading, time; print('said'); {end}"
    env = forks.surroundings()
    done = forks.run([sys.executable, "-c", code], env=env, timeout=LIMIT)
    fresh = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert (done.returncode, done.stdout) == (fresh.returncode, fresh.stdout)
    assert done.stderr.splitlines()[-1:] == fresh.stderr.splitlines()[-1:]


def test_naftiko_is_forked_and_says_what_it_is(tmp_path):
    version = forks.run([forks.NAFTIKO, "--version"], env=forks.surroundings(), timeout=LIMIT)
    fresh = subprocess.run([forks.NAFTIKO, "--version"], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert (version.returncode, version.stdout, version.stderr) == (0, fresh.stdout, "")
    wrong = forks.run([forks.NAFTIKO, "valdate"], env=forks.surroundings(), cwd=tmp_path, timeout=LIMIT)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("Usage: naftiko ")


def test_a_variable_that_an_interpreter_reads_gets_a_fresh_one():
    for env in ({"PYTHONWARNINGS": "ignore"}, {"OTEL_PROPAGATORS": "b3"}, {"COVERAGE_PROCESS_START": "x"}):
        with forks.start([sys.executable, "-c", ""], env=forks.surroundings(**env)) as process:
            assert type(process) is subprocess.Popen
    env = {"TOKEN": "x", "OTEL_SERVICE_NAME": "quay"}
    with forks.start([sys.executable, "-c", ""], env=forks.surroundings(**env)) as process:
        assert type(process) is forks.Forked


def test_a_terminal_is_one():
    ours, theirs = pty.openpty()
    code = "import sys; print(sys.stdout.isatty(), sys.stdout.line_buffering, input(), end=''); sys.stdout.flush()"
    command = [sys.executable, "-c", code]
    with forks.start(command, env=forks.surroundings(), stdin=theirs, stdout=theirs) as process:
        os.close(theirs)
        os.write(ours, b"said\n")
        assert process.wait(LIMIT) == 0
        assert os.read(ours, 4096) == b"said\r\nTrue True said"
    os.close(ours)


def test_it_is_waited_for_and_asked_meanwhile():
    code = "import sys; sys.stdin.read(1); sys.exit(5)"
    with forks.start([sys.executable, "-c", code], env=forks.surroundings(), stdin=subprocess.PIPE) as process:
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(process.wait, LIMIT) for _ in range(4)]
            process.communicate(b"x", LIMIT)
            assert {each.result() for each in waiting} == {5}
        assert (process.poll(), process.returncode) == (5, 5)
    assert not is_there(process.pid)
    process.kill()  # nobody is left who could get it


def test_many_threads_start_some():
    def one(number: int) -> str:
        return forks.run([sys.executable, "-c", f"print({number})"], env=forks.surroundings(), timeout=LIMIT).stdout

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(16))) == [f"{number}\n" for number in range(16)]


def test_a_signal_that_comes_at_once_is_not_lost():
    for number, code in ((signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)):
        for _ in range(6):
            with forks.start(
                [sys.executable, "-c", "import time; time.sleep(60)"], env=forks.surroundings(), stderr=subprocess.PIPE
            ) as process:
                process.send_signal(number)
                assert process.wait(LIMIT) == code


@pytest.mark.parametrize("way", ["ends", "is killed"])
def test_nothing_is_left_when_the_tests_end(way):
    script = (
        "import os, sys, signal, forks\n"
        "process = forks.start([sys.executable, '-c', 'import time; time.sleep(600)'], env=forks.surroundings())\n"
        "print(process.pid, flush=True)\n" + ("os.kill(os.getpid(), signal.SIGKILL)" if way == "is killed" else "")
    )
    env = forks.surroundings(PYTHONPATH=os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], env=env, capture_output=True, text=True, timeout=LIMIT, check=False
    )  # fmt: skip
    end = time.monotonic() + LIMIT
    while is_there(int(done.stdout)):
        assert time.monotonic() < end, "it is left"
        time.sleep(0.01)


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()

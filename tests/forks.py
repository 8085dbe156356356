"""Starts of ``naftiko`` that cost little: a process that has imported it forks for each.

A fresh interpreter spends a second of a processor on imports. ``start`` gives what ``subprocess.Popen`` gives, for
``naftiko``, and for programs that begin with it (``python FILE`` and ``python -c CODE``). The process has the standard streams, the environment, the directory,
the arguments, the session and the process group that it would have, Python's usual signals, only its own file
descriptors, and an interpreter that ends as any other. What differs: what ``/proc`` says of its command and its first
environment; its parent is not the test; all forks of a test worker have one seed of hashes; more is imported.

A fresh interpreter is started all the same where the environment has something to say to it (``PYTHON…``, ``COVERAGE_…``,
those of ``OTEL_…`` that are read by an import), and for all with ``TESTS_START=fresh``. Tests of what an interpreter does while it starts, or of what it
imports, call ``subprocess`` themselves.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import io
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

NAFTIKO = Path(sys.executable).with_name("naftiko")
INTERPRETER = ("PYTHON", "OTEL_PROPAGATORS", "OTEL_PYTHON_", "COVERAGE_", "LD_", "MALLOC_", "LC_", "LANG", "TZ")
"""Beginnings of the names that are read once: while an interpreter starts, or a library is imported."""
_USUAL = {"PYTHONWARNINGS": "error::ResourceWarning"}
_KEPT = frozenset({"PATH", "LANG", "SYSTEMROOT", "TMPDIR", "PYTHONPATH"})
_IMPORTED = (
    *("naftiko.cli.application", "naftiko.cli.serve", "naftiko.cli.validate", "naftiko.cli.health"),
    *(f"naftiko.expose.{name}" for name in ("rest.app", "rest.description", "mcp.app", "mcp.sdk", "control.app")),
    *("naftiko.engine.forward", "naftiko.engine.process_pool.template", "naftiko.link.lint", "naftiko.observe.metrics"),
    *("anyio._backends._asyncio", "encodings.ascii", "encodings.idna", "uvicorn.lifespan.on", "uvloop"),
)
"""What most commands import; not those whose options know the kinds that programs register before."""
_CLOCKS = {
    "naftiko.serve.operated": ("BEGAN", time.monotonic),
    "naftiko.observe.process_figures": ("_BEGAN", time.time),
}
"""Constants that are the time of the start, by module."""
_PROGRAMS = (str(NAFTIKO), sys.executable)
_SIZE = struct.Struct("!q")
_IN_A_START = 4
"""Descriptors that come with an order: the three streams, and where the exit code goes."""


def surroundings(**given: str) -> dict[str, str]:
    """An environment with nothing in it that could be a setting, but what is given."""
    return {**{name: value for name, value in os.environ.items() if name in _KEPT}, **_USUAL, **given}


def traced() -> dict[str, str]:
    """What has a process traced for the coverage, if this one is."""
    return {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}


_ENVIRONMENT = surroundings()
"""What the fork server has begun with."""


def start(command: Sequence[str | Path], *, env: Mapping[str, str], **options: Any) -> subprocess.Popen[Any]:
    """Start a process as ``subprocess.Popen`` does; it is forked where that is the same."""
    words = [str(word) for word in command]
    kind = Forked if words[0] in _PROGRAMS and _can_fork(env) else subprocess.Popen
    return kind(words, env=env, **options)


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str], timeout: float, said: str | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a process to its end, as ``subprocess.run`` does, and say something to it; all is text."""
    stdin = None if said is None else subprocess.PIPE
    streams = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    with start(command, env=env, text=True, **streams) as process:
        try:
            answer, errors = process.communicate(said, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, answer, errors)


def _can_fork(env: Mapping[str, str]) -> bool:
    # macOS has fork, and system libraries that don't survive it.
    if sys.platform != "linux" or os.environ.get("TESTS_START") == "fresh":
        return False
    return _for_interpreter(env) == _for_interpreter(_ENVIRONMENT)


def _for_interpreter(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith(INTERPRETER)}


class Forked(subprocess.Popen[Any]):
    """A process that the fork server has started; its exit code comes over a pipe."""

    _ending: int

    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, *rest):
        """Start it, where ``subprocess`` would. ``rest`` has the pipes' ends, -1 for a stream that is inherited."""
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = rest[3:9]
        streams = [own if given == -1 else given for own, given in enumerate((p2cread, c2pwrite, errwrite))]
        order = {"argv": args, "env": dict(env), "cwd": os.fspath(cwd or Path.cwd())}
        self.pid, self._ending = _server().start(order, streams)
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def poll(self) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not select.select([self._ending], [], [], timeout)[0] and self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        with self._waitpid_lock:
            if self.returncode is None:
                said = os.read(self._ending, _SIZE.size)
                assert said, "the fork server has ended"
                (self.returncode,) = _SIZE.unpack(said)
        return self.returncode

    def __del__(self, *given: Any) -> None:
        super().__del__(*given)
        if hasattr(self, "_ending"):
            os.close(self._ending)


class _Server:
    """The fork server of this process, as it is seen from here. It ends when its socket is closed: with this process."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._lock = threading.Lock()
        with theirs:
            command = [sys.executable, __file__, str(theirs.fileno())]
            self._process = subprocess.Popen(
                command,
                env=_ENVIRONMENT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        atexit.register(self.close)

    def start(self, order: dict[str, Any], streams: Sequence[int]) -> tuple[int, int]:
        """Start a process; return its number and where its exit code is to be read."""
        said = json.dumps(order).encode()
        ending, theirs = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._socket, [_SIZE.pack(len(said))], [*streams, theirs])
                self._socket.sendall(said)
                answer = _received(self._socket, _SIZE.size)
                assert answer, "the fork server has ended"
                (pid,) = _SIZE.unpack(answer)
        except BaseException:
            os.close(ending)
            raise
        finally:
            os.close(theirs)
        return pid, ending

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


@functools.cache
def _server() -> _Server:
    return _Server()


def _received(from_: socket.socket, size: int) -> bytes:
    """Receive so many bytes; fewer where the other side has ended."""
    found = b""
    while len(found) < size and (piece := from_.recv(size - len(found))):
        found += piece
    return found


class _Forking:
    """The fork server itself: the processes that it has started, and the order of the one that it has just become."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._usual = signal.getsignal(signal.SIGINT)
        self._children: dict[int, int] = {}
        self._ended, self._ends = socket.socketpair()
        self._ends.setblocking(False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the tests, and they end this
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._ends.fileno(), warn_on_full_buffer=False)

    def serve(self) -> dict[str, Any] | None:
        """Fork for each order; returns in each process that was forked, with its order, and with ``None`` at the end."""
        while True:
            ready = select.select([self._control, self._ended], [], [])[0]
            if self._ended in ready:
                self._ended.recv(4096)
                self._reap()
            if self._control in ready:
                said, descriptors, _, _ = socket.recv_fds(self._control, _SIZE.size, _IN_A_START)
                if not said:
                    self._finish()
                    return None
                order = json.loads(_received(self._control, _SIZE.unpack(said)[0]))
                if self._fork(descriptors):
                    return order

    def _fork(self, descriptors: list[int]) -> bool:
        """Fork; tell whether this is the new process, which then has nothing that a fresh one would not have."""
        *streams, ending = descriptors
        # A signal that comes before the new process has its own handlers waits for them.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, self._usual)
            for number, stream in enumerate(streams):
                os.dup2(stream, number)
            self._close()
            for each in (*descriptors, *self._children.values()):
                os.close(each)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if not pid:
            return True
        self._children[pid] = ending
        for stream in streams:
            os.close(stream)
        self._control.sendall(_SIZE.pack(pid))
        return False

    def _reap(self, options: int = os.WNOHANG) -> None:
        for pid in [*self._children]:
            found, status = os.waitpid(pid, options)
            if found:
                ending = self._children.pop(pid)
                with contextlib.suppress(BrokenPipeError):  # nobody asks
                    os.write(ending, _SIZE.pack(os.waitstatus_to_exitcode(status)))
                os.close(ending)

    def _finish(self) -> None:
        """Leave nothing behind."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
        self._reap(0)
        self._close()

    def _close(self) -> None:
        for each in (self._control, self._ended, self._ends):
            each.close()


def _become(order: dict[str, Any]) -> None:
    """Be a process as the order says."""
    sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__ = [*_streams()]
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    for module, (name, now) in _CLOCKS.items():
        if module in sys.modules:
            setattr(sys.modules[module], name, now())


def _streams() -> Iterator[io.TextIOWrapper]:
    """Yield standard streams as Python makes them of the descriptors."""
    for number, usual in enumerate((sys.__stdin__, sys.__stdout__, sys.__stderr__)):
        mode = "w" if number else "r"
        stream = open(number, mode, encoding=usual.encoding, errors=usual.errors, closefd=False)  # noqa: SIM115
        if usual is sys.__stderr__:
            stream.reconfigure(line_buffering=True)
        yield stream


def _run(command: list[str]) -> None:
    """Run a program as its main module, as the interpreter does."""
    program, *words = command
    if program != sys.executable:
        words = command
    sys.orig_argv = [sys.executable, *words]
    if words[0] == "-c":
        _, text, *words = words
        name, sys.path[0], sys.argv = "<string>", "", ["-c", *words]
    else:
        name, text = words[0], Path(words[0]).read_text("utf-8")
        sys.path[0], sys.argv = str(Path(name).resolve().parent), words
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    if name != "<string>":
        module.__file__ = name
    exec(compile(text, name, "exec"), vars(module))


def _main() -> None:
    for module in _IMPORTED:
        importlib.import_module(module)
    assert threading.active_count() == 1, "a fork would lose threads"
    gc.collect()
    gc.freeze()
    order = _Forking(socket.socket(fileno=int(sys.argv[1]))).serve()
    if order is not None:
        _become(order)
        _run(order["argv"])


if __name__ == "__main__":
    _main()

"""The program of a process that runs JavaScript; it imports QuickJS and nothing of ours.

It is started with an empty environment, reads jobs from stdin and writes what came of them to stdout, until stdin ends.
A message is a line of JSON, which says how many bytes follow it.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any, BinaryIO

PRELUDE = """(() => {
  const {stringify, rawJSON} = JSON, {from, isArray} = Array, {fromEntries} = Object;
  const text = String, finite = Number.isFinite, IsMap = Map, IsSet = Set, IsPromise = Promise;
  const printed = [];
  let room = MOST_PRINTED;
  const print = (...values) => {
    if (room <= 0) return;
    const said = (each) => typeof each === 'string' ? each : stringify(each, plain);
    const line = values.map(said).join(' ').slice(0, room);
    room -= line.length + 1;
    printed.push(line);
  };
  const plain = function (key, value) {
    switch (typeof value) {
      case 'number': return finite(value) ? value : text(value);
      case 'bigint': return rawJSON(text(value));
      case 'symbol': return text(value);
      case 'undefined': return null;
      case 'function': return {};
    }
    if (value instanceof IsMap) return fromEntries(value);
    if (value instanceof IsSet) return from(value);
    return value;
  };
  globalThis.console = {};
  for (const name of ['log', 'info', 'warn', 'error', 'debug', 'trace']) globalThis.console[name] = print;
  globalThis.print = print;
  let settled;
  return {
    wait(value) {
      settled = {value};
      if (value instanceof IsPromise) {
        settled = {failed: new Error('its result is a promise that is never settled')};
        value.then((found) => { settled = {value: found}; }, (failed) => { settled = {failed}; });
      }
    },
    result() {
      if ('failed' in settled) throw settled.failed;
      const {value} = settled;
      return value === undefined || value === null ? '' : stringify(value, plain);
    },
    printed: () => printed.join('\\n'),
  };
})()"""
RESULT = "typeof result === 'undefined' ? undefined : result"


class Failed(Exception):
    """A script failed; it is told with the source that was run."""


def run(job: dict[str, Any], context: bytes) -> tuple[dict[str, Any], bytes]:
    """Run a job; return what is told, and the result as JSON.

    Args:
        job: ``sources``, a list of names and texts; ``seconds``; ``memory``; ``most``, bytes of the result;
            ``printed``, characters that are kept; ``checks``, whether the sources are compiled and not run.
        context: JSON.
    """
    _quickjs: Any = importlib.import_module("_quickjs")  # where to find it is known by now
    javascript = _quickjs.Context()
    javascript.set_memory_limit(job["memory"])
    javascript.set_time_limit(job["seconds"])
    name = ""
    try:
        tools = javascript.eval(PRELUDE.replace("MOST_PRINTED", str(job["printed"])))
        wait, taken, printed = (tools_of(javascript, tools, each) for each in ("wait", "result", "printed"))
        javascript.set("context", javascript.parse_json(context.decode()))
        for name, text in job["sources"]:  # noqa: B007  # it is told where it fails
            # Compiled as the body of a function that is never called, one line further down; or run as it is.
            javascript.eval(f"void function () {{\n{text}\n}}" if job["checks"] else text)
        if job["checks"]:
            return {}, b""
        wait(javascript.eval(RESULT))
        while javascript.execute_pending_job():
            pass
        result = taken().encode("utf-8", "replace")
        if len(result) > job["most"]:
            return {"failed": "too large"}, b""
        return {"printed": printed()}, result
    except _quickjs.JSException as error:
        return {"failed": str(error), "source": name}, b""
    except MemoryError:
        return {"failed": "InternalError: out of memory", "source": name}, b""


def tools_of(javascript: Any, tools: Any, name: str) -> Any:
    """Return a function of the prelude."""
    return javascript.eval(f"(tools) => tools.{name}")(tools)


def read(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """Return the next job and its context; ``None`` at the end."""
    line = stream.readline()
    if not line.endswith(b"\n"):
        return None
    job = json.loads(line)
    return job, stream.read(job["bytes"])


def main() -> None:
    """Do jobs until there are no more."""
    sys.path.append(sys.argv[1])
    jobs, answers = sys.stdin.buffer, sys.stdout.buffer
    while (found := read(jobs)) is not None:
        told, result = run(*found)
        answers.write(json.dumps({**told, "bytes": len(result)}).encode() + b"\n" + result)
        answers.flush()


if __name__ == "__main__":
    main()

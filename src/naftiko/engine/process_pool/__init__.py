"""Work on large documents in processes of their own, so that nobody else waits for it (SEMANTICS 9).

A parser, a mapping or a check of a schema holds the interpreter for as long as it runs: no thread helps. So what may
take longer than a few milliseconds runs in another process, with a limit of time and of memory, and comes back as the
bytes of an answer, or as an error:

- ``template``: a process that is forked from the server when it is ready, and from which the others are forked. All of
  them have its plans in memory already, so a job is a function, its arguments, and what upstreams answered.
- ``pool``: the side of the server. It keeps a few processes, gives each operation at most half of them, ends one that
  exceeds its time, and forks another when it is needed.
- ``outside``: upstreams are called by the server alone. A call that isn't answered yet ends the job with the request
  that it would send; the server sends it, and the job is done again with the answer.
- ``weight``: which documents these are.

Without a server of ours (embedded, or on a system without ``fork``) there is no pool, and everything runs where it is.
"""

from naftiko.engine.process_pool.pool import LIGHT, SECONDS, Pool, current, install, is_heavy
from naftiko.engine.process_pool.wire import Shared

__all__ = ["LIGHT", "SECONDS", "Pool", "Shared", "current", "install", "is_heavy"]

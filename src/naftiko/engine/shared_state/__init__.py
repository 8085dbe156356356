"""What several processes share: a Redis or Valkey server that the operator names (docs/shared-state.md).

Without one, every process keeps its own state, and nothing here is imported but names.
"""

from __future__ import annotations

from naftiko.engine.shared_state.address import Address
from naftiko.engine.shared_state.lane import Away
from naftiko.engine.shared_state.script import Script
from naftiko.engine.shared_state.state import SharedState
from naftiko.engine.shared_state.store import SharedStore
from naftiko.engine.shared_state.turns import turn

__all__ = ["Address", "Away", "Script", "SharedState", "SharedStore", "turn"]

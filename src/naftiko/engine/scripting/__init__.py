"""Script steps: JavaScript and Python in sandboxes of their own processes (SEMANTICS 5.8)."""

from __future__ import annotations

from naftiko.engine.scripting.governance import Governance, WrongSetting
from naftiko.engine.scripting.runs import ScriptFailed, Scripting

__all__ = ["Governance", "ScriptFailed", "Scripting", "WrongSetting"]

"""How placeholders and sections are written in a text (https://mustache.github.io/mustache.5.html)."""

from __future__ import annotations

import re
from typing import Final

TAG: Final = re.compile(r"\{\{\{\s*(?P<triple>[^{}]*?)\s*\}\}\}|\{\{\s*(?P<kind>[#^/!&]?)\s*(?P<name>[^{}]*?)\s*\}\}")
"""A placeholder, the begin or end of a section, or a comment."""

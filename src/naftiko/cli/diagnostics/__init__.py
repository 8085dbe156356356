"""Show diagnostics: as text for people, as JSON for programs, as SARIF for code scanning."""

from naftiko.cli.diagnostics.report import Checked, Report, summary
from naftiko.cli.diagnostics.sarif import as_sarif
from naftiko.cli.diagnostics.structured import as_json
from naftiko.cli.diagnostics.text import TextRenderer, wants_colour

__all__ = ["Checked", "Report", "TextRenderer", "as_json", "as_sarif", "summary", "wants_colour"]

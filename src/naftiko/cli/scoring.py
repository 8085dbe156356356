"""Scores of tools for ``naftiko validate --score``: as text, in the JSON report, and as a badge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from naftiko.engine.capability import Capability
from naftiko.expose.mcp.rubric import Declared, Judged, alike, judge
from naftiko.expose.mcp.tool import declared_tools
from naftiko.expression.text import compact_json
from naftiko.observe import sanitize as neutral

_WORST: Final = 20
"""How many tools are listed with their advice, those first that have most to gain."""
_SHOWN: Final = 3
"""How many pieces of advice each has."""
_ALIKE_COSTS: Final = 2
_ALIKE_MOST: Final = 20
_GOOD: Final = 80
_FAIR: Final = 60
_COLOURS: Final = {_GOOD: "#2e7d32", _FAIR: "#b26a00", 0: "#c62828"}
_BADGE: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="132" height="20" role="img" aria-label="tools: {score} of 100">'
    '<rect width="60" height="20" fill="#444"/><rect x="60" width="72" height="20" fill="{colour}"/>'
    '<g fill="#fff" font-family="Verdana,sans-serif" font-size="11" text-anchor="middle">'
    '<text x="30" y="14">tools</text><text x="96" y="14">{score} of 100</text></g></svg>\n'
)


@dataclass(frozen=True, slots=True)
class Score:
    """The score of a file.

    Attributes:
        file: the file.
        tools: each tool, in the order of the file.
        alike: pairs of tools that say nearly the same.
    """

    file: str
    tools: tuple[Judged, ...]
    alike: tuple[tuple[str, str], ...]

    @property
    def score(self) -> int:
        """The mean of its tools, less what tools cost that can't be told apart; 0 to 100."""
        mean = round(sum(tool.score for tool in self.tools) / len(self.tools))
        return max(0, mean - min(_ALIKE_MOST, _ALIKE_COSTS * len(self.alike)))

    @property
    def tokens(self) -> int:
        """What the whole list costs a model in every conversation, estimated."""
        return sum(tool.tokens for tool in self.tools)

    def as_json(self) -> dict[str, Any]:
        """Return it for the JSON report."""
        return {
            "score": self.score,
            "tokens": self.tokens,
            "tools": [
                {
                    "name": tool.name,
                    "score": tool.score,
                    "tokens": tool.tokens,
                    "points": dict(tool.points),
                    "advice": [{"criterion": name, "lost": lost, "fix": fix} for name, lost, fix in tool.advice],
                }
                for tool in self.tools
            ],
            "alike": [list(pair) for pair in self.alike],
        }

    def as_text(self) -> str:
        """Return it for a terminal: the tools with most to gain, and what to do."""
        count = f"{len(self.tools)} {'tool' if len(self.tools) == 1 else 'tools'}"
        lines = [f"{self.file}: {self.score} of 100 for agents, {count}, about {self.tokens:,} tokens"]
        worst = sorted((tool for tool in self.tools if tool.advice), key=lambda tool: tool.score)
        for tool in worst[:_WORST]:
            lines.append(f"  {tool.score:3}  {tool.name}")
            lines.extend(f"         {name} -{lost}: {fix}" for name, lost, fix in tool.advice[:_SHOWN])
        if len(worst) > _WORST:
            lines.append(f"  and {len(worst) - _WORST} more tools; --format json has all")
        lines.extend(
            f"  `{one}` and `{other}` say nearly the same: say what each is for" for one, other in self.alike[:_SHOWN]
        )
        if len(self.alike) > _SHOWN:
            lines.append(f"  and {len(self.alike) - _SHOWN} more pairs")
        return neutral.lines("\n".join(lines))


def score_of(capability: Capability) -> Score | None:
    """Return the score of a capability's tools; ``None`` where it has none."""
    shown = list(declared_tools(capability))
    if not shown:
        return None
    tools = [Declared.of(declaration, len(compact_json(declaration))) for declaration in shown]
    return Score(str(capability.path), tuple(judge(tool) for tool in tools), tuple(alike(tools)))


def badge(scores: Sequence[Score]) -> str:
    """Return the worst file's score as an SVG picture."""
    score = min(each.score for each in scores)
    colour = next(colour for least, colour in _COLOURS.items() if score >= least)
    return _BADGE.format(score=score, colour=colour)

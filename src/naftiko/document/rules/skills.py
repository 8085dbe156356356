"""Rules of skills: what agents take, what is beside the file, what their tools are made of (SEMANTICS 10)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, TOOL, WARNING, Rule

_SKILLS = f"""{TOOL}- type: skill
  namespace: shop-skills
  description: Skills of the shop.
  port: 3003
"""
_BUYING = f"""{_SKILLS}  skills:
    buying:
      description: Buy a product. Use it when somebody wants to order.
"""
_WITH_TOOL = f"""{_BUYING}      tools:
        look-up: {{description: A product., from: {{sourceNamespace: shop-mcp, action: get-product}}}}
"""
_WITH_FILE = f"""{_BUYING}      location: file://.
      tools:
        rules: {{description: The rules., instruction: shared.yaml}}
"""
_GUARDED = f"""{_BUYING}  authentication: {{type: bearer, token: "{{{{SHOP_TOKEN}}}}"}}
"""
_BOTH = 'authentication: {type: bearer, token: "{{SHOP_TOKEN}}"}\n  tools:'

SKILLS = (
    Rule(
        "skill-name",
        WARNING,
        "A skill's name is none that agents take.",
        "The Agent Skills specification allows 1 to 64 lower-case letters, digits and single hyphens. The catalogue "
        "over HTTP has the name as it is; MCP servers and `naftiko skill` bring it into that form.",
        "Rename the skill.",
        f"{_SKILLS}  skills:\n  - name: Buying_Things\n    description: Buy.\n",
        f"{_SKILLS}  skills:\n  - name: buying\n    description: Buy.\n",
    ),
    Rule(
        "skill-description",
        WARNING,
        "A skill's description is missing or too long; or its `compatibility`, or its `allowed-tools`.",
        "Agents choose a skill by its description alone, and refuse one of more than 1,024 characters (500 of "
        "`compatibility`). Without one, the skill's name in words stands in its place; one that is too long is in no "
        "MCP server.",
        "Say in a sentence or two what the skill does, and when to use it.",
        _BUYING.replace("      description: Buy a product. Use it when somebody wants to order.", "      license: MIT"),
        _BUYING,
    ),
    Rule(
        "duplicate-skill",
        WARNING,
        "Two skills of an adapter have one name.",
        "Requests name a skill by its name. The first one is served.",
        "Rename one.",
        f"{_SKILLS}  skills:\n  - {{name: buying, description: Buy.}}\n  - {{name: buying, description: More.}}\n",
        f"{_SKILLS}  skills:\n  - {{name: buying, description: Buy.}}\n  - {{name: buying-more, description: More.}}\n",
    ),
    Rule(
        "skill-tool",
        ERROR,
        "A tool of a skill is made of nothing, or of two things.",
        "It is either a tool or route that the file exposes (`from`), or a file below the skill's `location` "
        "(`instruction`). It is left out.",
        "Write one of the two; a skill with instructions needs a `location`.",
        f"{_BUYING}      tools: {{look-up: {{description: A product.}}}}\n",
        _WITH_TOOL,
    ),
    Rule(
        "unknown-skill-tool",
        ERROR,
        "A tool of a skill is from a tool or route that isn't there.",
        "The adapter that `sourceNamespace` names exposes nothing of that name: an agent would call it in vain. It is "
        "left out.",
        "Correct `action`: the name of a tool, or of a route's operation.",
        _WITH_TOOL.replace("action: get-product", "action: get-produce"),
        _WITH_TOOL,
    ),
    Rule(
        "skill-file",
        WARNING,
        "A file of a skill is missing, or is none that agents take.",
        "An instruction names a file that is not below `location`; or the `SKILL.md` there has no frontmatter, or "
        "another name than the skill; or the files are more than 512, or larger than 16 MiB together. Over HTTP the "
        "files are served as they are; such a skill is in no MCP server (a missing instruction is left to be mended).",
        "Correct the file, or leave `SKILL.md` out: it is made of the declaration.",
        _WITH_FILE.replace("shared.yaml", "rules.md"),
        _WITH_FILE,
    ),
    Rule(
        "skill-not-in-mcp",
        WARNING,
        "A catalogue asks for a credential that no MCP adapter of the file asks for.",
        "An MCP server has the skills of its file, as far as whoever may call it may see them. Where the catalogue has "
        "an `authentication` and the MCP adapter has another one or none, it has none of them.",
        "Give the MCP adapter the same `authentication`.",
        _GUARDED,
        _GUARDED.replace("tools:", _BOTH, 1),
    ),
)

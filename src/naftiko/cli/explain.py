"""``naftiko explain``: the page of a rule, one Markdown section each, for ``docs/rules.md`` too."""

from __future__ import annotations

import sys

import click

from naftiko.document.rules import CHAPTERS, RULES, Rule
from naftiko.document.suggest import did_you_mean

_HEAD = """# Rules

Every problem that `naftiko validate` tells has a rule, and every rule has a section here. `naftiko explain RULE` shows
the same in the terminal; this page is what `naftiko explain --all` prints.

- **error**: this unit, or this file, can't be executed. The rest of the file is served.
- **warning**: it works, probably not as meant.
- **hint**: it works; it could be said better. `naftiko validate` counts hints and shows them with `--hints`.

The examples are sections of a capability; what is not shown is as it was.
"""


def rule_markdown(rule: Rule, *, level: int = 2) -> str:
    """Return one rule's page."""
    parts = [
        f"{'#' * level} {rule.id}",
        f"*{rule.severity.value}*: {rule.summary}",
        rule.why,
        f"**What to do.** {rule.fix}",
        f"Not so:\n\n```yaml\n{rule.bad.strip()}\n```",
        f"But so:\n\n```yaml\n{rule.good.strip()}\n```",
    ]
    return "\n\n".join(parts)


def all_rules_markdown() -> str:
    """Return the page of all rules, by chapter."""
    parts = [_HEAD]
    for title, rules in CHAPTERS.items():
        listed = "\n".join(f"- [{rule.id}](#{rule.id}): {rule.summary}" for rule in rules)
        parts.append(f"## {title}\n\n{listed}\n")
        parts.extend(f"{rule_markdown(rule, level=3)}\n" for rule in rules)
    return "\n".join(parts)


@click.command()
@click.argument("rule", required=False)
@click.option("--all", "every", is_flag=True, help="Print the pages of all rules, as docs/rules.md has them.")
def explain(rule: str | None, *, every: bool) -> None:
    """Explain a rule of `validate`.

    Without a rule, list them all.
    """
    if every:
        sys.stdout.write(all_rules_markdown())
    elif rule is None:
        _list()
    else:
        found = RULES.get(rule.strip().strip("[]").lower())
        if found is None:
            hint = did_you_mean(rule, RULES) or "`naftiko explain` lists them"
            raise click.UsageError(f"there is no rule `{rule}`; {hint}")
        click.echo(rule_markdown(found, level=1))


def _list() -> None:
    width = max(map(len, RULES))
    for title, rules in CHAPTERS.items():
        click.echo(f"{title}\n")
        for rule in rules:
            click.echo(f"  {rule.id.ljust(width)}  {rule.severity.value.ljust(7)}  {rule.summary}")
        click.echo()

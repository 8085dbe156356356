"""``naftiko explain``: the page of a rule."""

from __future__ import annotations

import sys

import click

from naftiko.cli.pages import all_rules_markdown, rule_markdown
from naftiko.document.rules import CHAPTERS, RULES
from naftiko.document.suggest import did_you_mean


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

"""``naftiko schema``: the JSON Schema of capability files, for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click

from naftiko.cli.files import write_text
from naftiko.document.language import json_schema, keys_markdown


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write it to this file.")
@click.option("--keys", is_flag=True, help="Print tables of all keys as Markdown, as docs/language.md has them.")
def schema(output: Path | None, *, keys: bool) -> None:
    """Print the JSON Schema of capability files, for editors.

    Editors with the YAML language server check and complete a file whose first line is
    `# yaml-language-server: $schema=PATH`.
    """
    text = keys_markdown() + "\n" if keys else json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
    else:
        write_text(output, text)
        if not keys:
            click.echo(f"{output}: begin files with `# yaml-language-server: $schema={output}`", err=True)

"""Rules of YAML itself (SEMANTICS 1.1)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, Rule

TEXT = (
    Rule(
        "unreadable-file",
        ERROR,
        "The file can't be read at all.",
        "It is missing, a directory, or nothing that this user may read. Other files are checked all the same.",
        "Check the path and the permissions.",
        "# a file that may not be read\n",
        "# a file that may be read\n",
    ),
    Rule(
        "yaml-syntax",
        ERROR,
        "The file is no YAML.",
        "Nothing of the file can be read. The place is where the parser gave up; the mistake is there or just before.",
        "Look at the marked line and the one before: indentation, a missing `:`, an unclosed quote, a tab.",
        "info:\n  label: Shop\n description: Products\n",
        "info:\n  label: Shop\n  description: Products\n",
    ),
    Rule(
        "yaml-encoding",
        ERROR,
        "The file is not UTF-8.",
        "YAML is UTF-8, or UTF-16 with a byte order mark. Bytes of another encoding would become wrong characters.",
        "Save the file as UTF-8.",
        "info:\n  label: Caf\\xe9   # saved as Latin-1\n",
        "info:\n  label: Café\n",
    ),
    Rule(
        "yaml-limit",
        ERROR,
        "The file is too large, too deep, or its aliases multiply without end.",
        "A few lines of aliases can expand to gigabytes (an alias bomb), and an alias can contain itself. Such a file "
        "is refused before it is expanded.",
        "Write out what the aliases repeat, or use fewer of them.",
        "info: &loop\n  tags: [*loop]\n",
        "info:\n  tags: [shop]\n",
    ),
    Rule(
        "yaml-key",
        ERROR,
        "A key is no text, or `<<` merges something that is no mapping.",
        "An unquoted `{{name}}` is a mapping in YAML, so it can't be a key; `<<` takes mappings only.",
        'Quote the template: "{{name}}".',
        "info:\n  {{label}}: Shop\n",
        "info:\n  label: Shop\n",
    ),
    Rule(
        "yaml-tag",
        ERROR,
        "A tag is not allowed, or doesn't fit its value.",
        "Tags such as `!python/object` make a YAML file run code in other programs. Only the standard tags are read.",
        "Remove the tag.",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  port: !!int eighty\n",
        "exposes:\n- type: mcp\n  namespace: shop-mcp\n  port: 8080\n",
    ),
    Rule(
        "duplicate-key",
        ERROR,
        "A key stands twice in one mapping.",
        "YAML allows a key once. Which of two would count differs from parser to parser, so that one of them is "
        "silently lost; both lines are shown.",
        "Keep one of the two, or rename one.",
        "info:\n  label: Shop\n  label: Store\n",
        "info:\n  label: Shop\n",
    ),
)

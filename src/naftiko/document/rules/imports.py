"""Rules of imports (SEMANTICS 1.5)."""

from __future__ import annotations

from naftiko.document.rules.rule import ERROR, HINT, WARNING, Rule

_GOOD = "consumes:\n- from: ./shared.yaml\n  import: shop\n"

IMPORTS = (
    Rule(
        "import-not-found",
        ERROR,
        "An import names a file, or a namespace in it, that isn't there.",
        "What was to be imported is missing, so every call of it can't be executed.",
        "Correct the path (it is relative to the importing file) or the namespace.",
        "consumes:\n- from: ./sharde.yaml\n  import: shop\n",
        _GOOD,
    ),
    Rule(
        "import-incomplete",
        ERROR,
        "An import names no file.",
        "`import` alone says what is wanted, not where it is.",
        "Add `from: ./FILE.yaml`.",
        "consumes:\n- import: shop\n",
        _GOOD,
        covers=("import-from-required", "import-import-required"),
    ),
    Rule(
        "import-swapped",
        HINT,
        "`import` holds the path and `as` the namespace.",
        "It is understood as it was meant; other tools may not.",
        "Write `from: PATH` and `import: NAMESPACE`; `as` is for another name.",
        "consumes:\n- import: ./shared.yaml\n  as: shop\n",
        _GOOD,
    ),
    Rule(
        "import-name",
        WARNING,
        "An import names a namespace that its file doesn't have, and the file consumes one API only.",
        "That one is meant, under the name of the import; other engines find nothing.",
        "Write the file's own namespace in `import`, and the name here in `as`.",
        "consumes:\n- from: ./shared.yaml\n  import: the-shop\n  as: shop\n",
        "consumes:\n- from: ./shared.yaml\n  import: shop\n",
    ),
    Rule(
        "import-scheme",
        ERROR,
        "An import reads from somewhere else than a file.",
        "A capability must mean the same tomorrow, and loading one must not send requests anywhere.",
        "Copy the file next to the capability.",
        "consumes:\n- from: https://shop.example/shared.yaml\n  import: shop\n",
        _GOOD,
    ),
    Rule(
        "import-outside",
        ERROR,
        "An import leaves the capability's directory.",
        "A capability from somebody else must not read your other files.",
        "Move the file below the capability's directory, or name a wider one with `--import-root`.",
        "consumes:\n- from: ../../shared.yaml\n  import: shop\n",
        _GOOD,
    ),
    Rule(
        "import-cycle",
        ERROR,
        "Imports go in a circle.",
        "Two files that import from one another can't be resolved; the message shows the circle.",
        "Move what both need to a third file.",
        "consumes:\n- from: ./capability.yaml\n  import: shop\n",
        _GOOD,
        covers=("import-from-not-self",),
    ),
)

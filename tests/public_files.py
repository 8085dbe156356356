"""Where the public capability files are, and what their absence means.

They are no part of the project. A developer without them gets their tests skipped, in so many words; a check that
should have run them and can't must fail, or it would say of a broken runtime that it serves them all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "corpus"
"""Where they are unless the environment says otherwise: beside the project."""

VARIABLE = "NAFTIKO_CORPUS"
"""``required``, ``absent`` (on purpose), or the folder that has them; unset: required if ``CI`` is ``true``."""


@dataclass(frozen=True)
class PublicFiles:
    """The folder of the files.

    Attributes:
        folder: where they are, or would be.
        missing: why there are none, or ``""``.
        required: whether that is a failure.
    """

    folder: Path
    missing: str
    required: bool

    @classmethod
    def of(cls, environment: Mapping[str, str], beside: Path = BESIDE) -> PublicFiles:
        """Decide by the environment; what it names and isn't there is required."""
        said = environment.get(VARIABLE, "")
        if said == "absent":
            return cls(
                beside, f"{VARIABLE}=absent: the public capability files are left out on purpose", required=False
            )
        folder = Path(said) if said not in {"", "required"} else beside
        required = bool(said) or environment.get("CI", "").lower() in {"true", "1"}
        if folder.is_dir():
            return cls(folder, "", required)
        hint = f"; {VARIABLE}=absent says that this is on purpose" if required else ""
        return cls(folder, f"the public capability files are not in {folder}{hint}", required)


FILES = PublicFiles.of(os.environ)
CORPUS = FILES.folder

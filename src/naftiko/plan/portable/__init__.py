"""JSON Schemas in the form that every MCP client and model takes, with the same meaning (SEMANTICS 7).

``mending`` reads what was written, ``references`` and ``folding`` take apart what clients can't follow, ``shaping``
shows the rest, and ``wording`` says what has no other form.
"""

from naftiko.plan.portable.folding import Folder, Loss, Losses, References
from naftiko.plan.portable.mending import mended, type_words
from naftiko.plan.portable.shaping import LONGEST_TEXT, Renaming, Shape, Shaper, bounded, described, renamed

__all__ = [
    "LONGEST_TEXT",
    "Folder",
    "Loss",
    "Losses",
    "References",
    "Renaming",
    "Shape",
    "Shaper",
    "bounded",
    "described",
    "mended",
    "renamed",
    "type_words",
]

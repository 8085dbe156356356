"""The language as data: what each key means, and the JSON Schema of files as people write them.

Both follow from the models that read files; what only people can say of a key is in ``keys.yaml``.
"""

from naftiko.document.language.described import Described, describe
from naftiko.document.language.page import keys_markdown
from naftiko.document.language.schema import SCHEMA_ID, json_schema

__all__ = ["SCHEMA_ID", "Described", "describe", "json_schema", "keys_markdown"]

"""The skill adapter: a catalogue of skills over HTTP, their files one by one and as an archive (SEMANTICS 10)."""

"""``python -m naftiko`` is ``naftiko``."""

from naftiko.cli import main

main()

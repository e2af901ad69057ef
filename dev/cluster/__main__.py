"""Entry point of ``python -m dev.cluster``."""

from dev.cluster.cli import main

main()

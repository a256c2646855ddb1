"""`python -m registry.cli`: the command, where its script is not on the path."""

from registry.cli.main import main

main()

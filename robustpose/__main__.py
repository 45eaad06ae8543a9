"""Run the command line: python -m robustpose."""

from robustpose.cli import main

main()

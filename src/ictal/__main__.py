"""`python -m ictal`."""

from ictal.cli import main

main()

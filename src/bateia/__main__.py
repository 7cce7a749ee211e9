"""`python -m bateia`."""

from bateia.cli import main

main()

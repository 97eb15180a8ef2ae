"""`python -m xstilts` is the `xstilts` command."""

from xstilts.cli.main import main

main()

"""`python -m seqapp` is the command line."""

from seqapp.cli import main

main(prog_name="seqapp")

"""`python -m trainer` is `berth`."""

from trainer.cli import main

main()

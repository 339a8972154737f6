"""`python -m apps.cli` is `opentalking`."""

from apps.cli.main import main

main()

"""`python -m normtheory`: the command line."""

import sys

from normtheory.cli import main

if __name__ == "__main__":
    sys.exit(main())

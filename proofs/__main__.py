"""Run the claims on the paper's text and print the verdicts: `python -m normtheory.proofs [ID ...] [--jobs N]`."""

import sys

from normtheory.audit.alone import main

if __name__ == "__main__":
    sys.exit(main("normtheory.proofs", "python -m normtheory.proofs"))

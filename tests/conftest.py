"""One BLAS thread per process, and hypothesis profiles: `ci` (default, the same examples every time), `night` and `mutants`."""

import os
import signal
import tempfile

# A run in the background of a script ignores interrupts; the processes that tests start, and interrupt, would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Before numpy is imported: BLAS reads these once.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

# Entries of the ledger that commands keep: a user's own stay as they are, and tests find none of another run.
os.environ["NORMTHEORY_CACHE"] = tempfile.mkdtemp(prefix="normtheory-tests-")

from hypothesis import Phase, settings  # noqa: E402 - after the variables above

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("night", max_examples=2000, deadline=None)
# That an example fails is enough there; which is the smallest is not asked.
settings.register_profile("mutants", derandomize=True, deadline=None, max_examples=50, phases=(Phase.explicit, Phase.generate))
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

"""Benchmarks: the solvers beside what a user would pick instead. One BLAS thread each, so that they finish under load."""

import os

# Before numpy is imported: BLAS reads these once. Ratios of single threads are the same whoever else uses the machine.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

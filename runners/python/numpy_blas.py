"""Workers that multiply matrices with NumPy and the threads of its BLAS.

harness sets OPENBLAS_NUM_THREADS, MKL_NUM_THREADS and similar variables to the number of
inner threads before Python starts, because a BLAS reads them when it is loaded."""

from pool_map import team
from runner import main

if __name__ == "__main__":
    main(team, form="blas")

"""Workers that multiply matrices with NumPy, under the threads of its BLAS.

The harness sets OPENBLAS_NUM_THREADS, MKL_NUM_THREADS and their like to the number of
inner threads before Python starts, which is when a BLAS reads them."""

from pool_map import team
from runner import main

if __name__ == "__main__":
    main(team, form="blas")

"""The notebook's own pool, as it was: forked workers that share NumPy's global
generator, and throw the same darts. It is here to be caught."""

from pool_map import team
from runner import main

if __name__ == "__main__":
    main(team, form="global")

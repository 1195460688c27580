"""`python -m studio` is `python studio.py` without the set-up."""

import sys

from studio.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The command line: ``python -m useresponse_async.cli``."""

import sys

from useresponse_async.cli import main

sys.exit(main())

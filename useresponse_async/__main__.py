"""The command line: ``python -m useresponse_async``."""

import sys

from useresponse_async.cli import main

sys.exit(main())

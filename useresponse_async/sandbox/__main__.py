"""The command `python -m useresponse_async.sandbox`."""

import sys

from useresponse_async.sandbox._command import main

sys.exit(main())

"""What does `python -m useresponse_async.sandbox` start?"""

import sys

from useresponse_async.sandbox.command import main

sys.exit(main())

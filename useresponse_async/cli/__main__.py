"""What does ``python -m useresponse_async.cli`` start?"""

import sys

from useresponse_async.cli import main

sys.exit(main())

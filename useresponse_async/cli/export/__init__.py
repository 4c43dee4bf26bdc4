"""What can be exported?"""

from useresponse_async.cli.export.commands import app

__all__ = ["app"]

"""What do the help texts of several commands say alike?"""

from __future__ import annotations

from typing import Final

__all__ = ["KEY_HELP"]

KEY_HELP: Final = """\b
The API key is never an argument. It comes from the first of:
  --api-key-file FILE   a file that you alone can read; - is standard input
  USERESPONSE_API_KEY   the environment
  a prompt              without echo, where standard input is a terminal
To have it in a shell but not in its history:
  read -rs USERESPONSE_API_KEY && export USERESPONSE_API_KEY"""

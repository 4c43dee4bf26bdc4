"""Open a ticket with files, and fetch the files of a ticket.

Install:  pip install useresponse-async
Run:      python attachments.py upload "Printer on fire" photo.jpg log.txt
          python attachments.py download 42 files/
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment

Files are read, sent and written in pieces: no complete file is in memory.
"""

import io
import re
import sys
from pathlib import Path, PureWindowsPath

import anyio

from useresponse_async import AsyncClient, AttachedFile, Attachment


async def upload(title: str, paths: list[str]) -> None:
    files = [Attachment.from_path(path) for path in paths]
    async with AsyncClient() as client:
        ticket = await client.tickets.create(title, "The files are attached.", attachments=files)
    print(f"ticket {ticket.id}")


def printable(text: str) -> str:
    """Return ``text`` without control codes, terminal escapes and lone surrogates."""
    return "".join(char if char.isprintable() else "_" for char in text)


def safe_name(file: AttachedFile) -> str:
    """Return a safe file name for any name that the sender has chosen."""
    # On Windows, both kinds of slashes separate the parts of a path.
    name = PureWindowsPath(file.name.full or "").name if file.name else ""
    name = re.sub(r'[<>:"/\\|?*]', "_", printable(name)).rstrip(". ")
    # Most file systems allow 255 bytes; this leaves room for the id and a temporary suffix.
    while len(name.encode()) > 150:
        stem, dot, ending = name.rpartition(".")
        name = f"{stem[:-1]}{dot}{ending}" if stem and len(ending) < 20 else name[:-1]
    return f"{file.id}-{name}" if name else f"{file.id}"


async def download(ticket_id: int, folder: Path) -> int:
    """Fetch a ticket's files; return how many could not be fetched."""
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncClient() as client:

        async def fetch(file: AttachedFile) -> str:
            # The file appears under its name when it is complete.
            path = folder / safe_name(file)
            size = await client.files.download(file, path, max_bytes=100_000_000)
            return f"{size} bytes in {path}"

        files = (await client.objects.get(ticket_id)).attachments
        failures = 0
        async for outcome in client.map(fetch, files, max_in_flight=4, return_exceptions=True):
            if isinstance(outcome, Exception):
                failures += 1
                print(printable(f"not fetched: {outcome}"), file=sys.stderr)
            else:
                print(outcome)
        return failures


if __name__ == "__main__":
    command, subject, *paths = sys.argv[1:]
    if isinstance(sys.stdout, io.TextIOWrapper):  # names may not fit its encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    if command == "upload":
        anyio.run(upload, subject, paths)
    else:
        sys.exit(anyio.run(download, int(subject), Path(paths[0])) > 0)

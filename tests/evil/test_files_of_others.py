"""Files of others, symbolic links, and files that cannot be opened."""

import os
from functools import partial
from itertools import product
from pathlib import Path

import anyio
import pytest
from server import REQUEST, RESET, answer, failure, sleep

from useresponse_async import APITimeoutError, ArgumentError, Attachment

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

FILES = [b"a" * 300_000, b"b" * 300_000]


@pytest.fixture
async def download(server, connect):
    async with connect(server) as client:
        yield client.files.download


@pytest.mark.parametrize("overwrite", [False, True])
async def test_two_downloads_to_one_path_do_not_mix(server, download, tmp_path, overwrite):
    for file in FILES:
        whole = answer(file)
        server.play(REQUEST, whole[:150_000], sleep(0.05), whole[150_000:])
    target = tmp_path / "copy"
    outcomes = []

    async def download_one() -> None:
        try:
            outcomes.append(await download("/f", target, overwrite=overwrite))
        except (FileExistsError, ArgumentError) as error:
            outcomes.append(type(error))

    async with anyio.create_task_group() as group:
        for _ in FILES:
            group.start_soon(download_one)
    # Without overwriting, only one of them may say that its file is there.
    assert outcomes.count(300_000) == (2 if overwrite else 1)
    assert target.read_bytes() in FILES
    assert list(tmp_path.iterdir()) == [target]


async def test_a_part_file_of_another_program_stays_and_no_symbolic_link_is_followed(
    server, download, tmp_path
):
    victim, part, target = (tmp_path / name for name in ("victim", "copy.part", "copy"))
    victim.write_bytes(b"precious")
    part.symlink_to(victim)
    server.play(REQUEST, RESET)
    await failure(download("/f", target))
    assert not target.exists()
    target.symlink_to(victim)
    server.otherwise = answer(b"new")
    await download("/f", target, overwrite=True)
    assert (target.is_symlink(), part.is_symlink()) == (False, True)
    assert (target.read_bytes(), victim.read_bytes()) == (b"new", b"precious")
    server.otherwise = answer()


async def test_a_file_that_appears_meanwhile_is_not_replaced(server, download, tmp_path):
    names = []

    def appear(done: int, total: int | None) -> None:
        names.extend(path.name for path in tmp_path.iterdir())
        (tmp_path / "copy").write_bytes(b"mine")

    for _ in range(2):
        with pytest.raises(FileExistsError):
            await download("/f", tmp_path / "copy", on_progress=appear)
        assert (tmp_path / "copy").read_bytes() == b"mine"
        (tmp_path / "copy").unlink()
    assert list(tmp_path.iterdir()) == []
    assert len(set(names)) == 2  # a new and unpredictable name each time
    assert not any("copy" in name for name in names)


@pytest.mark.parametrize("to", ["", ".", "..", "folder", "folder/", "a\0b", "folder/.."])
async def test_an_invalid_target_raises_an_argument_error(
    server, download, monkeypatch, tmp_path, to
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for path, overwrite in product((to, Path(to)), (False, True)):
        with pytest.raises(ArgumentError, match=r"^to: "):
            await download("/f", path, overwrite=overwrite)
    assert not server.heads


NAMES = [
    "", " ", ".", "..", "a\nb", "a\rb", "a\tb", "a\x1b[31m", "a\x7f", "a\x9b", "a\u202egpj.exe",
    "a\u2066b", "a\u200fb", "a\u061cb", "a\u2028b", "a/b", "a\\b", "\ud800", "x" * 5000,
    "\u00e9" * 200, "../../etc/passwd",
]  # fmt: skip


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_invalid_file_name_raises():
    for name in NAMES:
        for make in (
            partial(Attachment.from_bytes, name, b""),
            partial(Attachment.from_path, "x", name=name or "/"),
            partial(Attachment.from_file, None, name=name),
        ):
            with pytest.raises(ArgumentError, match="name"):
                make()
    for name in ("photo.jpg", "Ünïcödé 文字.txt", "a b", ".hidden", "x" * 255):
        assert Attachment.from_bytes(name, b"").name == name


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
@pytest.mark.parametrize("by", ["attempt_timeout", "the caller's deadline"])
async def test_a_file_whose_opening_blocks_is_left(server, connect, tmp_path, by):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    seconds, kind = (0.2, APITimeoutError) if by == "attempt_timeout" else (60, TimeoutError)
    try:
        async with connect(server, attempt_timeout=seconds) as client:
            with anyio.fail_after(20), pytest.raises(kind) as caught:
                with anyio.fail_after(0.2 if kind is TimeoutError else 30):
                    await client.files.upload(Attachment.from_path(fifo, name="a"))
            assert not getattr(caught.value, "request_sent", False)
            assert (client.in_flight, server.heads) == (0, [])
    finally:
        # The thread that was left behind ends, and closes what it gets: else that warns.
        os.close(os.open(fifo, os.O_RDWR | os.O_NONBLOCK))

"""The contents and metadata of the wheel and the sdist."""

import email
import re
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from pathlib import Path, PurePosixPath

import pytest

import useresponse_async

ROOT = Path(__file__).parent.parent.parent
IN_SDIST = ["useresponse_async", "tests", "benchmarks", "CHANGELOG.md", "README.md", "LICENSE"]
SOURCES = {".py", ".typed", ".md"}
DATA = {".json", ".md", ".png", ".svg", ".toml", ".txt", ".yaml"}


def on_disk(*names: str) -> Iterator[str]:
    """Yield the paths of the files below `names` that the repository keeps."""
    for name in names:
        place = ROOT / name
        for path in [place] if place.is_file() else sorted(place.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(ROOT).as_posix()


def in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def in_sdist(sdist: Path) -> set[str]:
    with tarfile.open(sdist) as archive:
        paths = [PurePosixPath(member.name) for member in archive if member.isfile()]
    return {PurePosixPath(*path.parts[1:]).as_posix() for path in paths}


@pytest.fixture
def metadata(wheel) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def test_the_wheel_holds_the_package_and_its_metadata_only(wheel):
    about = f"useresponse_async-{useresponse_async.__version__}.dist-info"
    kept = ["METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"]
    expected = {*on_disk("useresponse_async"), *(f"{about}/{name}" for name in kept)}
    assert in_wheel(wheel) == expected


def test_the_wheel_is_marked_as_typed(wheel):
    assert "useresponse_async/py.typed" in in_wheel(wheel)


def test_the_wheel_holds_sources_and_no_data(wheel):
    package = {name for name in in_wheel(wheel) if name.startswith("useresponse_async/")}
    assert {PurePosixPath(name).suffix for name in package} == SOURCES


def test_the_sdist_holds_the_sources_and_the_tests_only(sdist):
    # The build needs .gitignore to leave out the same files when it starts from the sdist.
    expected = {*on_disk(*IN_SDIST), "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert in_sdist(sdist) == expected


def test_the_sdist_holds_nothing_that_a_run_leaves_behind(sdist):
    suffixes = {
        PurePosixPath(name).suffix
        for name in in_sdist(sdist)
        if name not in ("LICENSE", "PKG-INFO", ".gitignore")
    }
    assert suffixes <= SOURCES | DATA


def test_the_files_are_named_after_the_version(wheel, sdist):
    version = useresponse_async.__version__
    assert wheel.name == f"useresponse_async-{version}-py3-none-any.whl"
    assert sdist.name == f"useresponse_async-{version}.tar.gz"


def test_one_file_says_the_version():
    version = re.compile(rf"(?<![\d.]){re.escape(useresponse_async.__version__)}(?![\d.])")
    files = [*on_disk("useresponse_async", "benchmarks"), "pyproject.toml", "README.md"]
    telling = [name for name in files if version.search((ROOT / name).read_text(errors="replace"))]
    # What was measured is kept with the version that it was measured of.
    telling = [name for name in telling if not name.startswith("benchmarks/results/")]
    assert telling == ["useresponse_async/_config.py"]


def test_the_changelog_has_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    assert versions[0] == useresponse_async.__version__


def test_every_dependency_has_a_lower_bound_and_no_upper_one(metadata):
    development = re.compile(r"extra == '(bench|dev)'")
    for requirement in metadata.get_all("Requires-Dist", []):
        name, _, _ = requirement.partition(";")
        if not development.search(requirement) and not name.startswith("useresponse-async"):
            assert ">=" in name, requirement
            assert not re.search(r"[<~=!]=|<", name.replace(">=", "")), requirement


def test_the_metadata_shows_readme_without_links_to_files(metadata):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert metadata["Description-Content-Type"] == "text/markdown"
    shown = metadata.get_payload(decode=True).decode("utf-8")
    assert shown.count("\n## ") == readme.count("\n## ")
    links = re.findall(r"\]\(([^)]+)\)", shown)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []

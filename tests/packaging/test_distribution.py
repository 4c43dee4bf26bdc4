"""The contents and metadata of the wheel and the sdist."""

import re
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from useresponse_async import __version__

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


def test_the_wheel_holds_the_typed_package_and_its_metadata_only(wheel):
    about = f"useresponse_async-{__version__}.dist-info"
    kept = ["METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"]
    package = set(on_disk("useresponse_async"))
    with zipfile.ZipFile(wheel) as archive:
        assert set(archive.namelist()) == {*package, *(f"{about}/{name}" for name in kept)}
    assert "useresponse_async/py.typed" in package
    assert {PurePosixPath(name).suffix for name in package} == SOURCES
    assert wheel.name == f"useresponse_async-{__version__}-py3-none-any.whl"


def test_the_sdist_holds_the_sources_and_the_tests_only(sdist):
    with tarfile.open(sdist) as archive:
        paths = [PurePosixPath(member.name) for member in archive if member.isfile()]
    found = {PurePosixPath(*path.parts[1:]).as_posix() for path in paths}
    # The build needs .gitignore to leave out the same files when it starts from the sdist.
    assert found == {*on_disk(*IN_SDIST), "pyproject.toml", "PKG-INFO", ".gitignore"}
    # Nothing that a run leaves behind.
    named = found - {"LICENSE", "PKG-INFO", ".gitignore"}
    assert {PurePosixPath(name).suffix for name in named} <= SOURCES | DATA
    assert sdist.name == f"useresponse_async-{__version__}.tar.gz"


def test_one_file_and_the_changelog_say_the_version():
    version = re.compile(rf"(?<![\d.]){re.escape(__version__)}(?![\d.])")
    files = [*on_disk("useresponse_async", "benchmarks"), "pyproject.toml", "README.md"]
    telling = [name for name in files if version.search((ROOT / name).read_text(errors="replace"))]
    # What was measured is kept with the version that it was measured of.
    telling = [name for name in telling if not name.startswith("benchmarks/results/")]
    assert telling == ["useresponse_async/_config.py"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)
    assert versions[0] == __version__


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

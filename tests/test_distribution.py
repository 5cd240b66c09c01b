"""The archives: complete, and working in a bare environment beside files of the names of our rooms. Outside the default run."""

import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.distribution

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("solvers", "proofs", "figures")
LINKS = {f"normtheory/{room}" for room in ROOMS}
NOT_SHIPPED = {".ci", ".gitignore"}
HOSTILE = "raise ImportError('a user\\'s own file was imported in place of ours')\n"


def run(*command, cwd=None):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """A source archive of the committed tree, and the wheel that is built from it."""
    clone, out = tmp_path_factory.mktemp("clone"), tmp_path_factory.mktemp("archives")
    run("git", "clone", "--quiet", ROOT, clone)
    run(sys.executable, "-m", "build", "--outdir", out, clone)
    return next(out.glob("*.tar.gz")), next(out.glob("*.whl"))


def shipped(name):
    """The path of a committed file in the source archive: there the rooms are folders of the package, not links."""
    room = name.split("/")[0]
    return f"normtheory/{name}" if room in ROOMS else name


def test_the_source_archive_is_complete(archives):
    with tarfile.open(archives[0]) as archive:
        held = {member.name.partition("/")[2] for member in archive.getmembers() if member.isfile()}
    committed = run("git", "ls-files", cwd=ROOT).split()
    wanted = {shipped(name) for name in committed if name.split("/")[0] not in NOT_SHIPPED and name not in LINKS}
    assert sorted(wanted - held) == []


def test_the_wheel_holds_one_name(archives):
    with zipfile.ZipFile(archives[1]) as wheel:
        names = wheel.namelist()
        metadata = wheel.read(next(name for name in names if name.endswith("METADATA"))).decode()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"normtheory"}
    committed = [
        shipped(name) for name in run("git", "ls-files", "normtheory", "solvers", "proofs", "figures", cwd=ROOT).split()
    ]
    links = {f"normtheory/{room}" for room in ("solvers", "proofs", "figures")}
    assert sorted(set(committed) - links - set(names)) == []
    targets = re.findall(r"\]\(([^)]+)\)", metadata)
    assert targets
    assert [target for target in targets if not target.startswith("https://")] == [], "an index shows no files beside the page"


@pytest.mark.parametrize("which", [0, 1], ids=["sdist", "wheel"])
def test_an_archive_works_in_a_bare_environment(archives, tmp_path, which):
    venv.create(tmp_path / "bare", with_pip=True)
    python = tmp_path / "bare" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", archives[which])
    for name in ROOMS:
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    command = tmp_path / "bare" / "bin" / "normtheory"
    assert "Every verdict is as expected" in run(command, "verify", cwd=tmp_path)
    assert "fig1b.png" in run(command, "figure", "fig1", "--redraw", cwd=tmp_path)
    run(python, "-c", "from normtheory.solvers import newton; newton.minimize([[1.0, 2.0]], [1.0], 1.0)", cwd=tmp_path)


def test_an_unpacked_source_archive_is_a_house(archives, tmp_path):
    with tarfile.open(archives[0]) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    run(sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/test_house.py", cwd=unpacked)

"""Entries kept between runs: as they were, for as long as nothing has changed, and nobody else's."""

import os
import pickle
import subprocess
import sys
from dataclasses import replace

import pytest

from normtheory import cli
from normtheory.audit import claims, stored
from normtheory.audit.claims import Verdict, find
from normtheory.audit.judging import run_claim


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("NORMTHEORY_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def entry():
    return run_claim(find("eq1", "normtheory.proofs"))


def test_an_entry_comes_back_as_it_was(place, entry):
    assert stored.stored("eq1") is None
    stored.store(entry)
    assert stored.stored("eq1") == entry
    assert stored.stored("eq2") is None
    (folder,) = (place / "claims").iterdir()
    assert folder.stat().st_mode & 0o077 == 0


def test_an_entry_that_is_not_as_it_should_be_is_not_kept(place, entry):
    stored.store(replace(entry, expected=Verdict.REFUTED))
    assert stored.stored("eq1") is None


def test_what_has_changed_is_not_found(place, entry, monkeypatch):
    """Another byte in a module, a table or a library's version is another version of everything."""
    root = place / "package"
    for name, text in {"a.py": "x = 1", "b/c.csv": "1", "cli/d.py": "x", "notes.md": "n"}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    monkeypatch.setattr(stored.normtheory, "__file__", str(root / "__init__.py"))

    def now():
        stored._version_of_everything.cache_clear()
        return stored._version_of_everything()

    first = now()
    (root / "cli" / "d.py").write_text("y")
    (root / "notes.md").write_text("m")
    assert now() == first
    (root / "a.py").write_text("x = 2")
    second = now()
    (root / "b" / "c.csv").write_text("2")
    third = now()
    monkeypatch.setattr(stored, "version", lambda library: "0")
    assert len({first, second, third, now()}) == 4
    monkeypatch.undo()
    stored._version_of_everything.cache_clear()


def test_damaged_and_foreign_files_are_not_read(place, entry, monkeypatch):
    stored.store(entry)
    (file,) = place.rglob("eq1.entry")
    whole = file.read_bytes()
    for damaged in (b"", whole[:50], pickle.dumps("no entry"), pickle.dumps(replace(entry, id="eq2"))):
        file.write_bytes(damaged)
        assert stored.stored("eq1") is None
    file.write_bytes(whole)
    assert stored.stored("../" + file.parent.name + "/eq1") is None
    monkeypatch.setattr(stored, "_user", lambda: 12345)
    assert stored.stored("eq1") is None


def test_a_cache_that_cannot_be_written_to_is_none(place, entry, monkeypatch):
    (place / "claims").write_text("in the way")
    stored.store(entry)
    assert stored.stored("eq1") is None


def test_old_versions_are_forgotten(place, entry):
    for age in range(5):
        old = place / "claims" / f"old{age}"
        old.mkdir(parents=True)
        (old / "eq1.entry").write_bytes(b"")
        os.utime(old, (age, age))
    stored.store(entry)
    assert len(list((place / "claims").iterdir())) == stored.KEPT_VERSIONS


def test_a_catalogue_of_ones_own_is_always_run(monkeypatch):
    assert stored.usable()
    monkeypatch.setattr(claims, "CATALOGUE", "mine")
    assert not stored.usable()


def test_commands_say_what_they_have_kept(place, capsys):
    """Shown at once the second time, without importing what the claim's check needs; anew if asked for."""
    assert cli.main(["verify", "eq1", "eq34", "--jobs", "1"]) == 0
    first = capsys.readouterr().out
    assert "checked before" not in first
    assert cli.main(["verify", "eq1", "eq34", "--jobs", "1"]) == 0
    second = capsys.readouterr().out
    assert "2 of 2 claims were checked before" in second
    lines = [next(line.split() for line in out.splitlines() if line.startswith("eq1 ")) for out in (first, second)]
    assert lines[0] == lines[1]
    assert cli.main(["verify", "eq1", "--fresh", "--jobs", "1"]) == 0
    assert "checked before" not in capsys.readouterr().out
    loaded = "import sys; from normtheory.cli import main; main(['show', 'eq1']); print(*sys.modules, file=sys.stderr)"
    shown = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert "checked before" in shown.stdout
    assert not {"sympy", "flint", "normtheory.proofs"} & set(shown.stderr.split())
    assert cli.main(["show", "eq1", "--fresh"]) == 0
    assert "checked before" not in capsys.readouterr().out

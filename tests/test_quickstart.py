"""The quick start, followed literally: every block of docs/quickstart.md in order, in an empty folder."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "quickstart.md").read_text()
BLOCKS = re.findall(r"^```(python|sh)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
AGREES = 1e-6  # "to seven digits": the flow's relative tolerance of 1e-8 with room for a problem of this condition


def test_every_block_runs_and_the_pictures_are_drawn(tmp_path):
    printed = ""
    for language, text in BLOCKS:
        lines = [text] if language == "python" else text.splitlines()
        for line in lines:
            if language == "python":
                command = [sys.executable, "-c", line]
            else:
                name, *arguments = line.split()
                assert name == "normtheory"
                command = [sys.executable, "-m", "normtheory", *arguments]
            done = subprocess.run(
                command, cwd=tmp_path, env=os.environ | {"MPLBACKEND": "agg"}, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stdout + done.stderr
            printed += done.stdout
    for name in ("endpoint.png", "features.png"):
        assert (tmp_path / name).stat().st_size > 10_000
    assert float(re.search(r"relative distance (\S+)", printed)[1]) < AGREES
    assert {path.name for path in tmp_path.iterdir()} == {
        "endpoint.png",
        "features.png",
        "flow.npz",
        "problem.npz",
        "theory.npz",
    }


def test_the_readme_shows_the_same_problem():
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    for _, text in BLOCKS[:2]:
        assert text in readme

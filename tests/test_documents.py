"""Examples in documents run as they are written."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.parametrize("name", ["rescaling"])
def test_examples_in_a_document_run(name, capsys):
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    for example in re.findall(r"```python\n(.*?)```", (DOCS / f"{name}.md").read_text(), re.DOTALL):
        exec(compile(example, name, "exec"), {})  # the document's own
    assert "29 parameters multiplied by 0.25, 0 kept, 18 running statistics stale" in capsys.readouterr().out

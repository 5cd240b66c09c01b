"""normtheory network: what it prints and writes, and wrong input."""

import json

import numpy as np
import pytest
from commands import assert_refused, run, save

FIELDS = [
    *("expression", "laws", "laws_at_least", "laws_at_most", "mirror", "reason", "penalty", "orders"),
    *("penalty_latex", "map", "map_latex", "table"),
]


def test_the_papers_network(folder, capsys):
    code, out, err = run(capsys, "network", "w*v - u*z", "--start", "w=v=u=z=0.5", "--json", "found.json")
    assert (code, err) == (0, "")
    found = json.loads((folder / "found.json").read_text())
    assert list(found) == FIELDS
    assert found["laws"] == ["w^2 - v^2", "u^2 - z^2", "w*z + u*v"]
    assert (found["laws_at_least"], found["laws_at_most"], found["mirror"]) == (3, 3, True)
    assert found["penalty"] == "1/4 + b*asinh(2*b)/2 - sqrt(4*b^2 + 1)/4"
    assert found["orders"] == {"at_zero": 2, "at_infinity": 1.0}
    assert r"\operatorname{asinh}{\left(2 b \right)}" in found["penalty_latex"]
    assert found["map"] == "exp(2*x)/4 - exp(-2*x)/4"
    assert found["table"]["low"] < -1 < 1 < found["table"]["high"]
    assert max(found["table"]["interpolation"], found["table"]["deviation"]) < 1e-12
    assert "these are all" in out
    assert "order and feature dependence sum to 1" in out
    assert "through these and b(0) alone: w^2 - v^2 = 0; u^2 - z^2 = 0; w*z + u*v = 1/2" in out
    assert "the same penalty from the other sign of w and v, or of u and z" in out
    assert "that of -b from the other sign of w and u, or of w and z, or of v and u, or of v and z" in out
    assert "in LaTeX     " in out


def test_several_outputs_are_no_mirror_flow_with_every_step(folder, capsys):
    code, out, _ = run(capsys, "network", "w*v_1; w*v_2", "--start", "w=v_1=v_2=0.1", "--json", "found.json")
    found = json.loads((folder / "found.json").read_text())
    assert code == 0
    assert (found["mirror"], found["penalty"], found["laws"]) == (False, None, ["w^2 - v_1^2 - v_2^2"])
    assert found["orders"] == {"at_zero": None, "at_infinity": None}
    assert "round a small square" in out
    assert "(symbolic)" in out


def test_letters_are_the_users_where_the_ledger_has_others(folder, capsys):
    """Weight normalisation: a and b stand for weights, not for the predictors that the ledger calls so."""
    from normtheory.audit.notation import text
    from normtheory.proofs.letters import A

    ledger = text(A)
    code, out, _ = run(capsys, "network", "g*a/sqrt(a^2 + b^2); g*b/sqrt(a^2 + b^2)", "--start", "g=1, a=b=0.5")
    assert code == 0
    assert "round a small square a moves" in out
    assert ledger not in out
    assert text(A) == ledger != "a"  # afterwards, too


def test_parameters_stay_symbols(folder, capsys):
    code, out, _ = run(capsys, "network", "u^2 - v^2", "--start", "u=v=alpha")
    assert code == 0
    assert "k = 2*alpha^2" in out


def test_an_incomplete_list_says_so(folder, capsys):
    code, out, _ = run(capsys, "network", "erf(w)*v", "--start", "w=v=0.1")
    assert code == 0
    assert "at least 0 of at most 1 independent laws" in out


def test_a_picture(folder, capsys):
    code, _, err = run(capsys, "network", "w*v - u*z", "--start", "w=v=u=z=0.1", "--plot", "penalty.png")
    assert (code, err) == (0, "")
    assert (folder / "penalty.png").read_bytes().startswith(b"\x89PNG")


def test_minimize_holds_a_second_output_at_the_auxiliary_predictor(folder, capsys):
    save()
    options = ("--network", "w*v_1 - u*z_1; w*v_2 - u*z_2", "--start", "w=u=v_1=z_1=v_2=z_2=0.01")
    code, _, err = run(capsys, "minimize", "problem.npz", "-o", "out.npz", *options)
    assert (code, err) == (0, "")
    with np.load("out.npz") as written:
        assert written["beta"].shape == (20,)
        assert float(written["gap"]) < 1e-10


REFUSED = {
    "no start": (["w*v", "--start", "w=1"], "the weight v has no start"),
    "no gradient": (["w*v", "--start", "w=v=0"], "has no gradient at the start"),
    "syntax": (["w*(v", "--start", "w=v=1"], "character 5"),
    "a folder": (["w*v", "--start", "w=v=1", "--json", "."], "is a folder"),
    "a picture of two": (["w*v; w*u", "--start", "w=v=u=1", "--plot", "p.png"], "--plot draws the penalty of one output"),
    "a picture of symbols": (["w*v", "--start", "w=v=a", "--plot", "p.png"], "--plot draws the penalty of one output"),
    "an ansatz of others": (["w*v", "--start", "w=v=1", "--ansatz", "q^2"], "the ansatz names q"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_wrong_input_is_one_line_and_no_file(folder, capsys, what):
    arguments, message = REFUSED[what]
    assert_refused(run(capsys, "network", *arguments), message, left=())

"""How symbols and objects of claims are spelt: pinned, as no check meets a spelling.

A power, an index, a sign or a function in a spelling says something that the symbol itself, a name to sympy, does not. The
table was read against what each symbol stands for; whoever adds such a symbol adds its line.
"""

import json
import subprocess
import sys

import pytest

from normtheory.proofs.finetuned import EXACT, PRINTED
from normtheory.proofs.group_norms import GroupNorm, Norm

SPELT = {
    ("B_1", "B_1", "B₁"),
    ("B_2", "B_2", "B₂"),
    ("E_0", "E_0", "E₀"),
    ("G", "G_d", "G"),
    ("G_1", "G_1", "G₁"),
    ("G_2", "G_2", "G₂"),
    ("G_3", "G_3", "G₃"),
    ("L_v", r"\nabla_{w^{(2)}} L", "∇L in w⁽²⁾"),
    ("L_w", r"\nabla_{w^{(1)}} L", "∇L in w⁽¹⁾"),
    ("M^+", "M^+", "M⁺"),
    ("P_1", "P_1", "P₁"),
    ("S_1", "S_1", "S₁"),
    ("S_1", "|S_1|", "|S₁|"),
    ("S_2", "S_2", "S₂"),
    ("S_2", "|S_2|", "|S₂|"),
    ("W_d", "W_d", "W_d"),
    ("X^T", r"X^\top", "Xᵀ"),
    ("a", r"\beta^{aux}", "β_aux"),
    ("a", r"|\beta^{aux}|", "|β_aux|"),
    ("a_1", "a_1", "a₁"),
    ("a_2", "a_2", "a₂"),
    ("b", r"|\beta|", "|β|"),
    ("b_0", r"\beta(0)", "β(0)"),
    ("b_o", r"\beta_{o,d}", "β_o"),
    ("beta_0", r"\beta(0)", "β(0)"),
    ("beta_1", r"\beta_1", "β₁"),
    ("beta_2", r"\beta_2", "β₂"),
    ("beta_3", r"\beta_3", "β₃"),
    ("beta_d", r"\beta_d", "β_d"),
    ("cka", r"\operatorname{CKA}(X,Y)", "CKA(X,Y)"),
    ("d_+", "d_+", "d₊"),
    ("d_-", "d_-", "d₋"),
    ("d_0", "d_0", "d₀"),
    ("delta", r"\delta_i", "δᵢ"),
    ("difference_0", "d(0)", "d(0)"),
    ("eigenvalue", r"\lambda_i", "λᵢ"),
    ("first_layer", "|w^{(1)}_d|", "|w⁽¹⁾|"),
    ("gamma_*", r"\gamma_*", "γ*"),
    ("in_length", r"\|w^{(1)}_h\|", "‖w⁽¹⁾‖"),
    ("inner", r"\langle w_+v_+,w_-v_-\rangle", "⟨w₊v₊,w₋v₋⟩"),
    ("integral", r"(X^\top\!\int r)_d", "(Xᵀ∫r)_d"),
    ("k_d", "k_d", "k_d"),
    ("lambda_i", r"\lambda_i", "λᵢ"),
    ("lambda_j", r"\lambda_j", "λⱼ"),
    ("length_beta", r"\|\beta_d\|", "‖β_d‖"),
    ("length_m", r"\|m_h\|", "‖m_h‖"),
    ("m", "m_i", "mᵢ"),
    ("m_o", "m_{h,o}", "m_o"),
    ("n_v", r"\|v_h\|", "‖v_h‖"),
    ("n_w", r"\|w_h\|", "‖w_h‖"),
    ("norm_w", r"\|w\|_2", "‖w‖₂"),
    ("p_o2", "p_{o2}", "p_o2"),
    ("pairs_difference", r"\sum_{i<j}(\lambda_i-\lambda_j)^2", "Σ(λᵢ−λⱼ)²"),
    ("pairs_product", r"\sum_{i<j}\lambda_i\lambda_j", "Σλᵢλⱼ"),
    ("part_minus", r"\|w_-v_-\|", "‖w₋v₋‖"),
    ("part_plus", r"\|w_+v_+\|", "‖w₊v₊‖"),
    ("pr_X", r"\operatorname{PR}(X)", "PR(X)"),
    ("pr_Y", r"\operatorname{PR}(Y)", "PR(Y)"),
    ("pull", r"(X^\top\nu)_d", "(Xᵀν)_d"),
    ("reached", r"\tilde X^\top\!\int r", "X̃ᵀ∫r"),
    ("reaches", r"\tilde X^\top r", "X̃ᵀr"),
    ("readouts_d", r"\|w^{(2)}_d\|", "‖w⁽²⁾‖"),
    ("readouts_h", r"\|w^{(2)}_h\|", "‖w⁽²⁾‖"),
    ("s_+", "s_+", "s₊"),
    ("s_-", "s_-", "s₋"),
    ("s_0", "s_0", "s₀"),
    ("shrunk", r"e^{-2\nu}", "e^(−2ν)"),
    ("sigma_d", r"\sigma_d", "σ"),
    ("signal", r"\langle w^{(1)}_h,x\rangle", "⟨w⁽¹⁾,x⟩"),
    ("slope_size", "|G|", "|G|"),
    ("squares_lambda", r"\sum_i\lambda_i^2", "Σλ²"),
    ("sum_0", "s(0)", "s(0)"),
    ("sum_beta", r"\|\beta_d\|_1", "‖β_d‖₁"),
    ("sum_lambda", r"\sum_i\lambda_i", "Σλ"),
    ("sum_m", r"\|m_h\|_1", "‖m_h‖₁"),
    ("t_C", r"\operatorname{tr}(C)", "tr(C)"),
    ("t_CC", r"\operatorname{tr}(C^2)", "tr(C²)"),
    ("t_X", r"\operatorname{tr}(X^\top X)", "tr(XᵀX)"),
    ("t_XX", r"\operatorname{tr}((X^\top X)^2)", "tr((XᵀX)²)"),
    ("t_XY", r"\operatorname{tr}(Y^\top XX^\top Y)", "tr(YᵀXXᵀY)"),
    ("t_Y", r"\operatorname{tr}(Y^\top Y)", "tr(YᵀY)"),
    ("t_YY", r"\operatorname{tr}((Y^\top Y)^2)", "tr((YᵀY)²)"),
    ("u_+", "u_+", "u₊"),
    ("u_-", "u_-", "u₋"),
    ("v", "v_{oh}", "v_oh"),
    ("v2_+1", "w^{(2)}_{+,1}", "w⁽²⁾₊₁"),
    ("v2_+2", "w^{(2)}_{+,2}", "w⁽²⁾₊₂"),
    ("v2_+3", "w^{(2)}_{+,3}", "w⁽²⁾₊₃"),
    ("v2_-1", "w^{(2)}_{-,1}", "w⁽²⁾₋₁"),
    ("v2_-2", "w^{(2)}_{-,2}", "w⁽²⁾₋₂"),
    ("v2_-3", "w^{(2)}_{-,3}", "w⁽²⁾₋₃"),
    ("v_+", "v_+", "v₊"),
    ("v_+1", "v_{+,1}", "v₊₁"),
    ("v_+2", "v_{+,2}", "v₊₂"),
    ("v_+3", "v_{+,3}", "v₊₃"),
    ("v_-", "v_-", "v₋"),
    ("v_-1", "v_{-,1}", "v₋₁"),
    ("v_-2", "v_{-,2}", "v₋₂"),
    ("v_-3", "v_{-,3}", "v₋₃"),
    ("v_0", "v_0", "v₀"),
    ("v_1", "v_{1h}", "v₁h"),
    ("v_out", "w^{(2)}_h", "w⁽²⁾"),
    ("w", "w_{hj}", "w_hj"),
    ("w0_1", "w^{(1)}_0", "w₀⁽¹⁾"),
    ("w0_1'", "w^{(1)}_0", "w₀⁽¹⁾"),
    ("w0_2", "w^{(2)}_0", "w₀⁽²⁾"),
    ("w1", "w^{(1)}", "w⁽¹⁾"),
    ("w2", "w^{(2)}", "w⁽²⁾"),
    ("w_+", "w_+", "w₊"),
    ("w_-", "w_-", "w₋"),
    ("w_0", "w_0", "w₀"),
    ("w_in", "w^{(1)}_h", "w⁽¹⁾"),
    ("x_d", "x_d", "x"),
    ("x_id", "x_{id}", "x_id"),
    ("z_d", "z_d", "z"),
    ("zeta", r"\zeta_d", "ζ_d"),
    ("zeta_size", r"|\zeta_d|", "|ζ_d|"),
    # sums over the inputs of the means of error, pull and slope; the teacher
    ("S_error", "S_{error}", "S_error"),
    ("S_pull", "S_{pull}", "S_pull"),
    ("S_slope", "S_{slope}", "S_slope"),
    ("b_*", r"\beta^*", "β*"),
    # integrals of a coordinate, or of either output; slopes of the network in its weights; weights at the start
    ("integral_1", "x_1", "x₁"),
    ("integral_2", "x_2", "x₂"),
    ("integral_x", "x_d", "x"),
    ("slope_1", "G_{,1}", "∂G₁"),
    ("slope_2", "G_{,2}", "∂G₂"),
    ("slope_3", "G_{,3}", "∂G₃"),
    ("slope_w", r"\nabla f", "∇f"),
    ("start_u", "u(0)", "u(0)"),
    ("start_v", "v(0)", "v(0)"),
}  # fmt: skip
# Of symbols that are spelt by one letter, or by the name of one in LaTeX, nothing but that letter can be wrong.
LISTED = r"""
import json, re
from normtheory.audit.claims import claims
from normtheory.audit.spellings import SPELLINGS
claims("normtheory.proofs")
letter = re.compile(r"\\?[A-Za-z]+")
print(json.dumps([
    (symbol.name, spelt.latex, spelt.text) for symbol, spelt in SPELLINGS.items()
    if not (letter.fullmatch(spelt.latex) and len(spelt.text) == 1)
]))
"""


def test_symbols_are_spelt_as_in_the_table():
    run = subprocess.run([sys.executable, "-c", LISTED], capture_output=True, text=True, check=True)
    assert {tuple(each) for each in json.loads(run.stdout)} == SPELT


@pytest.mark.parametrize(
    ("theory", "text", "latex"),
    [
        (PRINTED, "k is |β_aux| + γ² and β(0) is zero", r"$k$ is $|\beta^{aux}| + \gamma^{2}$ and $\beta(0)$ is zero"),
        (
            EXACT,
            "k is √(|β_aux|²/4 + (α² + γ²)²) and β(0) is that of cor1",
            r"$k$ is $\sqrt{\frac{|\beta^{aux}|^{2}}{4} + \left(\alpha^{2} + \gamma^{2}\right)^{2}}$ "
            r"and $\beta(0)$ is that of cor1",
        ),
    ],
    ids=["as printed", "exactly"],
)
def test_theories_print_their_scale_and_start(theory, text, latex):
    assert theory.in_text().replace("\N{NO-BREAK SPACE}", " ") == text
    assert theory.in_latex() == latex


@pytest.mark.parametrize(
    ("norm", "text", "latex"),
    [
        (Norm(), "ℓ₁", r"$\ell_{1}$"),
        (Norm(power=2), "ℓ₂", r"$\ell_{2}$"),
        (GroupNorm(), "ℓ₁,₂", r"$\ell_{1,2}$"),
        (GroupNorm(inner=1, outer=2), "ℓ₂,₁", r"$\ell_{2,1}$"),
        (GroupNorm(factor=3), "3 ℓ₁,₂", r"$3\,\ell_{1,2}$"),
    ],
)
def test_norms_print_their_exponents_outer_first(norm, text, latex):
    assert norm.in_text() == text
    assert norm.in_latex() == latex


def test_sizes_of_teachers_print_what_the_tasks_hold():
    """Of k weights: a vector of unit norm has each the inverse root of k."""
    from normtheory.figures.diagonal import stated

    assert (stated.LARGE.name, stated.SMALL.name) == (stated.UNIT_NORM, stated.RECIPROCAL)
    assert (stated.LARGE.in_text(), stated.LARGE.in_latex()) == ("1/√k", r"$1/\sqrt{k}$")
    assert (stated.SMALL.in_text(), stated.SMALL.in_latex()) == ("1/k", "$1/k$")

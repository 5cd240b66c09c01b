"""How much each correction matters on the paper's own setting: said for every one, computed, and right by a second route."""

import inspect
import math
import re

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from normtheory import exact
from normtheory.audit.claims import Claim, Verdict, claims
from normtheory.audit.judging import SIZE, run_claim
from normtheory.audit.text import describe
from normtheory.networks import DiagonalNetwork, Weights
from normtheory.penalties import GroupL12, Q
from normtheory.proofs import experiments, setting
from normtheory.proofs import multitask_runs as runs
from normtheory.representations import ensd, participation_ratio
from normtheory.tasks import generalisation_loss, teacher_student

CLAIMS = claims("normtheory.proofs")
CORRECTIONS = [name for name, claim in CLAIMS.items() if claim.expected in (Verdict.CORRECTED, Verdict.REFUTED)]
WEIGHT, ALPHA, GAMMA = 1 / math.sqrt(40), 1e-3, 1e-3  # written out once more: what is said must be of these


def sentence(name):
    claim = CLAIMS[name]
    return claim.size(claim.printed, next(iter(claim.siblings.values())) if claim.corrected is None else claim.corrected)


def said(name):
    """The numbers of the sentence, as they are written."""
    return re.findall(r"[-+]?\d+(?:\.\d+)?(?:e[-+]\d+)?", sentence(name))


def says(name, *values, digits=3):
    numbers = said(name)
    for value in values:
        assert f"{value:.{digits}g}" in numbers, f"{value:.{digits}g} is not in: {sentence(name)}"


def test_every_correction_and_refutation_has_a_size():
    assert len(CORRECTIONS) > 20
    assert [name for name in CORRECTIONS if CLAIMS[name].size is None] == []


@pytest.mark.parametrize("name", [name for name in CORRECTIONS if name not in ("cor1", "eq2", "mtl-flow", "ce-time")])
def test_the_sentence_has_numbers(name):
    assert len(said(name)) >= 3
    assert not re.search(r"\bnan\b|\binf\b", sentence(name))


def test_the_setting_is_that_of_the_tasks():
    defaults = {key: parameter.default for key, parameter in inspect.signature(teacher_student).parameters.items()}
    assert (setting.INPUTS, setting.FEATURES, setting.SAMPLES_AUX) == (1000, 40, 1024)
    assert (defaults["inputs"], defaults["features"], defaults["features_aux"], defaults["samples_aux"]) == (1000, 40, 40, 1024)
    assert [float(x) for x in (setting.ALPHA, setting.GAMMA, setting.WEIGHT)] == pytest.approx([ALPHA, GAMMA, WEIGHT])
    assert np.abs(setting.tasks().teacher_aux).max() == pytest.approx(WEIGHT)


def finetuning(beta_aux):
    """Exact scale and start of one coordinate."""
    return (float(part[0]) for part in exact.finetuning(np.array([beta_aux]), ALPHA, GAMMA))


def contribution(beta, beta_aux):
    k, start = finetuning(beta_aux)
    return float(Q(np.array([k])).divergence(np.array([beta]), np.array([start])).sum())


@pytest.mark.parametrize("name", ["q-small", "both-l2"])
def test_the_weight_of_the_quadratic_limit(name):
    (k, start), (new, _) = finetuning(WEIGHT), finetuning(0.0)
    says(name, 1 / WEIGHT, 1 / k, digits=4)
    says(name, start, 1 / new)
    assert "infinite" in sentence(name)


@pytest.mark.parametrize("name", ["q-large", "both-l1"])
def test_the_slope_of_the_contribution_at_new_features(name):
    b = np.array([WEIGHT / 10, WEIGHT])
    slopes = Q(np.full(2, next(finetuning(0.0)))).contributions(b) / b
    says(name, *b, *slopes)
    says(name, 100 * (slopes[1] / slopes[0] - 1), digits=2)


def test_a_reused_feature_against_both_weighted_penalties():
    k, start = finetuning(WEIGHT)
    b = k / 8
    says(
        "q-reuse",
        contribution(b, WEIGHT) / (b**2 / (WEIGHT + GAMMA**2)),
        contribution(b, WEIGHT) / ((b - start) ** 2 / k),
        digits=4,
    )


def test_a_contribution_that_rises():
    before, tiny, after = (contribution(-WEIGHT, beta_aux) for beta_aux in (0.0, 2.2e-6, WEIGHT))
    says("q-decreasing", before, tiny, after, digits=4)
    says("q-decreasing", 100 * (tiny / before - 1), digits=2)


def order(beta, beta_aux, step=1e-4):
    """By central differences of the package's divergence."""
    logs = [math.log(contribution(beta * factor, beta_aux)) for factor in (1 + step, 1 - step)]
    return (logs[0] - logs[1]) / (math.log1p(step) - math.log1p(-step))


def test_orders_of_features():
    says("q-own-task", order(WEIGHT, WEIGHT), order(WEIGHT, 0.0))
    says("nested-as-printed", *(order(ratio * WEIGHT, WEIGHT) for ratio in (1, 3, 10, 50)))
    k, start = finetuning(WEIGHT)
    says("q-sensitive", order(-2 * k, WEIGHT) - 1)
    says("q-sensitive", start / k, digits=2)
    per_unit = [float(Q(np.ones(1)).divergence(np.array([3.0]), np.array([s])).sum()) / 3 for s in (0.0, 1.0)]
    says("factor-two", *per_unit, contribution(WEIGHT, 0.0) / WEIGHT)


def test_gathering_features():
    excess = GroupL12().excess(np.array([WEIGHT, WEIGHT / math.sqrt(8)]), WEIGHT)
    shares = excess[0] / (8 * excess[1]), contribution(WEIGHT, WEIGHT) / (8 * contribution(WEIGHT / math.sqrt(8), WEIGHT))
    says("no-sparsity-at-one", *(100 * (1 - share) for share in (*shares, 1 / math.sqrt(8))), digits=2)


def test_penalty_limit_and_excess():
    for b in (WEIGHT / 10, WEIGHT):
        says("l12-small", 2 * math.hypot(b, WEIGHT), b**2 / WEIGHT)
    says("l12-small", float(GroupL12().excess(WEIGHT, WEIGHT)), 40 * 2 * WEIGHT)
    square, small = (WEIGHT / 10) ** 2 / WEIGHT, WEIGHT / 10
    says("both-l2", 2 * math.hypot(small, WEIGHT) / square)
    says("both-l2", float(GroupL12().excess(small, WEIGHT)) / square, digits=4)


def test_what_rises_and_what_falls():
    says("both-decrease", 2 * WEIGHT, 2 * math.sqrt(2) * WEIGHT, float(GroupL12().excess(WEIGHT, WEIGHT)))
    says("both-decrease", contribution(WEIGHT, 0.0), contribution(WEIGHT, WEIGHT))


def test_doubling_a_shared_weight():
    excess = GroupL12().excess(np.array([WEIGHT, 2 * WEIGHT]), WEIGHT)
    factor = contribution(2 * WEIGHT, WEIGHT) / contribution(WEIGHT, WEIGHT)
    says("l2-at-one", math.sqrt(5 / 2), excess[1] / excess[0], factor)


@pytest.mark.parametrize(("name", "layer"), [("eq8", 0), ("eq9", 1)])
def test_the_sign_of_the_velocity(name, layer):
    """The loss along the gradient of one layer, by differences; then one coordinate of the network, integrated both ways."""
    aux = teacher_student(64, 40, seed=0).aux

    def loss(state):
        w_plus, w_minus, v_plus, v_minus = state
        return np.sum((aux.X @ (w_plus * v_plus - w_minus * v_minus) - aux.y) ** 2)

    start = np.full((4, 1000), ALPHA)
    pull = -2 * (aux.X.T @ aux.y) * ALPHA
    gradient = np.zeros((4, 1000))
    gradient[2 * layer], gradient[2 * layer + 1] = pull, -pull
    h = 1e-6
    rate = (loss(start + h * gradient) - loss(start - h * gradient)) / (2 * h)
    numbers = said(name)
    assert f"+{rate:.3g}" in numbers
    assert f"-{rate:.3g}" in numbers
    assert f"{loss(start):.3g}" in numbers
    times = re.search(r"infinity by time ([\d.]+);.*learned by ([\d.]+) ", sentence(name)).groups()
    assert times == tuple(f"{_time_of_one_feature(down=down):.3g}" for down in (False, True))


def _time_of_one_feature(*, down):
    """When half of the feature is learned, or, uphill, when the predictor has left every bound; X^T X = 1024."""
    sign = -1 if down else 1

    def field(_, state):
        w_plus, w_minus, v_plus, v_minus = state
        slope = 2 * 1024 * (w_plus * v_plus - w_minus * v_minus - WEIGHT)
        return sign * slope * np.array([v_plus, -v_minus, w_plus, -w_minus])

    def there(_, state):
        beta = state[0] * state[2] - state[1] * state[3]
        return beta - WEIGHT / 2 if down else beta + 1e6

    there.terminal = True
    run = solve_ivp(field, (0, 1), np.full(4, ALPHA), events=there, rtol=1e-9, atol=1e-12)
    return run.t_events[0][0]


def test_what_ridge_regression_leaves_out():
    squares = np.linalg.svd(teacher_student(64, 40, seed=0).main.X, compute_uv=False) ** 2
    says("lazy-ridge", 1 / (squares.max() + 1), 1 / (squares.min() + 1))
    assert "with the weight 1 " in sentence("lazy-ridge")


def test_the_note_on_new_features():
    k, _ = finetuning(0.0)
    per_unit = [contribution(b, 0.0) / b for b in (0.1, 1.0)]
    text = " ".join(describe(run_claim(CLAIMS["q-new"])).split())
    assert f"{k:.0e}, the cost per unit rises from {per_unit[0]:.3g} at |β| = 0.1 to {per_unit[1]:.3g} at |β| = 1: " in text
    assert f"{100 * (per_unit[1] / per_unit[0] - 1):.2g} % away" in text


def test_the_note_on_the_sensitivity_at_one_ratio():
    text = " ".join(describe(run_claim(CLAIMS["l12-insensitive"])).split())
    penalty, excess = (aux_sensitivity(form) for form in (lambda a: 2 * math.hypot(3, a), lambda a: GroupL12().excess(3.0, a)))
    assert f"At 3 times |β_aux| the penalty's sensitivity is {penalty:.2g}, its excess's {-excess:.2g}." in text


def aux_sensitivity(form, step=1e-4):
    logs = [math.log(float(form(factor))) for factor in (1 + step, 1 - step)]
    return (logs[0] - logs[1]) / (math.log1p(step) - math.log1p(-step))


def test_twice_the_predictor():
    says("eq18", WEIGHT, 2 * WEIGHT, 40 * WEIGHT**2)


def test_the_pathways_after_pretraining():
    """Their product stays alpha^2 and the difference of their squares is beta_aux."""
    plus = math.sqrt((WEIGHT + math.hypot(WEIGHT, 2 * ALPHA**2)) / 2)
    minus = ALPHA**2 / plus
    assert plus**2 - minus**2 == pytest.approx(WEIGHT)
    says("balanced", plus, minus, plus**2 + minus**2, 2 * WEIGHT, ALPHA)
    says("stationarity", plus, minus, plus / minus, ALPHA)


def test_the_free_share_of_a_feature():
    says("one-path", 2 * math.sqrt(2) * WEIGHT, WEIGHT**2 / 2)


def test_dimensions_of_unequal_units():
    weights = exact.pretraining(np.repeat([WEIGHT, 0.0], 5), ALPHA)
    units = np.diag(weights.w_plus)  # responses to ten orthonormal inputs
    says("ensd-subset", *(ensd(units, units[:, kept], centre=False) for kept in (slice(5), slice(5, 10))))


def test_dimensions_of_a_finetuned_network():
    """Against the package's measures on responses of all hidden units to orthonormal inputs."""
    before, after, shared = experiments.nested_dimensions(0.1)
    tasks = teacher_student(64, 5, features=5, magnitude=0.2, seed=0)
    trained = exact.pretraining(tasks.teacher_aux, ALPHA)
    start = exact.reset(exact.rescaled(trained, 0.1), 0.1 * GAMMA)
    from normtheory.solvers.newton import minimize

    end = exact.weights_on_flow(start, minimize(tasks.main.X, tasks.main.y, *exact.scale_and_start(start)).beta)
    first, last = (np.hstack([np.diag(w.w_plus), np.diag(w.w_minus)]) for w in (trained, end))
    assert before == pytest.approx(participation_ratio(first, centre=False))
    assert after == pytest.approx(participation_ratio(last, centre=False))
    assert shared == pytest.approx(ensd(first, last, centre=False))
    says("ensd-nested", before, after)


def test_corollary_1_against_the_network_itself():
    run = experiments.paper_run()
    printed = exact.printed_corollary1(run.beta_aux, GAMMA)
    from normtheory.solvers.newton import minimize

    alone = minimize(run.task.X, run.task.y, *printed).beta
    says("cor1", run.generalisation(run.beta), generalisation_loss(alone, run.teacher))
    k, _ = exact.finetuning(run.beta_aux, ALPHA, GAMMA)
    unstarted = minimize(run.task.X, run.task.y, k).beta
    says("eq2", run.generalisation(run.beta), run.generalisation(unstarted), digits=4)
    for name in ("cor1", "eq2"):  # the corrected program ends where the network does, the printed one does not
        distances = re.findall(r"at (?:relative distance )?(\d\.\de-\d\d)", sentence(name))
        printed_away, corrected_away = map(float, distances)
        assert corrected_away < experiments.FLOW_BUDGET < printed_away


def test_the_multi_task_flow_with_the_auxiliary_data_themselves():
    """The auxiliary predictor given in place of its 1024 samples, and another integration of the flow, change little."""
    from normtheory.solvers import programs
    from normtheory.solvers.flow import gradient_flow

    tasks = teacher_student(64, 40, seed=0)
    least = programs.minimize_l12(tasks.main.X, tasks.main.y, tasks.aux.X, tasks.aux.y).beta
    start = Weights.constant(1000, ALPHA, outputs=2)
    end = gradient_flow(DiagonalNetwork(2), (tasks.main, tasks.aux), start, rtol=1e-4, loss=1e-10).beta
    found = runs.paper_flow(64, 40)
    assert found.excess == pytest.approx(runs.l12_norm(end) / runs.l12_norm(least) - 1, rel=0.01)
    assert found.l12_loss == pytest.approx(generalisation_loss(least[0], tasks.teacher), rel=1e-3)
    assert found.loss == pytest.approx(generalisation_loss(end[0], tasks.teacher), rel=0.03)
    assert found.l12_distance == pytest.approx(np.linalg.norm(end[0] - least[0]) / np.linalg.norm(least[0]), rel=0.01)
    assert found.pinned_distance < found.l12_distance / 10
    says("mtl-flow", 100 * found.excess, found.l12_distance, found.l12_loss, found.loss, found.pinned_distance, digits=2)


FIELDS = {"where": "here", "statement": "x", "source": "me", "twins": {"three": 3}}


def judged(value, **fields):
    def check(proof, subject):
        proof.equal("the subject is 1", subject, 1)

    return run_claim(Claim(id="sized", check=check, printed=value, **(FIELDS | fields)))


def test_a_size_stands_once_in_the_evidence_and_not_with_the_twins():
    correction = {"corrected": 1, "corrected_statement": "y", "expected": Verdict.CORRECTED}
    entry = judged(2, **correction, size=lambda printed, instead: f"{printed} for {instead}.")
    assert entry.ok
    assert entry.evidence.count(f"{SIZE}2 for 1.") == 1
    assert f"{SIZE.replace(':', '')}2 for 1." in re.sub(r"\s+", " ", describe(entry))
    assert all(SIZE not in twin.evidence.summary() for twin in entry.twins)


def test_a_refutation_is_measured_against_its_first_sibling():
    entry = judged(2, siblings={"one": 1}, expected=Verdict.REFUTED, size=lambda printed, instead: f"{printed - instead} off.")
    assert entry.ok
    assert f"{SIZE}1 off." in entry.evidence


def test_what_holds_as_printed_has_no_size():
    other = {"corrected": 1, "corrected_statement": "y"}
    entry = judged(1, **other, expected=Verdict.PROVED, size=lambda *_: "never asked.")
    assert entry.size is None
    assert SIZE not in entry.evidence


def test_a_size_that_cannot_be_computed_fails_the_run():
    def failing(*_):
        raise ValueError("no such number")

    entry = judged(2, corrected=1, corrected_statement="y", expected=Verdict.CORRECTED, size=failing)
    assert entry.verdict is Verdict.CORRECTED
    assert not entry.ok
    assert "size of the difference: ValueError: no such number" in entry.evidence

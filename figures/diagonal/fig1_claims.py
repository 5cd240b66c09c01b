"""Figure 1: what caption and text draw from each panel, judged on the table of the full run (`figures/data/fig1.csv`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from normtheory.audit.alone import run_alone
from normtheory.audit.claims import Verdict, claim
from normtheory.audit.derivation import Derivation
from normtheory.figures.diagonal import cells
from normtheory.figures.drawing import Row
from normtheory.figures.judging import (
    AFTERWARDS,
    SETTING,
    Comparison,
    Where,
    away_from,
    found,
    judge,
    other_share,
    rows_of,
    share,
)

SOURCE = "Lindsey & Lippl 2024, Fig. 1"

# Where the final predictor of a method comes from; MTL has no exact theory.
HOW = {"MTL": "flow", "PT+FT": "exact", "STL": "exact", "PT+FT (LP)": "closed form", "STL (LP)": "closed form"}
BOTH = ("MTL", "PT+FT")
EVERY_N = (16, 32, 64, 128, 256, 512)
FEW = (16, 32, 64)


def runs(method: str, **where: object) -> Where:
    """The runs of a method, by the source of its final predictor."""
    return {"method": method, "how": HOW[method], **where}


def _against(
    other: str, overlaps: Sequence[int], bound: float, samples: Sequence[int], of: Sequence[str] = BOTH
) -> list[Comparison]:
    return [
        Comparison(
            f"{method} over {other}, {overlap}/40 shared",
            [runs(method, overlap=overlap)],
            [runs(other, overlap=overlap)],
            bound,
            samples,
        )
        for overlap in overlaps
        for method in of
    ]


HELPED = _against("STL", (20, 30, 40), 0.8, (128,))
NEARLY_SINGLE = [each for one in _against("STL", (0,), 2.0, (64, 256)) for each in (one, one.exchanged())]
FAR_FROM_LAZY = _against("STL (LP)", (0, 20, 30, 40), 0.1, (256,))
# What the run showed instead where no feature is shared.
NEAR_AT_FIRST = [replace(each, samples=(64, 128)) for each in NEARLY_SINGLE]
WORSE_THAN_SINGLE = [replace(each.exchanged(), bound=0.25, samples=(256,)) for each in NEARLY_SINGLE[::2]]
FAR_FROM_LAZY_LATER = [replace(FAR_FROM_LAZY[0], samples=(512,)), *FAR_FROM_LAZY[1:]]
BEYOND_PROBING = _against("PT+FT (LP)", (20, 30), 0.8, (128,))
FINETUNING_WINS = _against("MTL", (40,), 0.8, (64, 128, 256), of=("PT+FT",))


@claim(
    "fig1b",
    where="Fig. 1b, section 4.1",
    statement=r"\text{MTL, PT+FT} < \text{STL where features are shared, close to STL where none are, far below lazy;}\ "
    r"\text{below linear probing at partial overlap;}\ \text{PT+FT} < \text{MTL at identical features}",
    printed=[*HELPED, *NEARLY_SINGLE, *FAR_FROM_LAZY, *BEYOND_PROBING, *FINETUNING_WINS],
    twins={
        "STL is better where features are shared": [each.exchanged() for each in HELPED],
        "nothing is near STL where no feature is shared": _against("STL", (0,), 0.5, (64,)),
        "lazy learning does as well": [each.exchanged() for each in FAR_FROM_LAZY],
        "MTL is better at identical features": [each.exchanged() for each in FINETUNING_WINS],
        "linear probing does as well at partial overlap": [each.exchanged() for each in BEYOND_PROBING],
    },
    corrected=[*HELPED, *NEAR_AT_FIRST, *WORSE_THAN_SINGLE, *FAR_FROM_LAZY_LATER, *BEYOND_PROBING, *FINETUNING_WINS],
    corrected_statement=r"\text{as printed where features are shared; where none are, within a factor 2 of STL at}\ n=64, 128,"
    r"\ \text{at least 4 times worse at}\ n=256,\ \text{and MTL below a tenth of lazy only at}\ n=512",
    expected=Verdict.CORRECTED,
    source=SOURCE,
    assumptions=(*SETTING, AFTERWARDS),
)
def fig1b(proof: Derivation, subject: list[Comparison]) -> None:
    """Figure 1b: generalisation losses of all methods; flows beside the exact theory."""
    rows = rows_of("fig1", "b")
    judge(proof, rows, subject)
    farthest = max(row["distance"] for row in rows if row["method"] in ("PT+FT", "STL") and row["how"] == "flow")
    budget = 20 * cells.RTOL
    proof.within("PT+FT and STL: largest relative distance of a flow's end from the exact theory", farthest, budget)
    proof.note(_size_of_printed_error(rows))
    proof.note(_early_stopping(rows))


def _size_of_printed_error(rows: Sequence[Row]) -> str:
    printed = {"method": "PT+FT", "how": "printed", "overlap": 40}
    number = found(rows, Comparison("", [printed], [runs("PT+FT", overlap=40)], 1.0, (64,)), 64)
    low, high = min(number.alone), max(number.alone)
    return (
        f"Corollary 1 as printed predicts {number.value:.2g} times the exact loss at 40/40 and n = 64 "
        f"({low:.2g} to {high:.2g} over {len(number.alone)} seeds)."
    )


def _early_stopping(rows: Sequence[Row]) -> str:
    """What the published curves, which show the least test loss on the way, hide where the endpoint is worse than nothing."""

    def losses(method: str, quantity: str) -> str:
        def relative(row: Row) -> float:
            return float(row[quantity] / row["null_loss"])

        flow = {"method": method, "how": "flow", "overlap": 0}
        return ", ".join(f"{found(rows, Comparison('', [flow], [], 1.0, (n,), relative), n).value:.2g}" for n in (16, 32, 64))

    ends = [f"{name} {losses(name, 'best_loss')} instead of {losses(name, 'final_loss')}" for name in ("MTL", "PT+FT", "STL")]
    return f"With the least loss on the way in place of that at the end, 0/40 shared, n = 16, 32, 64: {'; '.join(ends)}."


def outside_top(method: str, top: int, bound: float, samples: Sequence[int], **where: object) -> Comparison:
    """The share of variance outside the strongest weights is small."""
    named = "".join(f", {value}/40 shared" for value in where.values())
    text = f"{method}: share of variance outside the top {top}{named}"
    return Comparison(text, [runs(method, top=top, **where)], [], bound, samples, share, geometric=False)


@claim(
    "fig1c",
    where="Fig. 1c, section 4.1",
    statement=r"\text{the learned predictors are sparse: the share of variance outside the top}\ k\ \text{weights falls fast}",
    printed=[outside_top(method, 40, 0.1, EVERY_N) for method in BOTH],
    twins={
        "five weights suffice for few samples": [outside_top(method, 5, 0.1, FEW) for method in BOTH],
        "MTL needs no more than ten": [outside_top("MTL", 10, 0.1, FEW)],
    },
    expected=Verdict.CONFIRMED,
    source=SOURCE,
    assumptions=(*SETTING, "sparse is read as: 40 of 1000 weights hold 90 % of the variance, at every n"),
)
def fig1c(proof: Derivation, subject: list[Comparison]) -> None:
    """Figure 1c: sparsity of the predictors at 30/40."""
    judge(proof, rows_of("fig1", "c"), subject)


def on_auxiliary(method: str, truth: float, **where: object) -> list[Comparison]:
    """The share on auxiliary features is near 1 at first and tends to that of the truth."""
    named = "".join(f", {value}/40 shared" for value in where.values())
    few = Comparison(
        f"{method}: share off the auxiliary features{named}",
        [runs(method, **where)],
        [],
        0.1,
        (16,),
        other_share,
        geometric=False,
    )
    text = f"{method}: distance of the share from {truth:g}{named}"
    return [few, Comparison(text, [runs(method, **where)], [], 0.02, (512,), away_from(truth), geometric=False)]


@claim(
    "fig1d",
    where="Fig. 1d, section 4.1",
    statement=r"\text{the share of}\ \|\beta\|^2\ \text{on auxiliary features is near 1 for few samples and tends to}\ 30/40",
    printed=[each for method in BOTH for each in on_auxiliary(method, 0.75)],
    twins={
        "it tends to 1, as for the main features that the text names": [
            each for method in BOTH for each in on_auxiliary(method, 1.0)
        ],
        "single-task learning uses them, too": on_auxiliary("STL", 0.75),
    },
    expected=Verdict.CONFIRMED,
    source=SOURCE,
    assumptions=(*SETTING, "the caption's reading, auxiliary features; the text says main ones, whose share tends to 1"),
)
def fig1d(proof: Derivation, subject: list[Comparison]) -> None:
    """Figure 1d: use of auxiliary features at 30/40."""
    judge(proof, rows_of("fig1", "d"), subject)


def _fewer(method: str, few: int, many: int, nested: bool, bound: float, samples: Sequence[int], **where: object) -> Comparison:
    """A task of few features against one of many, both disjoint from the auxiliary features or subsets of them."""
    sizes = {"magnitude": "1/k", **where}
    relation = "subset" if nested else "disjoint"
    named = "".join(f", weights times {value:g}" for name, value in where.items() if name == "rescale")
    return Comparison(
        f"{method}, {few} over {many} main features, {relation}{named}",
        [runs(method, k_main=few, overlap=few if nested else 0, **sizes)],
        [runs(method, k_main=many, overlap=many if nested else 0, **sizes)],
        bound,
        samples,
    )


SPARSER_IS_EASIER = [
    each
    for method in BOTH
    for each in (
        _fewer(method, 5, 40, False, 0.1, (128,)),
        *(_fewer(method, few, many, False, 1.0, (128,)) for few, many in ((5, 10), (10, 20), (20, 30), (30, 40))),
    )
]


@claim(
    "fig1e",
    where="Fig. 1e, section 4.1",
    statement=r"\text{disjoint tasks: MTL and PT+FT need fewer samples where the main task is sparser}",
    printed=SPARSER_IS_EASIER,
    twins={"denser main tasks are easier": [each.exchanged() for each in SPARSER_IS_EASIER]},
    expected=Verdict.CONFIRMED,
    source=SOURCE,
    assumptions=SETTING,
)
def fig1e(proof: Derivation, subject: list[Comparison]) -> None:
    """Figure 1e: main features disjoint from the auxiliary ones."""
    judge(proof, rows_of("fig1", "e"), subject)


HARDLY_EASIER = [
    each for method in BOTH for gain in [_fewer(method, 5, 40, True, 2.0, (32, 64))] for each in (gain, gain.exchanged())
]


HARDER_FOR_MTL = replace(HARDLY_EASIER[1], bound=1.0, samples=(64,))


@claim(
    "fig1f",
    where="Fig. 1f, section 4.2",
    statement=r"\text{main features among the auxiliary ones: little to no gain from a sparser main task}",
    printed=HARDLY_EASIER,
    twins={
        "sparser is easier by a factor of ten, as for disjoint tasks": [
            _fewer(method, 5, 40, True, 0.1, (64,)) for method in BOTH
        ],
        "denser is easier by a factor of ten": [replace(each, bound=0.1) for each in HARDLY_EASIER[1::2]],
    },
    corrected=[*HARDLY_EASIER[2:], *(replace(each, samples=(32,)) for each in HARDLY_EASIER[:2]), HARDER_FOR_MTL],
    corrected_statement=r"\text{within a factor of 2 for PT+FT, and for MTL at}\ n=32;\ "
    r"\text{at}\ n=64\ \text{MTL learns the sparser main task worse}",
    expected=Verdict.CORRECTED,
    source=SOURCE,
    assumptions=(*SETTING, "little to no gain is read as: within a factor of two either way", AFTERWARDS),
)
def fig1f(proof: Derivation, subject: list[Comparison]) -> None:
    """Figure 1f: main features a subset of the auxiliary ones."""
    rows = rows_of("fig1", "f")
    judge(proof, rows, subject)
    control = _fewer("PT+FT", 5, 40, True, 2.0, (64,), magnitude="1/sqrt(k)")
    number = found(rows, control, 64)
    proof.note(
        f"Control with main weights 1/sqrt(k): PT+FT, 5 over 40 features at n = 64: {number.value:.2g} "
        f"({number.within(2.0)} are at most 2)."
    )


def _gain(factor: float) -> Comparison:
    return _fewer("PT+FT", 5, 40, True, 0.5, (32, 64), rescale=factor)


GROWS = Comparison(
    "gain of 5 over 40 features at weights times 0.01, over that at 0.1",
    [*_gain(0.01).of, *_gain(0.1).to],
    [*_gain(0.01).to, *_gain(0.1).of],
    1.0,
    (32, 64),
)


@claim(
    "fig1g",
    where="Fig. 1g, section 4.2",
    statement=r"\text{after rescaling by}\ 0.1\ \text{or}\ 0.01\ \text{sparser subsets are easier, the more so at}\ 0.01",
    printed=[_gain(0.1), _gain(0.01), GROWS],
    twins={
        "denser subsets are easier": [_gain(0.1).exchanged(), _gain(0.01).exchanged()],
        "the gain is the larger at 0.1": [GROWS.exchanged()],
    },
    expected=Verdict.CONFIRMED,
    source=SOURCE,
    assumptions=SETTING,
)
def fig1g(proof: Derivation, subject: list[Comparison]) -> None:
    """Figure 1g: rescaled networks on subsets of the auxiliary features."""
    judge(proof, rows_of("fig1", "g"), subject)


SPARSER_WHEN_RESCALED = Comparison(
    "share of variance outside the top 5, weights times 0.01 over times 1",
    [runs("PT+FT", rescale=0.01)],
    [runs("PT+FT", rescale=1.0)],
    0.5,
    (16, 32),
    share,
    geometric=False,
)


@claim(
    "fig1h",
    where="Fig. 1h, section 4.2",
    statement=r"\text{for few samples, smaller factors on the pretrained weights give much sparser predictors}",
    printed=[SPARSER_WHEN_RESCALED],
    twins={"smaller factors give denser ones": [SPARSER_WHEN_RESCALED.exchanged()]},
    expected=Verdict.CONFIRMED,
    source=SOURCE,
    assumptions=(
        *SETTING,
        "few samples: 16 and 32; much sparser: half the variance outside the top 5; 5 nested main features",
    ),
)
def fig1h(proof: Derivation, subject: list[Comparison]) -> None:
    """Figure 1h: sparsity against the factor on the pretrained weights."""
    judge(proof, rows_of("fig1", "h"), subject)


def _shared_is_easier(factor: float) -> Comparison:
    return Comparison(
        f"5 shared over 5 task-specific features, weights times {factor:g}",
        [runs("PT+FT", overlap=5, rescale=factor)],
        [runs("PT+FT", overlap=0, rescale=factor)],
        0.5,
        (32, 64),
    )


REUSE = [_shared_is_easier(factor) for factor in (1.0, 0.1, 0.01)]


@claim(
    "fig1i",
    where="Fig. 1i, section 4.2",
    statement=r"\text{shared features are learned from fewer samples than task-specific ones, at every factor}",
    printed=REUSE,
    twins={
        "task-specific ones are, at 0.01": [REUSE[2].exchanged()],
        "task-specific ones are, at 1": [REUSE[0].exchanged()],
    },
    expected=Verdict.CONFIRMED,
    source=SOURCE,
    assumptions=SETTING,
)
def fig1i(proof: Derivation, subject: list[Comparison]) -> None:
    """Figure 1i: 5 main features, shared or task-specific, by the factor on the pretrained weights."""
    judge(proof, rows_of("fig1", "i"), subject)


if __name__ == "__main__":
    sys.exit(run_alone())

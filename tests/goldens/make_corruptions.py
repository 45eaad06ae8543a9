"""Write goldens/corruptions.json: what the corruptions give now, as hashes. Run only when they are known to be right.

python -m tests.goldens.make_corruptions
"""

import hashlib
import json
from pathlib import Path

from robustpose.corruptions import SEVERITIES, TABLE, corrupt
from tests.scenes import draw_scene

IMAGES = {"small": draw_scene(45, 64, seed=1), "dark": draw_scene(149, 224, seed=101) // 6}


def hash_cell(image, name, severity):
    """Return the hash of a corrupted image."""
    return hashlib.sha256(corrupt(image, name, severity, "release").tobytes()).hexdigest()[:16]


if __name__ == "__main__":
    hashes = {
        f"{which}/{name}/{severity}": hash_cell(image, name, severity)
        for which, image in IMAGES.items()
        for name in TABLE
        for severity in SEVERITIES
    }
    (Path(__file__).parent / "corruptions.json").write_text(json.dumps(hashes, indent=1) + "\n")

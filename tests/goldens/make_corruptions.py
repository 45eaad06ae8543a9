"""Write goldens/corruptions.json: what the corruptions give now, as hashes. Run only when they are known to be right.

    python -m tests.goldens.make_corruptions
"""

import hashlib
import json
from pathlib import Path

from robustpose.corruptions import HELD_OUT, NAMES, SEVERITIES, corrupt
from tests.scenes import draw_scene

image = draw_scene(45, 64, seed=1)
hashes = {
    f"{name}/{severity}": hashlib.sha256(corrupt(image, name, severity, "release").tobytes()).hexdigest()[:16]
    for name in (*NAMES, *HELD_OUT)
    for severity in SEVERITIES
}
(Path(__file__).parent / "corruptions.json").write_text(json.dumps(hashes, indent=1) + "\n")

"""Run the original corruptions for benchmarks/corruptions.py: one JSON question a line in, one JSON answer a line out.

For any Python from 3.6 that has imagecorruptions 1.1.2; knows nothing of this project.
"""

import json
import sys
import time

import cv2
import numpy as np
import PIL
import scipy
from imagecorruptions import corrupt

cv2.setNumThreads(1)
versions = {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__}
versions.update({"opencv": cv2.__version__, "pillow": PIL.__version__})
print(json.dumps(versions), flush=True)
for line in sys.stdin:
    question = json.loads(line)
    image = np.load(question["image"])
    seconds = []
    for severity in range(1, 6):
        tries = []
        for _ in range(question["repeats"]):
            np.random.seed(1)
            start = time.process_time()
            corrupted = corrupt(image, corruption_name=question["name"], severity=severity)
            tries.append(time.process_time() - start)
        seconds.append(sorted(tries)[len(tries) // 2])
        if question.get("out"):
            np.save("{}-{}.npy".format(question["out"], severity), corrupted)
    print(json.dumps({"seconds": seconds}), flush=True)

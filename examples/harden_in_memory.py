"""Harden a torch network that your program holds, beside the same training without AdvMix.

    python examples/harden_in_memory.py

Put your network and your data in the place of the small ones here, and train for longer: one epoch on a few drawn
people shows that it runs, and nothing else. Take several trainings of each before you say which is better.
"""

import robustpose
from robustpose.models import DEMO, build
from robustpose.models.weights import load_weights

FEW = {"name": "toy", "n_images": 4, "seed": 1}  # yours: {"annotations": "train.json", "images": "train"}
OTHERS = {"name": "toy", "n_images": 4}  # never the ones that are learned from
FAST = {"batch_size": 4, "lr": 1e-5, "mixing.generator_width": 4, "sheet_people": 0, "engine.workers": 0}


def main():
    """Train two copies of one network, and bench both."""
    network = build("small", 17)  # yours: any module of crops (B, 3, 128, 96) to heatmaps (B, 17, 32, 24),
    load_weights(network, DEMO)  # with the weights that its training ended with
    runs = {}
    for strategy in ("supervised", "advmix"):  # the control, and the method
        trained = robustpose.harden(  # a copy is trained, another one is the teacher; `network` stays as it is
            network, FEW, OTHERS, input="96x128", strategy=strategy, epochs=1, settings=FAST, out=f"runs/{strategy}"
        )
        print(strategy, trained.weights, trained.log[-1]["losses"])
        cells = {"corruptions": ["fog", "contrast"], "severities": [3]}  # leave them out for all 75
        runs[strategy] = robustpose.bench(trained.network, OTHERS, **cells, out=f"runs/{strategy}-bench")
    print(robustpose.compare(*runs.values(), names=list(runs)))


if __name__ == "__main__":
    main()

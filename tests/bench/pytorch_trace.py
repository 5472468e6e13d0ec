"""Trains in PyTorch as a golden trace did, and prints how far the result is from it: the
error of a parameter relative to its movement from the start, as the median and the 80th
percentile over the parameters. (A gradient of exactly 0 becomes a step of any sign.)

    python3 -B tests/bench/pytorch_trace.py tests/golden/trace_fstd_k3_faithful
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path
from typing import Any

from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[2] / "bench/peers/pytorch"))

from augmentation import LabeledImages, paste_source  # noqa: E402
from networks import SegmentationNetwork  # noqa: E402
from tensor_file import read_tensors, section  # noqa: E402
from training import Batch, SelfTraining  # noqa: E402

ITERATIONS = 4


def model_config(model: dict[str, Any]) -> dict[str, Any]:
    backbone, head = model["backbone"], model["decode_head"]
    return {
        "encoder": {
            "name": "mit",
            "embedDims": backbone["embed_dims"],
            "depths": backbone["depths"],
            "numHeads": backbone["num_heads"],
            "srRatios": backbone["sr_ratios"],
            "dropPathRate": 0.0,
        },
        "decoder": {
            "name": "daformer",
            "fusion": "separable-aspp",
            "channels": head["channels"],
            "dilations": head["decoder_params"]["fusion_cfg"]["dilations"],
            "dropout": 0.0,
        },
    }


def run_config(config: dict[str, Any]) -> dict[str, Any]:
    schedule, optimizer, method = config["lr_config"], config["optimizer"], config["uda"]
    return {
        "iterations": schedule["max_iters"],
        "optimizer": {
            "learningRate": optimizer["lr"],
            "weightDecay": optimizer["weight_decay"],
            "betas": optimizer["betas"],
            "eps": optimizer["eps"],
            "headLrMultiplier": optimizer["custom_keys"]["head"]["lr_mult"],
            "warmupIterations": schedule["warmup_iters"],
            "warmupRatio": schedule["warmup_ratio"],
            "power": schedule["power"],
            "minLearningRate": schedule["min_lr"],
        },
        "method": {
            "lookAhead": {"depth": method["ahead_step"]},
            "teacher": {"emaDecay": method["alpha"]},
            "pseudoLabel": {
                "threshold": method["pseudo_threshold"],
                "ignoreTop": 0,
                "ignoreBottom": 0,
            },
            "featureDistance": None,
            "mixing": {
                "classesFrom": "image",
                "colorJitterStrength": 0.0,
                "colorJitterProbability": 0.0,
                "blurProbability": 0.0,
            },
        },
    }


def train(config: dict[str, Any], tensors: dict[str, Tensor]) -> SelfTraining:
    network = SegmentationNetwork(
        model_config(config["model"]), config["model"]["decode_head"]["num_classes"]
    )
    network.load_state_dict(section(tensors, "weights/student/"), strict=True)
    masks = iter(range(1000))

    def mix(source: LabeledImages, target: LabeledImages) -> LabeledImages:
        mask = tensors[f"input/step{next(masks)}/mix_mask"].bool()
        return paste_source(mask.reshape(source.labels.shape), source, target)

    training = SelfTraining(network, run_config(config), mix)
    future = training.future
    for iteration in range(ITERATIONS):
        (index,) = config["batches"][iteration]
        images = tensors[f"input/batch{index}/img"]
        labels = tensors[f"input/batch{index}/gt"].long()
        target = tensors[f"input/batch{index}/target_img"]
        batch = Batch(images, labels.reshape(len(images), *images.shape[2:]), target)
        # The published code begins with a plain step, after which the student enters.
        training.future = None if iteration == 0 else future
        training.run_iteration(batch, iteration)
        if iteration == 0:
            training.enter_teacher(training.student, 0.5)
    return training


def main() -> None:
    stem = sys.argv[1]
    config = json.loads(Path(f"{stem}.json").read_text())["config"]
    tensors = read_tensors(f"{stem}.safetensors")
    training = train(config, tensors)
    result: dict[str, float] = {}
    for role in ("student", "teacher"):
        ratios: list[float] = []
        for name, value in getattr(training, role).named_parameters():
            expected = tensors[f"output/iter{ITERATIONS - 1}/{role}/{name}"].reshape(value.shape)
            start = tensors[f"weights/student/{name}"].reshape(value.shape)
            movement = max((expected - start).norm().item(), 1e-12)
            ratios.append((value - expected).norm().item() / movement)
        result[f"{role}Median"] = statistics.median(ratios)
        result[f"{role}Percentile80"] = statistics.quantiles(ratios, n=5)[-1]
    print(json.dumps(result))


if __name__ == "__main__":
    main()

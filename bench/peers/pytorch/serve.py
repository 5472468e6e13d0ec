"""Does in PyTorch what fst does, and measures it: one JSON document per line in, one out.

The first line is the task, whose file holds weights, inputs and the results of the other
side; the answer says how far the results here are from them. Then every "warm up" and "run"
is answered with its seconds, by the clock and of the processor, all threads together.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from networks import SegmentationNetwork, upsample
from tensor_file import read_tensors, section
from training import Batch, SelfTraining, SupervisedTraining

# An operation is repeated for so long, so that it can be timed.
MIN_SECONDS = 0.2


class Work:
    """Something to be measured."""

    parameters: int | None = None
    """Trained parameters of the network; None where there is none."""
    repeats = 1
    """How often a run does it."""

    def difference(self) -> float:
        """Largest difference from the other side's result, relative to its largest value."""
        raise NotImplementedError

    def run(self) -> None:
        raise NotImplementedError


class NetworkWork(Work):
    def __init__(self, task: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        self.device = torch.device(task["device"])
        self.tensors = tensors
        config = task["work"]["config"]
        self.network = SegmentationNetwork(config["model"], task["work"]["classes"])
        self.network.load_state_dict(section(tensors, "weights/"), strict=True)
        self.network.to(self.device).eval()
        self.parameters = sum(one.numel() for one in self.network.parameters())
        self.images = tensors["input/images"]

    def difference(self) -> float:
        with torch.inference_mode():
            logits = self.network(self.images.to(self.device)).cpu()
        return relative_difference(logits, self.tensors["output"])


class PredictionWork(NetworkWork):
    """The label of every pixel of an image."""

    def run(self) -> None:
        with torch.inference_mode():
            logits = self.network(self.images.to(self.device))
            labels = upsample(logits, self.images.shape[2:]).argmax(dim=1)
            labels.to(torch.uint8).cpu()


class IterationWork(NetworkWork):
    """One iteration after another on the same batch."""

    def __init__(self, task: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        super().__init__(task, tensors)
        self.batch = Batch(
            self.images, tensors["input/labels"].long(), tensors["input/target"]
        )
        self.iteration = 0
        self.training: SupervisedTraining | SelfTraining | None = None
        self.config = task["work"]["config"]

    def run(self) -> None:
        if self.training is None:  # which leaves evaluation
            supervised = self.config["method"]["name"] == "supervised"
            kind = SupervisedTraining if supervised else SelfTraining
            self.training = kind(self.network, self.config)
        losses = self.training.run_iteration(self.batch.to(self.device), self.iteration)
        self.iteration += 1
        for name, loss in losses.items():
            if not math.isfinite(loss.item()):
                raise ValueError(f'Cannot measure: the loss "{name}" is {loss.item()}')


class OperationWork(Work):
    """A product of matrices or a convolution."""

    def __init__(self, task: dict[str, Any], tensors: dict[str, Tensor]) -> None:
        device = torch.device(task["device"])
        a, b = (tensors[f"input/{i}"].to(device) for i in range(2))
        self.expected = tensors["output"]
        operation = task["work"]["operation"]
        self.compute: Callable[[], Tensor]
        if operation["kind"] == "product":
            self.compute = lambda: a @ b
        else:
            options = {key: operation[key] for key in ("stride", "padding", "dilation")}
            self.compute = lambda: F.conv2d(a, b, **options)

    def difference(self) -> float:
        with torch.inference_mode():
            return relative_difference(self.compute().cpu(), self.expected)

    def run(self) -> None:
        with torch.inference_mode():
            for _ in range(self.repeats):
                self.compute()


WORKS: dict[str, Callable[[dict[str, Any], dict[str, Tensor]], Work]] = {
    "iteration": IterationWork,
    "prediction": PredictionWork,
    "operation": OperationWork,
}


def relative_difference(result: Tensor, expected: Tensor) -> float:
    if result.shape != expected.shape:
        raise ValueError(f"Cannot compare: {tuple(result.shape)} is not {tuple(expected.shape)}")
    difference = ((result - expected).abs().max() / expected.abs().max()).item()
    if not math.isfinite(difference):
        raise ValueError("Cannot compare: the results here are not finite")
    return difference


def synchronize(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def measure(work: Work, device: str) -> dict[str, float]:
    synchronize(device)
    started, cpu_started = time.perf_counter(), time.process_time()
    work.run()
    synchronize(device)
    seconds = (time.perf_counter() - started) / work.repeats
    return {
        "seconds": seconds,
        "cpuSeconds": (time.process_time() - cpu_started) / work.repeats,
    }


def warm_up(work: Work, device: str) -> dict[str, float]:
    first = measure(work, device)
    if isinstance(work, OperationWork):
        work.repeats = max(1, math.ceil(MIN_SECONDS / measure(work, device)["seconds"]))
    return first


def allow_tf32(allowed: bool) -> None:
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


def open_work(task: dict[str, Any]) -> tuple[Work, str]:
    device = task["device"]
    if device == "cuda" and not torch.cuda.is_available():
        raise SystemExit(
            "this PyTorch sees no CUDA device; install one that does, as "
            "https://pytorch.org says, or compare on the CPU with --backend wasm"
        )
    if task["threads"] is not None:
        torch.set_num_threads(task["threads"])
    torch.manual_seed(0)
    name = torch.cuda.get_device_name() if device == "cuda" else device
    allow_tf32(False)  # for the comparison of results
    work = WORKS[task["work"]["kind"]](task, read_tensors(task["file"]))
    return work, f"PyTorch {torch.__version__} on {name}"


def main() -> None:
    def answer(value: Any) -> None:
        print(json.dumps(value), flush=True)

    line = sys.stdin.readline()
    if not line:
        return
    task = json.loads(line)
    work, description = open_work(task)
    answer(
        {
            "description": description,
            "parameters": work.parameters,
            "difference": work.difference(),
        }
    )
    allow_tf32(task["tf32"])
    for line in sys.stdin:
        command = warm_up if json.loads(line) == "warm up" else measure
        answer(command(work, task["device"]))


if __name__ == "__main__":
    main()

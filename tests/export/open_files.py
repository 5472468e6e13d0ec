"""Opens exported files with the programs that they are for.

    python3 -B tests/export/open_files.py onnx FILE...
    python3 -B tests/export/open_files.py transformers FOLDER IMAGE

The first checks ONNX files. The second reads a folder and a PNG, and prints the logits of
the image as JSON, and what transformers missed or did not expect in the folder.
"""

from __future__ import annotations

import json
import sys


def check_onnx(files: list[str]) -> None:
    import onnx

    for file in files:
        onnx.checker.check_model(onnx.load(file), full_check=True)


def run_transformers(folder: str, image_file: str) -> None:
    import torch
    from PIL import Image
    from transformers import AutoImageProcessor, SegformerForSemanticSegmentation

    processor = AutoImageProcessor.from_pretrained(folder)
    network, loading = SegformerForSemanticSegmentation.from_pretrained(
        folder, output_loading_info=True
    )
    network.eval()
    inputs = processor(images=Image.open(image_file), return_tensors="pt")
    with torch.no_grad():
        logits = network(**inputs).logits
    print(
        json.dumps(
            {
                "shape": list(logits.shape),
                "logits": logits.flatten().tolist(),
                "labels": network.config.id2label,
                "missing": sorted(loading["missing_keys"]),
                "unexpected": sorted(loading["unexpected_keys"]),
            }
        )
    )


if __name__ == "__main__":
    task, *arguments = sys.argv[1:]
    if task == "onnx":
        check_onnx(arguments)
    else:
        run_transformers(*arguments)

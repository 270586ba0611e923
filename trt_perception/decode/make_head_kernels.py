"""Which kernels decode which family of heads. A new family is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from trt_perception.decode.finished_kernels import joined_kernels, separate_kernels
from trt_perception.decode.head_kernels import HeadKernels
from trt_perception.decode.make_decoder import make_decoder
from trt_perception.decode.objectness_kernels import objectness_kernels
from trt_perception.decode.query_kernels import detr_kernels, rtdetr_kernels
from trt_perception.decode.semantic_class_ids_kernels import SemanticClassIdsKernels
from trt_perception.decode.semantic_logits_kernels import SemanticLogitsKernels
from trt_perception.decode.yolov8_kernels import yolov8_kernels
from trt_perception.decode.yolov8_seg_kernels import Yolov8SegKernels
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec, TensorType

_KERNELS: Mapping[HeadKind, Callable[[HeadSpec, ModelSpec], HeadKernels]] = {
    HeadKind.YOLOX: objectness_kernels,
    HeadKind.YOLOX_DECODED: objectness_kernels,
    HeadKind.YOLOV5: objectness_kernels,
    HeadKind.YOLOV7: objectness_kernels,
    HeadKind.YOLOV8: yolov8_kernels,
    HeadKind.YOLOV8_SEG: Yolov8SegKernels,
    HeadKind.YOLOV10: joined_kernels,
    HeadKind.RTDETR: rtdetr_kernels,
    HeadKind.RTDETR_END_TO_END: joined_kernels,
    HeadKind.RTDETR_DEPLOY: separate_kernels,
    HeadKind.DETR_SIGMOID: detr_kernels,
    HeadKind.DETR_SOFTMAX: detr_kernels,
    HeadKind.EFFICIENT_NMS: separate_kernels,
    HeadKind.SEMANTIC_LOGITS: SemanticLogitsKernels,
    HeadKind.SEMANTIC_CLASS_IDS: SemanticClassIdsKernels,
    HeadKind.BINARY_MASK: SemanticLogitsKernels,
}


def make_head_kernels(head: HeadSpec, spec: ModelSpec, dtypes: Mapping[str, TensorType]) -> HeadKernels:
    """The kernels of one head.

    Args:
        head: The head.
        spec: The model.
        dtypes: Element types of the outputs as the engine has them, by name: they may differ from the spec's, since
            TensorRT 8.6 gives int32 where the ONNX has int64.

    Raises:
        ModelError: The head's outputs do not have its family's layout.
    """
    outputs = tuple(replace(output, dtype=dtypes.get(output.name, output.dtype)) for output in spec.outputs)
    built = replace(spec, outputs=outputs)
    make_decoder(head, built)  # it refuses what does not fit
    return _KERNELS[head.kind](head, built)

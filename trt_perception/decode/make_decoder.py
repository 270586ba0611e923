"""Which decoder reads which family of heads. A new family is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from trt_perception.decode.detr_decoder import DetrDecoder
from trt_perception.decode.efficient_nms_decoder import EfficientNmsDecoder
from trt_perception.decode.head_decoder import HeadDecoder
from trt_perception.decode.rtdetr_decoder import RtdetrDecoder
from trt_perception.decode.rtdetr_deploy_decoder import RtdetrDeployDecoder
from trt_perception.decode.rtdetr_end_to_end_decoder import RtdetrEndToEndDecoder
from trt_perception.decode.semantic_class_ids_decoder import SemanticClassIdsDecoder
from trt_perception.decode.semantic_logits_decoder import SemanticLogitsDecoder
from trt_perception.decode.yolov5_decoder import Yolov5Decoder
from trt_perception.decode.yolov8_decoder import Yolov8Decoder
from trt_perception.decode.yolov8_seg_decoder import Yolov8SegDecoder
from trt_perception.decode.yolov10_decoder import Yolov10Decoder
from trt_perception.decode.yolox_decoder import YoloxDecoder
from trt_perception.model.model_spec import HeadKind, HeadSpec, ModelSpec

_DECODERS: Mapping[HeadKind, Callable[[HeadSpec, ModelSpec], HeadDecoder]] = {
    HeadKind.YOLOX: YoloxDecoder,
    HeadKind.YOLOX_DECODED: YoloxDecoder,
    HeadKind.YOLOV5: Yolov5Decoder,
    HeadKind.YOLOV7: Yolov5Decoder,
    HeadKind.YOLOV8: Yolov8Decoder,
    HeadKind.YOLOV8_SEG: Yolov8SegDecoder,
    HeadKind.YOLOV10: Yolov10Decoder,
    HeadKind.RTDETR: RtdetrDecoder,
    HeadKind.RTDETR_END_TO_END: RtdetrEndToEndDecoder,
    HeadKind.RTDETR_DEPLOY: RtdetrDeployDecoder,
    HeadKind.DETR_SIGMOID: DetrDecoder,
    HeadKind.DETR_SOFTMAX: DetrDecoder,
    HeadKind.EFFICIENT_NMS: EfficientNmsDecoder,
    HeadKind.SEMANTIC_LOGITS: SemanticLogitsDecoder,
    HeadKind.SEMANTIC_CLASS_IDS: SemanticClassIdsDecoder,
    HeadKind.BINARY_MASK: SemanticLogitsDecoder,
}


def make_decoder(head: HeadSpec, spec: ModelSpec) -> HeadDecoder:
    """The decoder of one head.

    Raises:
        ModelError: The head's outputs do not have its family's layout.
    """
    return _DECODERS[head.kind](head, spec)

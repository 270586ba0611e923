"""On what figures of the GPU path depend."""

from __future__ import annotations


def identity(*, stand_in: bool = False) -> dict[str, str]:
    """GPU, driver and TensorRT; of a rehearsal, that it was one."""
    if stand_in:
        return {"gpu": "none (rehearsal)", "driver": "none", "tensorrt": "none (rehearsal)"}
    from trt_perception.engine.gpu_identity import current_gpu
    from trt_perception.engine.tensorrt_module import identify, load_tensorrt

    gpu = current_gpu(0)
    return {"gpu": gpu.name, "driver": gpu.driver, "tensorrt": str(identify(load_tensorrt("tensorrt")))}

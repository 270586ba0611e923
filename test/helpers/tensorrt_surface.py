"""Every name of a TensorRT module that the package uses, and whether a module has it as it is used.

`ALWAYS` is used without asking, `WHERE_THERE_IS` after hasattr; a number is how many arguments a method is given, and
for what TensorRT calls of ours, how many it gives. The signatures are those that pybind11 writes into docstrings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

READ, WRITTEN = "read", "written"
Use = int | str

ALWAYS: Mapping[str, Mapping[str, Use]] = {
    "Builder": {
        "__init__": 1,
        "create_network": 1,
        "create_builder_config": 0,
        "create_optimization_profile": 0,
        "build_serialized_network": 2,
        "num_DLA_cores": READ,
    },
    "IBuilderConfig": {
        "set_memory_pool_limit": 2,
        "set_flag": 1,
        "clear_flag": 1,
        "set_tactic_sources": 1,
        "add_optimization_profile": 1,
        "create_timing_cache": 1,
        "set_timing_cache": 2,
        "get_timing_cache": 0,
        "builder_optimization_level": WRITTEN,
        "profiling_verbosity": WRITTEN,
        "max_aux_streams": WRITTEN,
        "hardware_compatibility_level": WRITTEN,
        "default_device_type": WRITTEN,
        "DLA_core": WRITTEN,
    },
    "ITimingCache": {"serialize": 0},
    "IOptimizationProfile": {"set_shape": 4},
    "INetworkDefinition": {
        "num_inputs": READ, "num_layers": READ, "get_input": 1, "get_layer": 1,
    },
    "ILayer": {
        "name": READ, "num_inputs": READ, "num_outputs": READ, "get_input": 1, "get_output": 1,
    },
    "ITensor": {"name": READ, "shape": READ, "dtype": READ, "is_network_output": READ},
    "OnnxParser": {"__init__": 2, "parse": 2, "num_errors": READ, "get_error": 1},
    "ParserError": {"code": 0, "desc": 0, "node": 0},
    "ILogger": {"__init__": 0, "log": 2},
    "IErrorRecorder": {
        "__init__": 0, "num_errors": 0, "get_error_code": 1, "get_error_desc": 1, "has_overflowed": 0, "clear": 0,
        "report_error": 2,
    },
    "IProfiler": {"__init__": 0, "report_layer_time": 2},
    "IPluginRegistry": {"error_recorder": WRITTEN},
    "Runtime": {"__init__": 1, "deserialize_cuda_engine": 1, "error_recorder": WRITTEN},
    "ICudaEngine": {
        "create_engine_inspector": 0,
        "create_execution_context": 0,
        "num_io_tensors": READ,
        "num_optimization_profiles": READ,
        "get_tensor_name": 1,
        "get_tensor_mode": 1,
        "get_tensor_shape": 1,
        "get_tensor_dtype": 1,
        "get_tensor_format": 1,
        "get_tensor_location": 1,
        "get_tensor_profile_shape": 2,
        "error_recorder": WRITTEN,
    },
    "IExecutionContext": {
        "set_input_shape": 2,
        "get_tensor_shape": 1,
        "set_tensor_address": 2,
        "set_optimization_profile_async": 2,
        "execute_async_v3": 1,
        "error_recorder": WRITTEN,
        "profiler": WRITTEN,
    },
    "EngineInspector": {"get_engine_information": 1, "execution_context": WRITTEN},
    "": {"init_libnvinfer_plugins": 2, "get_plugin_registry": 0},
}  # fmt: skip

WHERE_THERE_IS: Mapping[str, Mapping[str, Use]] = {
    "IBuilderConfig": {
        "progress_monitor": WRITTEN, "num_compute_capabilities": WRITTEN, "set_compute_capability": 2,
    },
    "ILayer": {"precision": WRITTEN, "set_output_type": 2},
    "ParserError": {"node_name": 0, "node_operator": 0},
    "IProgressMonitor": {"__init__": 0, "phase_start": 3, "step_complete": 2, "phase_finish": 1},
    "IPluginRegistry": {"load_library": 1},
    "ICudaEngine": {
        "device_memory_size": READ, "device_memory_size_v2": READ, "create_execution_context_without_device_memory": 0,
    },
    "IExecutionContext": {"device_memory": WRITTEN, "set_device_memory": 2, "is_stream_capturable": 1},
}  # fmt: skip

MEMBERS: Mapping[str, tuple[str, ...]] = {
    "DataType": ("FLOAT", "HALF", "INT8", "INT32", "BOOL"),
    "MemoryPoolType": ("WORKSPACE",),
    "ProfilingVerbosity": ("DETAILED",),
    "BuilderFlag": ("TF32", "GPU_FALLBACK", "SPARSE_WEIGHTS", "VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME"),
    "HardwareCompatibilityLevel": ("AMPERE_PLUS",),
    "DeviceType": ("DLA",),
    "LayerInformationFormat": ("JSON",),
    "TensorIOMode": ("INPUT", "OUTPUT"),
    "TensorLocation": ("DEVICE",),
}


def problems(trt: Any) -> list[str]:
    """What the module lacks, or has with other arguments than it is given here."""
    return [
        *_problems(trt, ALWAYS, required=True),
        *_problems(trt, WHERE_THERE_IS, required=False),
        *(
            f"{enum} has no {name}"
            for enum, names in MEMBERS.items()
            for name in names
            if not hasattr(getattr(trt, enum, None), name)
        ),
    ]


def _problems(trt: Any, table: Mapping[str, Mapping[str, Use]], *, required: bool) -> Iterator[str]:
    for owner, uses in table.items():
        holder = getattr(trt, owner, None) if owner else trt
        if holder is None and not required:
            continue
        for name, use in uses.items():
            shown = f"{owner}.{name}" if owner else name
            found = getattr(holder, name, None)
            if found is None:
                if required:
                    yield f"no {shown}"
            elif isinstance(use, int):
                texts = signatures(found.__doc__ or "", name)
                if not any(takes(text, use, method=bool(owner)) for text in texts):
                    yield f"{shown} does not take {use} arguments: {'; '.join(texts) or 'no signature'}"
            elif not isinstance(found, property) or (use == WRITTEN and found.fset is None):
                yield f"{shown} cannot be {use}"


def signatures(doc: str, name: str) -> list[str]:
    """The parameters of every overload that a pybind11 docstring lists, without the outer brackets."""
    found = []
    for match in re.finditer(rf"^(?:\d+\. )?{re.escape(name)}\(", doc, flags=re.MULTILINE):
        depth, start = 1, match.end()
        for end in range(start, len(doc)):
            depth += {"(": 1, ")": -1}.get(doc[end], 0)
            if depth == 0:
                break
        found.append(doc[start:end])
    return [text for text in found if text != "*args, **kwargs"]


def takes(parameters: str, given: int, *, method: bool) -> bool:
    """Whether so many positional arguments fit; `self` comes besides."""
    parts: list[str] = []
    depth = 0
    for character in parameters:
        depth += {"(": 1, "[": 1, "<": 1, ")": -1, "]": -1, ">": -1}.get(character, 0)
        if not parts or (character == "," and depth == 0):
            parts.append("")
        parts[-1] += character
    names = [part.strip(", ") for part in parts if part.strip(", ")]
    wanted = given + int(method)
    return len([name for name in names if " = " not in name]) <= wanted <= len(names)

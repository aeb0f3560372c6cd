"""``ConfigProto``, ``RunOptions`` and what goes with them: the settings that programs of 1.x give to sessions.

They are protobuf messages with TensorFlow's fields, built when the first one is used, in a descriptor pool of their own; a
field that does not exist, or a value of another type, is refused as protobuf refuses it. None of the settings changes what is
computed: there is one device, the CPU, and a session runs in the thread that calls it. ``RunMetadata`` stays empty.
"""

from __future__ import annotations

import functools
from typing import Any

# message -> "number type name"; "type*" repeated; "map:KEY:VALUE"; a type that is a line here is a message, or a list of names.
_SCHEMA: dict[str, str] = {
    "ConfigProto": """1 map:string:int32 device_count, 2 int32 intra_op_parallelism_threads,
        3 int32 placement_period, 4 string* device_filters, 5 int32 inter_op_parallelism_threads, 6 GPUOptions gpu_options,
        7 bool allow_soft_placement, 8 bool log_device_placement, 9 bool use_per_session_threads,
        10 GraphOptions graph_options, 11 int64 operation_timeout_in_ms, 12 ThreadPoolOptionProto* session_inter_op_thread_pool,
        13 RPCOptions rpc_options, 14 ClusterDef cluster_def, 15 bool isolate_session_state, 16 ConfigProto.Experimental
        experimental, 17 bool share_cluster_devices_in_session, 18 GPUOptions pluggable_device_options""",
    "ConfigProto.Experimental": """1 string collective_group_leader, 3 string executor_type, 4 int32 recv_buf_max_chunk,
        5 bool use_numa_affinity, 6 bool collective_deterministic_sequential_execution, 7 bool collective_nccl,
        8 bool share_session_state_in_clusterspec_propagation, 9 bool disable_thread_spinning,
        10 bool share_cluster_devices_in_session, 11 SessionMetadata session_metadata, 12 bool optimize_for_static_graph,
        13 bool enable_mlir_bridge, 14 bool disable_output_partition_graphs, 15 int64 xla_fusion_autotuner_thresh,
        16 bool enable_mlir_graph_optimization, 18 bool use_tfrt, 21 bool disable_functional_ops_lowering,
        22 bool xla_prefer_single_graph_cluster, 24 bool disable_optimize_for_static_graph,
        26 bool disable_eager_executor_streaming_enqueue, 27 bool enable_multi_host, 28 int32 backend_server_port""",
    "ThreadPoolOptionProto": "1 int32 num_threads, 2 string global_name",
    "GPUOptions": """1 double per_process_gpu_memory_fraction, 2 string allocator_type, 3 int64 deferred_deletion_bytes,
        4 bool allow_growth, 5 string visible_device_list, 6 int32 polling_active_delay_usecs,
        7 int32 polling_inactive_delay_msecs, 8 bool force_gpu_compatible, 9 GPUOptions.Experimental experimental""",
    "GPUOptions.Experimental": """1 GPUOptions.Experimental.VirtualDevices* virtual_devices, 2 bool use_unified_memory,
        3 int32 num_dev_to_dev_copy_streams, 4 string collective_ring_order, 5 bool timestamped_allocator,
        7 int32 kernel_tracker_max_interval, 8 int32 kernel_tracker_max_bytes, 9 int32 kernel_tracker_max_pending,
        10 double internal_fragmentation_fraction, 11 bool use_cuda_malloc_async, 12 bool disallow_retry_on_allocation_failure,
        13 float gpu_host_mem_limit_in_mb, 14 bool gpu_host_mem_disallow_growth, 15 int32 num_virtual_devices_per_gpu""",
    "GPUOptions.Experimental.VirtualDevices": "1 float* memory_limit_mb, 2 int32* priority, 3 int32* device_ordinal",
    "GraphOptions": """2 bool enable_recv_scheduling, 3 OptimizerOptions optimizer_options, 4 int64 build_cost_model,
        5 bool infer_shapes, 6 bool place_pruned_graph, 7 bool enable_bfloat16_sendrecv, 8 int32 timeline_step,
        9 int64 build_cost_model_after, 10 RewriterConfig rewrite_options""",
    "OptimizerOptions": """1 bool do_common_subexpression_elimination, 2 bool do_constant_folding,
        3 OptimizerOptions.Level opt_level, 4 bool do_function_inlining, 5 OptimizerOptions.GlobalJitLevel global_jit_level,
        6 int64 max_folded_constant_in_bytes, 7 bool cpu_global_jit""",
    "RewriterConfig": """1 RewriterConfig.Toggle layout_optimizer, 2 bool disable_model_pruning,
        3 RewriterConfig.Toggle constant_folding, 4 RewriterConfig.MemOptType memory_optimization,
        5 AutoParallelOptions auto_parallel, 6 string memory_optimizer_target_node_name_scope,
        7 RewriterConfig.Toggle arithmetic_optimization, 8 RewriterConfig.Toggle dependency_optimization,
        9 RewriterConfig.Toggle loop_optimization, 10 RewriterConfig.Toggle function_optimization,
        11 RewriterConfig.Toggle debug_stripper, 12 RewriterConfig.NumIterationsType meta_optimizer_iterations,
        13 RewriterConfig.Toggle shape_optimization, 14 RewriterConfig.Toggle remapping,
        15 RewriterConfig.Toggle scoped_allocator_optimization, 16 ScopedAllocatorOptions scoped_allocator_opts,
        17 int32 min_graph_nodes, 18 RewriterConfig.Toggle pin_to_host_optimization, 19 bool disable_meta_optimizer,
        20 int64 meta_optimizer_timeout_ms, 21 bool fail_on_optimizer_errors,
        22 RewriterConfig.Toggle implementation_selector, 23 RewriterConfig.Toggle auto_mixed_precision,
        24 RewriterConfig.Toggle common_subgraph_elimination, 25 RewriterConfig.Toggle auto_mixed_precision_mkl,
        26 bool experimental_disable_compressed_tensor_optimization,
        27 bool experimental_disable_folding_quantization_emulation, 28 RewriterConfig.Toggle use_plugin_optimizers,
        29 RewriterConfig.Toggle auto_mixed_precision_cpu, 30 RewriterConfig.Toggle experimental_conditional_code_motion,
        31 RewriterConfig.Toggle auto_mixed_precision_onednn_bfloat16, 32 bool disable_tfg_optimizer,
        50 RewriterConfig.CpuLayout cpu_layout_conversion, 100 string* optimizers""",
    "AutoParallelOptions": "1 bool enable, 2 int32 num_replicas",
    "ScopedAllocatorOptions": "1 string* enable_op",
    "RPCOptions": """1 bool use_rpc_for_inprocess_master, 2 string compression_algorithm, 3 int32 compression_level,
        4 bool cache_rpc_response, 5 bool disable_session_connection_sharing, 6 int32 num_channels_per_target""",
    "ClusterDef": "1 JobDef* job",
    "JobDef": "1 string name, 2 map:int32:string tasks",
    "SessionMetadata": "1 string name, 2 int64 version",
    "RunOptions": """1 RunOptions.TraceLevel trace_level, 2 int64 timeout_in_ms, 3 int32 inter_op_thread_pool,
        5 bool output_partition_graphs, 7 bool report_tensor_allocations_upon_oom, 8 RunOptions.Experimental experimental""",
    "RunOptions.Experimental": "1 int64 collective_graph_key, 2 bool use_run_handler_pool",
    "RunMetadata": "1 StepStats step_stats, 5 SessionMetadata session_metadata",
    "StepStats": "1 DeviceStepStats* dev_stats",
    "DeviceStepStats": "1 string device",
}
_CHOICES: dict[str, str] = {
    "OptimizerOptions.Level": "L1 0, L0 -1",
    "OptimizerOptions.GlobalJitLevel": "DEFAULT 0, OFF -1, ON_1 1, ON_2 2",
    "RewriterConfig.Toggle": "DEFAULT 0, ON 1, OFF 2, AGGRESSIVE 3, EXPERIMENTAL_MLIR 4, EXPERIMENTAL_BOTH 5",
    "RewriterConfig.CpuLayout": "NO_CONVERSION_ON_CPU 0, NCHW_TO_NHWC 1, NHWC_TO_NCHW 2",
    "RewriterConfig.NumIterationsType": "DEFAULT_NUM_ITERS 0, ONE 1, TWO 2",
    "RewriterConfig.MemOptType": """DEFAULT_MEM_OPT 0, NO_MEM_OPT 1, MANUAL 2, HEURISTICS 3, SWAPPING_HEURISTICS 4,
        RECOMPUTATION_HEURISTICS 5, SCHEDULING_HEURISTICS 6""",
    "RunOptions.TraceLevel": "NO_TRACE 0, SOFTWARE_TRACE 1, HARDWARE_TRACE 2, FULL_TRACE 3",
}


@functools.cache
def _classes() -> dict[str, Any]:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="minitf/session_options.proto", package="tensorflow", syntax="proto3")
    made: dict[str, Any] = {}

    def typed(field: Any, kind: str) -> None:
        if kind in _SCHEMA or kind in _CHOICES:
            field.type = kinds.TYPE_MESSAGE if kind in _SCHEMA else kinds.TYPE_ENUM
            field.type_name = f".tensorflow.{kind}"
        else:
            field.type = getattr(kinds, f"TYPE_{kind.upper()}")

    for name in _SCHEMA:  # a message stands after the one that it is part of
        outer, _, own = name.rpartition(".")
        made[name] = made[outer].nested_type.add(name=own) if outer else file.message_type.add(name=own)
    for name, choices in _CHOICES.items():
        outer, _, own = name.rpartition(".")
        listed = made[outer].enum_type.add(name=own)
        for choice in choices.split(","):
            text, number = choice.split()
            listed.value.add(name=text, number=int(number))
    for name, fields in _SCHEMA.items():
        for line in fields.split(","):
            number, kind, own = line.split()
            repeated = kind.endswith("*") or kind.startswith("map:")
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            field = made[name].field.add(name=own, number=int(number), label=label)
            if not kind.startswith("map:"):
                typed(field, kind.rstrip("*"))
                continue
            entry = made[name].nested_type.add(name="".join(part.capitalize() for part in own.split("_")) + "Entry")
            entry.options.map_entry = True
            for at, (part, of) in enumerate(zip(("key", "value"), kind.split(":")[1:], strict=True), 1):
                typed(entry.field.add(name=part, number=at, label=kinds.LABEL_OPTIONAL), of)
            field.type, field.type_name = kinds.TYPE_MESSAGE, f".tensorflow.{name}.{entry.name}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.{name}"))
        for name in _SCHEMA
        if "." not in name
    }


def __getattr__(name: str) -> Any:
    if name not in _SCHEMA or "." in name:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _classes()[name]


def check_config(config: Any) -> None:
    """Raises TypeError for anything but None and a ``ConfigProto`` (minitf's, or another with TensorFlow's name)."""
    _check(config, "ConfigProto", "Session(config=...)")


def check_run(options: Any, run_metadata: Any) -> None:
    """Raises TypeError for what are no ``RunOptions`` and ``RunMetadata``."""
    _check(options, "RunOptions", "Session.run(options=...)")
    _check(run_metadata, "RunMetadata", "Session.run(run_metadata=...)")


def _check(value: Any, wanted: str, what: str) -> None:
    if value is not None and getattr(getattr(value, "DESCRIPTOR", None), "full_name", "") != f"tensorflow.{wanted}":
        raise TypeError(f"{what} must be a tf.compat.v1.{wanted}, not {value!r} (a {type(value).__name__}).")

/**
 * What the Rust side (src/tensorrt/shim.rs) sees of TensorRT: plain C, the same for every major version of TensorRT. The shim is
 * compiled against the headers of one major version and links to nothing of TensorRT: what it enters the libraries by is handed to it.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Changes with anything below. */
#define NS_SHIM_ABI 2

/** The functions by which TensorRT's libraries are entered, as they export them. */
typedef struct {
    void* (*builder)(void* logger, int32_t version);
    void* (*runtime)(void* logger, int32_t version);
    void* (*refitter)(void* engine, void* logger, int32_t version);
    void* (*parser)(void* network, void* logger, int version);
    void* (*parserRefitter)(void* refitter, void* logger, int version);
} NsEntries;

/** Severity as TensorRT counts: 0 internal error, 1 error, 2 warning, 3 info. Called from any thread. */
typedef void (*NsLog)(int32_t severity, char const* message);

typedef enum { NS_PHASE_STARTS = 0, NS_STEP_DONE = 1, NS_PHASE_ENDS = 2 } NsProgressKind;

/** A phase of a build starts with `count` steps (`parent` may be null), has done step `count`, or ends. Answers with 0 to cancel the build. Called from any thread, several at a time. */
typedef int32_t (*NsProgress)(void* context, NsProgressKind kind, char const* phase, char const* parent, int32_t count);

typedef enum {
    NS_OK = 0,
    /** TensorRT made no builder, runtime or refitter; the log says why. */
    NS_NOT_CREATED = 1,
    /** The ONNX model was refused. */
    NS_NOT_PARSED = 2,
    NS_NOT_BUILT = 3,
    NS_NOT_DESERIALIZED = 4,
    NS_NOT_REFITTED = 5,
    /** Weights of the engine that the new model does not give; `NsBytes` has their names, a line each. */
    NS_WEIGHTS_UNSET = 6,
    NS_NOT_RUN = 7,
    NS_NO_MEMORY = 8,
    NS_BAD_OPTION = 9,
} NsStatus;

/** Memory of the shim's, given back by `release`. */
typedef struct {
    uint8_t* data;
    size_t size;
} NsBytes;

typedef struct {
    /** Bytes of scratch memory on the device; 0 for as many as there are. */
    uint64_t workspaceBytes;
    /** The deep learning accelerator to build for, or -1 for the GPU. Layers that it cannot run go to the GPU where `gpuFallback` is set. */
    int32_t dlaCore;
    int32_t gpuFallback;
    /** Whether the engine's weights can be exchanged. Such engines may run slower. */
    int32_t refittable;
    /** 0 to 5, or -1 for TensorRT's default. */
    int32_t optimizationLevel;
    /** What an earlier build measured, or null. */
    uint8_t const* timingCache;
    size_t timingCacheSize;
} NsBuildOptions;

#define NS_MOST_DIMENSIONS 8

typedef struct {
    /** Lives as long as the engine. */
    char const* name;
    int32_t isInput;
    /** As TensorRT counts its data types. */
    int32_t dataType;
    int32_t rank;
    int64_t shape[NS_MOST_DIMENSIONS];
} NsTensor;

/** An engine with its runtime and one execution context. One thread at a time. */
typedef struct NsEngine NsEngine;

typedef struct {
    int32_t abi;
    /** Major * 10000 + minor * 100 + patch of the headers. */
    int32_t headers;
    void (*release)(NsBytes bytes);
    NsStatus (*build)(NsEntries const*, NsLog, NsProgress, void* progressContext, uint8_t const* onnx, size_t onnxSize, NsBuildOptions const*,
        NsBytes* plan, NsBytes* timingCache);
    /** `dlaCore`: of the accelerator that the engine runs on, whichever of them it was built for, or -1 where it runs on the GPU alone. */
    NsStatus (*engineOpen)(NsEntries const*, NsLog, uint8_t const* plan, size_t planSize, int32_t dlaCore, NsEngine**);
    /** The weights of an ONNX model of the same graph, into an engine that does not run. On failure the engine is of no use any more. */
    NsStatus (*engineRefit)(NsEntries const*, NsLog, NsEngine*, uint8_t const* onnx, size_t onnxSize, NsBytes* unset);
    int32_t (*engineTensorCount)(NsEngine const*);
    NsStatus (*engineTensor)(NsEngine const*, int32_t index, NsTensor*);
    /** Bytes that the engine's activations take on the device. */
    int64_t (*engineDeviceBytes)(NsEngine const*);
    /** JSON about every layer. */
    NsStatus (*engineInspect)(NsEngine const*, NsBytes* json);
    NsStatus (*engineBind)(NsEngine*, char const* tensor, void* devicePointer);
    /** Puts one run into a CUDA stream. */
    NsStatus (*engineEnqueue)(NsEngine*, void* stream);
    void (*engineClose)(NsEngine*);
} NsShim;

/** The one symbol that a shim exports. */
NsShim const* nightshift_tensorrt_shim(void);

#ifdef __cplusplus
}
#endif

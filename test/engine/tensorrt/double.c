/**
 * A machine with a GPU and TensorRT 11, in memory: NVIDIA's driver, TensorRT's two libraries and the shim, all four in one, under whichever name it is loaded.
 * Device memory is the host's, copies are done at once, and an engine answers with its input. A model's first byte says how many steps its build has. What was
 * asked for is told on stderr, a line each, and at the end what was not given back.
 */
#include "shim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct NsEngine {
    void const* input;
    void* output;
};

static int device, pinned, streams, contexts, engines;

__attribute__((destructor)) static void ends(void) {
    if (device + pinned + streams + contexts + engines > 0)
        fprintf(stderr, "left: %d of device memory, %d pinned, %d streams, %d contexts, %d engines\n", device, pinned, streams, contexts, engines);
}

/* The driver. */
int cuInit(unsigned flags) { return fprintf(stderr, "driver starts\n"), (int)flags; }
int cuDriverGetVersion(int* version) { return *version = 12060, 0; }
int cuDeviceGetCount(int* count) { return *count = 1, 0; }
int cuDeviceGet(int* found, int index) { return *found = index, 0; }
int cuDeviceGetName(char* name, int size, int which) { return snprintf(name, (size_t)size, "Orin"), which; }
int cuDeviceTotalMem_v2(size_t* bytes, int which) { return *bytes = 8000000000u, which; }
int cuDeviceGetAttribute(int* value, int attribute, int which) { return *value = attribute == 16 || attribute == 75 ? 8 : 7, which; }
int cuDevicePrimaryCtxRetain(void** context, int which) { return contexts++, *context = &contexts, which; }
int cuDevicePrimaryCtxRelease_v2(int which) { return contexts--, which; }
int cuCtxSetCurrent(void* context) { return context == &contexts ? 0 : 201; }
int cuMemAlloc_v2(unsigned long long* address, size_t bytes) { return device++, *address = (unsigned long long)(size_t)malloc(bytes), 0; }
int cuMemFree_v2(unsigned long long address) { return device--, free((void*)(size_t)address), 0; }
int cuMemHostAlloc(void** address, size_t bytes, unsigned flags) { return pinned++, *address = malloc(bytes), (int)flags; }
int cuMemFreeHost(void* address) { return pinned--, free(address), 0; }
int cuStreamCreate(void** stream, unsigned flags) { return streams++, *stream = &streams, flags == 1 ? 0 : 1; }
int cuStreamDestroy_v2(void* stream) { return streams--, stream == &streams ? 0 : 1; }
int cuStreamSynchronize(void* stream) { return stream == &streams ? 0 : 1; }
int cuMemcpyHtoDAsync_v2(unsigned long long to, void const* from, size_t bytes, void* stream) { return memcpy((void*)(size_t)to, from, bytes), stream == &streams ? 0 : 1; }
int cuMemcpyDtoHAsync_v2(void* to, unsigned long long from, size_t bytes, void* stream) { return memcpy(to, (void*)(size_t)from, bytes), stream == &streams ? 0 : 1; }

/* TensorRT, of which the shim alone knows more. */
int32_t getInferLibVersion(void) { return 110400; }
void* createInferBuilder_INTERNAL(void) { return NULL; }
void* createInferRuntime_INTERNAL(void) { return NULL; }
void* createInferRefitter_INTERNAL(void) { return NULL; }
void* createNvOnnxParser_INTERNAL(void) { return NULL; }
void* createNvOnnxParserRefitter_INTERNAL(void) { return NULL; }

/* The shim. */
static void release(NsBytes bytes) { free(bytes.data); }

static NsBytes bytesOf(char const* text) { return (NsBytes){(uint8_t*)strdup(text), strlen(text)}; }

static NsStatus build(NsEntries const* entries, NsLog log, NsProgress tell, void* context, uint8_t const* onnx, size_t size, NsBuildOptions const* options, NsBytes* plan, NsBytes* timings) {
    int32_t const steps = size > 0 ? onnx[0] : 0;
    if (!entries || steps == 0) return log(1, "no model"), NS_NOT_PARSED;
    tell(context, NS_PHASE_STARTS, "Building", NULL, steps);
    for (int32_t step = 0; step < steps; step++) {
        usleep(20000);
        if (!tell(context, NS_STEP_DONE, "Building", NULL, step)) return NS_NOT_BUILT;
    }
    tell(context, NS_PHASE_ENDS, "Building", NULL, 0);
    fprintf(stderr, "built for core %d with %zu bytes of timings\n", options->dlaCore, options->timingCacheSize);
    return *plan = bytesOf("plan"), *timings = bytesOf("timings"), NS_OK;
}

static NsStatus engineOpen(NsEntries const* entries, NsLog log, uint8_t const* plan, size_t size, int32_t core, NsEngine** engine) {
    if (!entries || size != 4 || memcmp(plan, "plan", 4) != 0) return log(1, "no plan"), NS_NOT_DESERIALIZED;
    fprintf(stderr, "opened on core %d\n", core);
    return engines++, *engine = calloc(1, sizeof(NsEngine)), NS_OK;
}

static NsStatus engineRefit(NsEntries const* entries, NsLog log, NsEngine* engine, uint8_t const* onnx, size_t size, NsBytes* unset) {
    if (!entries || !log || !engine || size == 0) return NS_NOT_REFITTED;
    if (onnx[0] == 0) return *unset = bytesOf("stem.weight\nstem.bias\n"), NS_WEIGHTS_UNSET;
    return NS_OK;
}

static int32_t engineTensorCount(NsEngine const* engine) { return engine ? 2 : 0; }

static NsStatus engineTensor(NsEngine const* engine, int32_t index, NsTensor* tensor) {
    if (!engine) return NS_BAD_OPTION;
    return *tensor = (NsTensor){index == 0 ? "x" : "y", index == 0, 5, 2, {2, 3}}, NS_OK;
}

static int64_t engineDeviceBytes(NsEngine const* engine) { return engine ? 1000 : 0; }

static NsStatus engineInspect(NsEngine const* engine, NsBytes* json) { return *json = bytesOf("{}"), engine ? NS_OK : NS_NOT_CREATED; }

static NsStatus engineBind(NsEngine* engine, char const* tensor, void* address) {
    if (*tensor == 'x') engine->input = address;
    else engine->output = address;
    return NS_OK;
}

static NsStatus engineEnqueue(NsEngine* engine, void* stream) { return memcpy(engine->output, engine->input, 6), stream ? NS_OK : NS_NOT_RUN; }

static void engineClose(NsEngine* engine) { engines--, free(engine); }

NsShim const* nightshift_tensorrt_shim(void) {
    static NsShim const shim = {NS_SHIM_ABI, 110400, release, build, engineOpen, engineRefit, engineTensorCount, engineTensor, engineDeviceBytes, engineInspect, engineBind, engineEnqueue, engineClose};
    return &shim;
}

// TensorRT behind the C table of shim.h. Written for 10.x and 11.x alike; compiled once against the headers of each.
#include "shim.h"

#include <NvInfer.h>
#include <NvOnnxParser.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

static_assert(NV_TENSORRT_MAJOR >= 10, "Nightshift's shim is for TensorRT 10 and later");
static_assert(nvinfer1::Dims::MAX_DIMS <= NS_MOST_DIMENSIONS, "NsTensor holds every shape of TensorRT");

constexpr int32_t headerVersion = NV_TENSORRT_MAJOR * 10000 + NV_TENSORRT_MINOR * 100 + NV_TENSORRT_PATCH;

/**
 * TensorRT keeps the first logger that it is given for as long as the process lives, whatever it was given for, so there is one and it
 * is never freed.
 */
class Logger final : public nvinfer1::ILogger {
public:
    /** `write` is the same in every call. */
    static nvinfer1::ILogger& of(NsLog write) {
        static Logger* const logger = new Logger(write);
        return *logger;
    }

    void log(Severity severity, char const* message) noexcept override {
        if (severity != Severity::kVERBOSE && mWrite) mWrite(static_cast<int32_t>(severity), message);
    }

private:
    explicit Logger(NsLog write) : mWrite(write) {}

    NsLog const mWrite;
};

/** TensorRT calls it from several threads at once; whoever is told keeps them apart. */
class Progress final : public nvinfer1::IProgressMonitor {
public:
    Progress(NsProgress tell, void* context) : mTell(tell), mContext(context) {}

    void phaseStart(char const* phase, char const* parent, int32_t steps) noexcept override {
        mTell(mContext, NS_PHASE_STARTS, phase, parent, steps);
    }
    bool stepComplete(char const* phase, int32_t step) noexcept override { return mTell(mContext, NS_STEP_DONE, phase, nullptr, step) != 0; }
    void phaseFinish(char const* phase) noexcept override { mTell(mContext, NS_PHASE_ENDS, phase, nullptr, 0); }

private:
    NsProgress mTell;
    void* mContext;
};

template <typename T>
std::unique_ptr<T> owned(void* made) {
    return std::unique_ptr<T>(static_cast<T*>(made));
}

NsStatus copied(void const* data, size_t size, NsBytes* bytes) {
    bytes->data = static_cast<uint8_t*>(std::malloc(size > 0 ? size : 1));
    bytes->size = size;
    if (!bytes->data) return NS_NO_MEMORY;
    std::memcpy(bytes->data, data, size);
    return NS_OK;
}

void release(NsBytes bytes) { std::free(bytes.data); }

/** What the parser says of the model goes where everything else does. */
template <typename P>
void logErrors(P const& parser, NsLog log) {
    for (int32_t at = 0; at < parser.getNbErrors(); at++) {
        auto const* error = parser.getError(at);
        std::string const said = std::string("ONNX: ") + error->desc() + " (node " + std::to_string(error->node()) + ")";
        log(1, said.c_str());
    }
}

/** TensorRT keeps silent about accelerators that are not there, and takes something else. `has`: a builder or a runtime. */
template <typename T>
bool hasDlaCore(T const& has, int32_t core, NsLog log) {
    if (core < has.getNbDLACores()) return true;
    std::string const said = "DLA core " + std::to_string(core) + " was asked for, of " + std::to_string(has.getNbDLACores());
    log(1, said.c_str());
    return false;
}

bool configure(nvinfer1::IBuilder const& builder, nvinfer1::IBuilderConfig& config, NsBuildOptions const& options, NsLog log) {
    if (options.workspaceBytes > 0) config.setMemoryPoolLimit(nvinfer1::MemoryPoolType::kWORKSPACE, static_cast<size_t>(options.workspaceBytes));
    if (options.refittable) config.setFlag(nvinfer1::BuilderFlag::kREFIT);
    if (options.optimizationLevel >= 0) config.setBuilderOptimizationLevel(options.optimizationLevel);
    config.setProfilingVerbosity(nvinfer1::ProfilingVerbosity::kDETAILED);
    if (options.dlaCore < 0) return true;
    if (!hasDlaCore(builder, options.dlaCore, log)) return false;
    config.setDefaultDeviceType(nvinfer1::DeviceType::kDLA);
    config.setDLACore(options.dlaCore);
    if (options.gpuFallback) config.setFlag(nvinfer1::BuilderFlag::kGPU_FALLBACK);
    return true;
}

nvinfer1::NetworkDefinitionCreationFlags networkFlags() {
#if NV_TENSORRT_MAJOR >= 11
    return 0; // Every network is strongly typed.
#else
    return 1U << static_cast<uint32_t>(nvinfer1::NetworkDefinitionCreationFlag::kSTRONGLY_TYPED);
#endif
}

NsStatus build(NsEntries const* entries, NsLog log, NsProgress tell, void* context, uint8_t const* onnx, size_t onnxSize,
    NsBuildOptions const* options, NsBytes* plan, NsBytes* timingCache) {
    nvinfer1::ILogger& logger = Logger::of(log);
    // These two first, as they must outlive the builder.
    Progress progress(tell, context);
    std::unique_ptr<nvinfer1::ITimingCache> cache;
    auto builder = owned<nvinfer1::IBuilder>(entries->builder(&logger, NV_TENSORRT_VERSION));
    if (!builder) return NS_NOT_CREATED;
    std::unique_ptr<nvinfer1::INetworkDefinition> network(builder->createNetworkV2(networkFlags()));
    std::unique_ptr<nvinfer1::IBuilderConfig> config(builder->createBuilderConfig());
    if (!network || !config) return NS_NOT_CREATED;
    auto parser = owned<nvonnxparser::IParser>(entries->parser(network.get(), &logger, NV_ONNX_PARSER_VERSION));
    if (!parser) return NS_NOT_CREATED;
    if (!parser->parse(onnx, onnxSize)) {
        logErrors(*parser, log);
        return NS_NOT_PARSED;
    }
    if (!configure(*builder, *config, *options, log)) return NS_BAD_OPTION;
    cache.reset(config->createTimingCache(options->timingCache, options->timingCacheSize));
    if (!cache || !config->setTimingCache(*cache, false)) {
        // Of another device or version: measured anew.
        cache.reset(config->createTimingCache(nullptr, 0));
        if (cache) config->setTimingCache(*cache, false);
    }
    config->setProgressMonitor(&progress);
    std::unique_ptr<nvinfer1::IHostMemory> made(builder->buildSerializedNetwork(*network, *config));
    if (!made) return NS_NOT_BUILT;
    NsStatus status = copied(made->data(), made->size(), plan);
    if (status != NS_OK || !cache) return status;
    std::unique_ptr<nvinfer1::IHostMemory> measured(cache->serialize());
    return measured ? copied(measured->data(), measured->size(), timingCache) : NS_OK;
}

} // namespace

struct NsEngine {
    std::unique_ptr<nvinfer1::IRuntime> runtime;
    std::unique_ptr<nvinfer1::ICudaEngine> engine;
    // Made with the first run: an engine that is refitted has none yet. Members go in reverse, each before what it stands on.
    std::unique_ptr<nvinfer1::IExecutionContext> context;
};

namespace {

NsStatus engineOpen(NsEntries const* entries, NsLog log, uint8_t const* plan, size_t planSize, int32_t dlaCore, NsEngine** out) {
    auto made = std::unique_ptr<NsEngine>(new (std::nothrow) NsEngine());
    if (!made) return NS_NO_MEMORY;
    made->runtime = owned<nvinfer1::IRuntime>(entries->runtime(&Logger::of(log), NV_TENSORRT_VERSION));
    if (!made->runtime) return NS_NOT_CREATED;
    if (dlaCore >= 0) {
        if (!hasDlaCore(*made->runtime, dlaCore, log)) return NS_BAD_OPTION;
        // The plan does not say for which core it was built: unless told, it would run on the first.
        made->runtime->setDLACore(dlaCore);
    }
    made->engine.reset(made->runtime->deserializeCudaEngine(plan, planSize));
    if (!made->engine) return NS_NOT_DESERIALIZED;
    *out = made.release();
    return NS_OK;
}

void appendLine(std::string& lines, char const* name) {
    lines += name;
    lines += '\n';
}

/** Weights that the refitter was given nothing for keep their old values, which nobody would notice. */
std::string unsetWeights(nvinfer1::IRefitter& refitter) {
    std::string unset;
    std::vector<char const*> names(static_cast<size_t>(refitter.getAllWeights(0, nullptr)));
    refitter.getAllWeights(static_cast<int32_t>(names.size()), names.data());
    for (char const* name : names)
        if (!refitter.getNamedWeights(name).values) appendLine(unset, name);
    if (!unset.empty()) return unset;
    names.resize(static_cast<size_t>(refitter.getMissingWeights(0, nullptr)));
    refitter.getMissingWeights(static_cast<int32_t>(names.size()), names.data());
    for (char const* name : names) appendLine(unset, name);
    return unset;
}

NsStatus engineRefit(NsEntries const* entries, NsLog log, NsEngine* engine, uint8_t const* onnx, size_t onnxSize, NsBytes* unset) {
    nvinfer1::ILogger& logger = Logger::of(log);
    if (!engine->engine->isRefittable()) {
        log(1, "The engine was not built to be refitted.");
        return NS_NOT_REFITTED;
    }
    // The new weights point into what the parser holds, so both live until the engine has them.
    auto refitter = owned<nvinfer1::IRefitter>(entries->refitter(engine->engine.get(), &logger, NV_TENSORRT_VERSION));
    if (!refitter) return NS_NOT_CREATED;
    auto parser = owned<nvonnxparser::IParserRefitter>(entries->parserRefitter(refitter.get(), &logger, NV_ONNX_PARSER_VERSION));
    if (!parser) return NS_NOT_CREATED;
    if (!parser->refitFromBytes(onnx, onnxSize)) {
        logErrors(*parser, log);
        return NS_NOT_PARSED;
    }
    std::string const names = unsetWeights(*refitter);
    if (!names.empty()) {
        NsStatus const status = copied(names.data(), names.size(), unset);
        return status == NS_OK ? NS_WEIGHTS_UNSET : status;
    }
    return refitter->refitCudaEngine() ? NS_OK : NS_NOT_REFITTED;
}

int32_t engineTensorCount(NsEngine const* engine) { return engine->engine->getNbIOTensors(); }

NsStatus engineTensor(NsEngine const* engine, int32_t index, NsTensor* tensor) {
    char const* name = engine->engine->getIOTensorName(index);
    if (!name) return NS_BAD_OPTION;
    auto const shape = engine->engine->getTensorShape(name);
    tensor->name = name;
    tensor->isInput = engine->engine->getTensorIOMode(name) == nvinfer1::TensorIOMode::kINPUT;
    tensor->dataType = static_cast<int32_t>(engine->engine->getTensorDataType(name));
    tensor->rank = shape.nbDims;
    for (int32_t at = 0; at < shape.nbDims; at++) tensor->shape[at] = shape.d[at];
    return NS_OK;
}

int64_t engineDeviceBytes(NsEngine const* engine) { return engine->engine->getDeviceMemorySizeV2(); }

NsStatus engineInspect(NsEngine const* engine, NsBytes* json) {
    std::unique_ptr<nvinfer1::IEngineInspector> inspector(engine->engine->createEngineInspector());
    if (!inspector) return NS_NOT_CREATED;
    char const* text = inspector->getEngineInformation(nvinfer1::LayerInformationFormat::kJSON);
    return text ? copied(text, std::strlen(text), json) : NS_NOT_CREATED;
}

bool hasContext(NsEngine* engine) {
    if (!engine->context) engine->context.reset(engine->engine->createExecutionContext());
    return engine->context != nullptr;
}

NsStatus engineBind(NsEngine* engine, char const* tensor, void* devicePointer) {
    if (!hasContext(engine)) return NS_NOT_CREATED;
    return engine->context->setTensorAddress(tensor, devicePointer) ? NS_OK : NS_NOT_RUN;
}

NsStatus engineEnqueue(NsEngine* engine, void* stream) {
    if (!hasContext(engine)) return NS_NOT_CREATED;
    return engine->context->enqueueV3(static_cast<cudaStream_t>(stream)) ? NS_OK : NS_NOT_RUN;
}

void engineClose(NsEngine* engine) { delete engine; }

/** No exception leaves the shim; there are none but of memory that ran out. */
template <auto function, typename... Arguments>
NsStatus guarded(Arguments... arguments) noexcept {
    try {
        return function(arguments...);
    } catch (...) {
        return NS_NO_MEMORY;
    }
}

} // namespace

extern "C" __attribute__((visibility("default"))) NsShim const* nightshift_tensorrt_shim(void) {
    static constexpr NsShim shim{NS_SHIM_ABI, headerVersion, release, guarded<build>, guarded<engineOpen>, guarded<engineRefit>, engineTensorCount,
        guarded<engineTensor>, engineDeviceBytes, guarded<engineInspect>, guarded<engineBind>, guarded<engineEnqueue>, engineClose};
    return &shim;
}

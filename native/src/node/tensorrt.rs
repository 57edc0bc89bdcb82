use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use napi::bindgen_prelude::{AsyncTask, Env, Task, Uint8Array};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode, UnknownReturnValue};
use napi::{Result, Status};
use napi_derive::napi;

use super::error::guarded;
use crate::cuda::Cuda;
use crate::fault::{Code, Fault};
use crate::tensorrt::{Build, Built, Engine, Progress, TensorInfo};

#[napi(object)]
pub struct CudaDevice {
    pub name: String,
    /// For example `8.7`.
    pub compute_capability: String,
    /// How many of them, which may differ where name and compute capability are the same.
    pub multiprocessors: i32,
    pub memory_bytes: f64,
    /// Newest CUDA that the driver knows, for example `12.6`.
    pub cuda: String,
}

/// The machine's GPUs. Throws `E_GPU` where there is no driver or no device.
#[napi(catch_unwind)]
pub fn cuda_devices() -> Result<Vec<CudaDevice>> {
    let devices = guarded(Cuda::devices)?;
    Ok(devices
        .into_iter()
        .map(|device| CudaDevice {
            name: device.name,
            compute_capability: device.compute_capability,
            multiprocessors: device.multiprocessors,
            memory_bytes: device.memory_bytes as f64,
            cuda: device.cuda,
        })
        .collect())
}

#[napi(object)]
pub struct BuildOptions {
    /// Scratch memory on the device; as much as there is unless told otherwise.
    pub workspace_bytes: Option<f64>,
    /// A deep learning accelerator instead of the GPU.
    pub dla_core: Option<i32>,
    /// Whether layers that the accelerator cannot run may go to the GPU.
    pub gpu_fallback: Option<bool>,
    /// Whether the engine's weights can be exchanged later.
    pub refittable: Option<bool>,
    /// 0 to 5.
    pub optimization_level: Option<i32>,
    /// What an earlier build measured.
    pub timing_cache: Option<Uint8Array>,
}

impl From<BuildOptions> for Build {
    fn from(options: BuildOptions) -> Self {
        Self {
            workspace_bytes: options.workspace_bytes.unwrap_or(0.0) as u64,
            dla_core: options.dla_core,
            gpu_fallback: options.gpu_fallback.unwrap_or(false),
            refittable: options.refittable.unwrap_or(false),
            optimization_level: options.optimization_level,
            timing_cache: options.timing_cache.map(|cache| cache.to_vec()).unwrap_or_default(),
        }
    }
}

#[napi(object)]
pub struct BuildProgress {
    /// What TensorRT calls what it does.
    pub phase: String,
    /// 0 to 1.
    pub share: f64,
    /// At the pace so far.
    pub seconds_left: Option<f64>,
}

#[napi(object)]
pub struct BuiltEngine {
    pub plan: Uint8Array,
    pub timing_cache: Uint8Array,
}

#[napi(object)]
pub struct EngineTensor {
    pub name: String,
    pub is_input: bool,
    pub dtype: String,
    pub shape: Vec<i64>,
    pub bytes: f64,
}

impl From<&TensorInfo> for EngineTensor {
    fn from(info: &TensorInfo) -> Self {
        Self {
            name: info.name.clone(),
            is_input: info.is_input,
            dtype: info.dtype.to_owned(),
            shape: info.shape.clone(),
            bytes: info.bytes as f64,
        }
    }
}

#[napi(object)]
pub struct EngineOutput {
    pub name: String,
    pub data: Uint8Array,
}

/// Asks a build to stop, which it does with its next step.
#[napi]
pub struct Cancellation(Arc<AtomicBool>);

#[napi]
impl Cancellation {
    #[napi(constructor)]
    pub fn new() -> Self {
        Self(Arc::default())
    }

    #[napi]
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Default for Cancellation {
    fn default() -> Self {
        Self::new()
    }
}

type OnProgress = ThreadsafeFunction<BuildProgress, UnknownReturnValue, BuildProgress, Status, false>;

/// TensorRT's libraries, loaded.
#[napi]
pub struct TensorRt(Arc<crate::tensorrt::TensorRt>);

#[napi]
impl TensorRt {
    /// `folder`: of TensorRT's libraries, the system's own search where there is none. `shims`: of Nightshift's shims.
    /// Throws `E_TENSORRT_MISSING`, `E_TENSORRT_VERSION`.
    #[napi(factory, catch_unwind)]
    pub fn load(folder: Option<String>, shims: String) -> Result<Self> {
        let loaded = guarded(|| crate::tensorrt::TensorRt::load(folder.as_deref().map(Path::new), Path::new(&shims)))?;
        Ok(Self(Arc::new(loaded)))
    }

    /// Of the library, for example `11.2.1`.
    #[napi(getter)]
    pub fn version(&self) -> String {
        self.0.version.to_string()
    }

    /// Of the headers that the shim was built with.
    #[napi(getter)]
    pub fn headers(&self) -> String {
        self.0.headers.to_string()
    }

    /// Of `libnvinfer`.
    #[napi(getter)]
    pub fn path(&self) -> String {
        self.0.path.display().to_string()
    }

    /// Builds an engine for the first device. The ONNX model must not change meanwhile.
    /// Throws `E_GPU`, `E_TENSORRT`, `E_CANCELLED`.
    #[napi(ts_return_type = "Promise<BuiltEngine>")]
    pub fn build(
        &self,
        onnx: Uint8Array,
        options: BuildOptions,
        #[napi(ts_arg_type = "(progress: BuildProgress) => void")] on_progress: OnProgress,
        cancellation: &Cancellation,
    ) -> AsyncTask<BuildTask> {
        AsyncTask::new(BuildTask { tensor_rt: self.0.clone(), onnx, build: options.into(), on_progress, cancelled: cancellation.0.clone() })
    }

    /// Puts a built engine onto the device; with `onnx`, a model of the same graph, with the weights of that, which the engine must
    /// have been built for. It is an engine of its own in any case. One for an accelerator is told which. Throws `E_GPU`, `E_TENSORRT`.
    #[napi(ts_return_type = "Promise<TensorRtEngine>")]
    pub fn open(&self, plan: Uint8Array, onnx: Option<Uint8Array>, dla_core: Option<i32>) -> AsyncTask<OpenTask> {
        AsyncTask::new(OpenTask { tensor_rt: self.0.clone(), plan, onnx, dla_core })
    }
}

pub struct BuildTask {
    tensor_rt: Arc<crate::tensorrt::TensorRt>,
    onnx: Uint8Array,
    build: Build,
    on_progress: OnProgress,
    cancelled: Arc<AtomicBool>,
}

impl Task for BuildTask {
    type Output = Built;
    type JsValue = BuiltEngine;

    fn compute(&mut self) -> Result<Built> {
        let mut watch = |progress: &Progress, left: Option<Duration>| {
            let told = BuildProgress {
                phase: progress.phase().to_owned(),
                share: progress.share(),
                seconds_left: left.map(|left| left.as_secs_f64()),
            };
            // Where Node is ending nobody listens any more.
            self.on_progress.call(told, ThreadsafeFunctionCallMode::NonBlocking);
            !self.cancelled.load(Ordering::Relaxed)
        };
        guarded(|| self.tensor_rt.build(&self.onnx, &self.build, &mut watch))
    }

    fn resolve(&mut self, _: Env, built: Built) -> Result<BuiltEngine> {
        Ok(BuiltEngine { plan: built.plan.into(), timing_cache: built.timing_cache.into() })
    }
}

pub struct OpenTask {
    tensor_rt: Arc<crate::tensorrt::TensorRt>,
    plan: Uint8Array,
    onnx: Option<Uint8Array>,
    dla_core: Option<i32>,
}

impl Task for OpenTask {
    type Output = Engine;
    type JsValue = TensorRtEngine;

    fn compute(&mut self) -> Result<Engine> {
        guarded(|| Engine::open(self.tensor_rt.clone(), &self.plan, self.dla_core, self.onnx.as_deref()))
    }

    fn resolve(&mut self, _: Env, engine: Engine) -> Result<TensorRtEngine> {
        Ok(TensorRtEngine {
            tensors: engine.tensors().cloned().collect(),
            device_bytes: engine.device_bytes(),
            engine: Arc::new(Mutex::new(Some(engine))),
        })
    }
}

type Shared = Arc<Mutex<Option<Engine>>>;

fn with_engine<T>(engine: &Shared, work: impl FnOnce(&mut Engine) -> crate::fault::Outcome<T>) -> Result<T> {
    guarded(|| match engine.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(engine) => work(engine),
        None => Err(Fault::new(Code::Closed, "an open engine", "a closed one", "Open another engine.")),
    })
}

/// An engine on the device. Runs take turns.
#[napi]
pub struct TensorRtEngine {
    tensors: Vec<TensorInfo>,
    device_bytes: u64,
    engine: Shared,
}

#[napi]
impl TensorRtEngine {
    /// Inputs and outputs.
    #[napi(getter)]
    pub fn tensors(&self) -> Vec<EngineTensor> {
        self.tensors.iter().map(EngineTensor::from).collect()
    }

    /// Bytes on the device besides the weights.
    #[napi(getter)]
    pub fn device_bytes(&self) -> f64 {
        self.device_bytes as f64
    }

    /// What TensorRT made of every layer, as JSON. Throws `E_CLOSED`, `E_TENSORRT`.
    #[napi(catch_unwind)]
    pub fn inspect(&self) -> Result<String> {
        with_engine(&self.engine, |engine| engine.inspect())
    }

    /// Runs once. The inputs' bytes must not change meanwhile. Throws `E_CLOSED`, `E_GPU`, `E_TENSORRT`.
    #[napi(ts_return_type = "Promise<Array<EngineOutput>>")]
    pub fn run(&self, inputs: HashMap<String, Uint8Array>) -> AsyncTask<RunTask> {
        AsyncTask::new(RunTask { engine: self.engine.clone(), inputs })
    }

    /// Frees the engine once its runs have ended.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close(&self) -> AsyncTask<CloseTask> {
        AsyncTask::new(CloseTask { engine: self.engine.clone() })
    }
}

pub struct RunTask {
    engine: Shared,
    inputs: HashMap<String, Uint8Array>,
}

impl Task for RunTask {
    type Output = Vec<(String, Vec<u8>)>;
    type JsValue = Vec<EngineOutput>;

    fn compute(&mut self) -> Result<Self::Output> {
        let inputs = self.inputs.iter().map(|(name, data)| (name.clone(), data.as_ref())).collect();
        with_engine(&self.engine, |engine| engine.run(&inputs))
    }

    fn resolve(&mut self, _: Env, outputs: Self::Output) -> Result<Vec<EngineOutput>> {
        Ok(outputs.into_iter().map(|(name, data)| EngineOutput { name, data: data.into() }).collect())
    }
}

pub struct CloseTask {
    engine: Shared,
}

impl Task for CloseTask {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> Result<()> {
        guarded(|| {
            drop(self.engine.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        })
    }

    fn resolve(&mut self, _: Env, (): ()) -> Result<()> {
        Ok(())
    }
}

use std::path::Path;
use std::sync::Arc;

use napi::Result;
use napi::bindgen_prelude::{AsyncTask, Env, Task, Uint8Array};
use napi_derive::napi;

use super::error::guarded;
use crate::fault::Outcome;
use crate::onnxruntime::{HostTensor, OwnedTensor, Provider, Session, Settings, Steps, Thread};

/// A tensor by its name, with the bytes of its numbers.
#[napi(object)]
pub struct OnnxTensor {
    pub name: String,
    pub dtype: String,
    pub shape: Vec<i64>,
    pub data: Uint8Array,
}

impl From<OwnedTensor> for OnnxTensor {
    fn from(OwnedTensor { name, dtype, shape, data }: OwnedTensor) -> Self {
        Self { name, dtype: dtype.to_owned(), shape, data: data.into() }
    }
}

fn on_host(tensors: &[OnnxTensor]) -> Outcome<Vec<HostTensor<'_>>> {
    tensors.iter().map(|tensor| HostTensor::new(&tensor.name, &tensor.dtype, &tensor.shape, &tensor.data)).collect()
}

/// See `SessionOptions` of `sdk/engine/onnxruntime.ts`.
#[napi(object)]
pub struct OnnxOptions {
    pub threads: u32,
    pub spinning: bool,
    pub memory_pattern: bool,
    pub arena: bool,
    pub provider: String,
}

impl OnnxOptions {
    fn settings(&self) -> Outcome<Settings> {
        let Self { threads, spinning, memory_pattern, arena, ref provider } = *self;
        Ok(Settings { threads: threads as usize, spinning, memory_pattern, arena, provider: Provider::of(provider)? })
    }
}

/// ONNX Runtime's library, loaded.
#[napi]
pub struct OnnxRuntime(Arc<crate::onnxruntime::OnnxRuntime>);

#[napi]
impl OnnxRuntime {
    /// `path`: of the library. Throws `E_ONNXRUNTIME`, also where another one is loaded already.
    #[napi(factory, catch_unwind)]
    pub fn load(path: String) -> Result<Self> {
        guarded(|| crate::onnxruntime::OnnxRuntime::load(Path::new(&path))).map(Self)
    }

    /// For example `1.30.0`.
    #[napi(getter)]
    pub fn version(&self) -> String {
        self.0.version.clone()
    }

    #[napi(getter)]
    pub fn path(&self) -> String {
        self.0.path.display().to_string()
    }

    /// Throws `E_PROVIDER` unless models can run on this execution provider.
    #[napi(catch_unwind)]
    pub fn check_provider(&self, provider: String) -> Result<()> {
        guarded(|| self.0.check(Provider::of(&provider)?))
    }

    /// The ONNX model must not change meanwhile. Throws `E_PROVIDER`, `E_ENGINE`.
    #[napi(ts_return_type = "Promise<OnnxModel>")]
    pub fn open(&self, model: Uint8Array, options: OnnxOptions) -> AsyncTask<OpenTask> {
        AsyncTask::new(OpenTask { runtime: self.0.clone(), model: Arc::new(model), options })
    }

    /// A model that hands on a state: for every tensor of it there is an input of that name, and an output of that name after `prefix`.
    /// Neither model nor state must change meanwhile. Throws `E_PROVIDER`, `E_ENGINE`, `E_GPU`.
    #[napi(ts_return_type = "Promise<OnnxSteps>")]
    pub fn open_steps(&self, model: Uint8Array, options: OnnxOptions, state: Vec<OnnxTensor>, prefix: String) -> AsyncTask<OpenStepsTask> {
        AsyncTask::new(OpenStepsTask { runtime: self.0.clone(), model: Arc::new(model), options, state: Arc::new(state), prefix })
    }
}

pub struct OpenTask {
    runtime: Arc<crate::onnxruntime::OnnxRuntime>,
    model: Arc<Uint8Array>,
    options: OnnxOptions,
}

impl Task for OpenTask {
    type Output = Thread<Session>;
    type JsValue = OnnxModel;

    fn compute(&mut self) -> Result<Thread<Session>> {
        let (runtime, model) = (self.runtime.clone(), self.model.clone());
        guarded(|| {
            let settings = self.options.settings()?;
            Thread::with(move || Session::open(&runtime, &model, settings))
        })
    }

    fn resolve(&mut self, _: Env, thread: Thread<Session>) -> Result<OnnxModel> {
        Ok(OnnxModel(Arc::new(thread)))
    }
}

pub struct OpenStepsTask {
    runtime: Arc<crate::onnxruntime::OnnxRuntime>,
    model: Arc<Uint8Array>,
    options: OnnxOptions,
    state: Arc<Vec<OnnxTensor>>,
    prefix: String,
}

impl Task for OpenStepsTask {
    type Output = Thread<Steps>;
    type JsValue = OnnxSteps;

    fn compute(&mut self) -> Result<Thread<Steps>> {
        let (runtime, model, state, prefix) = (self.runtime.clone(), self.model.clone(), self.state.clone(), self.prefix.clone());
        guarded(|| {
            let settings = self.options.settings()?;
            Thread::with(move || Steps::open(&runtime, &model, settings, &on_host(&state)?, &prefix))
        })
    }

    fn resolve(&mut self, _: Env, thread: Thread<Steps>) -> Result<OnnxSteps> {
        Ok(OnnxSteps(Arc::new(thread)))
    }
}

/// A model that can be run. Runs take turns.
#[napi]
pub struct OnnxModel(Arc<Thread<Session>>);

#[napi]
impl OnnxModel {
    /// Runs once. The inputs' bytes are read where they are and must not change meanwhile. Throws `E_CLOSED`, `E_ENGINE`.
    #[napi(ts_return_type = "Promise<Array<OnnxTensor>>")]
    pub fn run(&self, inputs: Vec<OnnxTensor>) -> AsyncTask<AnswerTask<Session>> {
        AnswerTask::of(&self.0, inputs, Session::run)
    }

    /// Frees the model once its runs have ended.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close(&self) -> AsyncTask<CloseTask<Session>> {
        AsyncTask::new(CloseTask(self.0.clone()))
    }
}

/// A model whose state stays in the provider's memory from one step to the next.
#[napi]
pub struct OnnxSteps(Arc<Thread<Steps>>);

#[napi]
impl OnnxSteps {
    /// Goes from the present state to the next, which is written in its place; answers with the outputs that are no state. The inputs'
    /// bytes are read where they are and must not change meanwhile. Throws `E_CLOSED`, `E_ENGINE`.
    #[napi(ts_return_type = "Promise<Array<OnnxTensor>>")]
    pub fn step(&self, inputs: Vec<OnnxTensor>) -> AsyncTask<AnswerTask<Steps>> {
        AnswerTask::of(&self.0, inputs, Steps::step)
    }

    /// A copy of a tensor of the present state. Throws `E_CLOSED`, `E_ENGINE`, `E_GPU`.
    #[napi(catch_unwind)]
    pub fn read(&self, name: String) -> Result<Uint8Array> {
        guarded(|| self.0.call(move |steps| steps.read(&name))).map(Uint8Array::from)
    }

    /// Replaces a tensor of the present state. Throws `E_CLOSED`, `E_ENGINE`, `E_GPU`.
    #[napi(catch_unwind)]
    pub fn write(&self, name: String, data: &[u8]) -> Result<()> {
        let data = data.to_vec();
        guarded(|| self.0.call(move |steps| steps.write(&name, &data)))
    }

    /// Frees the model and its state once its steps have ended.
    #[napi(ts_return_type = "Promise<void>")]
    pub fn close(&self) -> AsyncTask<CloseTask<Steps>> {
        AsyncTask::new(CloseTask(self.0.clone()))
    }
}

/// Answers with what a session's thread makes of inputs.
pub struct AnswerTask<T> {
    thread: Arc<Thread<T>>,
    inputs: Arc<Vec<OnnxTensor>>,
    answer: Answer<T>,
}

type Answer<T> = fn(&mut T, &[HostTensor]) -> Outcome<Vec<OwnedTensor>>;

impl<T: 'static> AnswerTask<T> {
    fn of(thread: &Arc<Thread<T>>, inputs: Vec<OnnxTensor>, answer: Answer<T>) -> AsyncTask<Self> {
        AsyncTask::new(Self { thread: thread.clone(), inputs: Arc::new(inputs), answer })
    }
}

impl<T: 'static> Task for AnswerTask<T> {
    type Output = Vec<OwnedTensor>;
    type JsValue = Vec<OnnxTensor>;

    fn compute(&mut self) -> Result<Self::Output> {
        let (inputs, answer) = (self.inputs.clone(), self.answer);
        guarded(|| self.thread.call(move |held| answer(held, &on_host(&inputs)?)))
    }

    fn resolve(&mut self, _: Env, outputs: Self::Output) -> Result<Vec<OnnxTensor>> {
        Ok(outputs.into_iter().map(OnnxTensor::from).collect())
    }
}

pub struct CloseTask<T>(Arc<Thread<T>>);

impl<T: 'static> Task for CloseTask<T> {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> Result<()> {
        guarded(|| self.0.close())
    }

    fn resolve(&mut self, _: Env, (): ()) -> Result<()> {
        Ok(())
    }
}

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Codes of `sdk/errors.ts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    Cancelled,
    Closed,
    Engine,
    FrameSize,
    Gpu,
    Internal,
    OnnxRuntime,
    Provider,
    TensorRt,
    TensorRtMissing,
    TensorRtVersion,
}

impl Code {
    pub fn name(self) -> &'static str {
        match self {
            Code::Cancelled => "E_CANCELLED",
            Code::Closed => "E_CLOSED",
            Code::Engine => "E_ENGINE",
            Code::FrameSize => "E_FRAME_SIZE",
            Code::Gpu => "E_GPU",
            Code::Internal => "E_INTERNAL",
            Code::OnnxRuntime => "E_ONNXRUNTIME",
            Code::Provider => "E_PROVIDER",
            Code::TensorRt => "E_TENSORRT",
            Code::TensorRtMissing => "E_TENSORRT_MISSING",
            Code::TensorRtVersion => "E_TENSORRT_VERSION",
        }
    }
}

/// What a `NightshiftError` is made of on the other side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    pub expected: String,
    pub received: String,
    pub remedy: String,
}

impl Fault {
    pub fn new(code: Code, expected: impl Into<String>, received: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, expected: expected.into(), received: received.into(), remedy: remedy.into() }
    }
}

pub type Outcome<T> = Result<T, Fault>;

/// What an error says, with the causes that it keeps to itself.
pub fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// For work on other threads, where a panic would end the process: it becomes a fault.
pub fn caught<T>(work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(Fault::new(Code::Internal, "no panic in the native module", said.unwrap_or("a panic"), "Report this: it is a fault."))
    })
}

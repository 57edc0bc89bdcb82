//! ONNX Runtime, loaded at run time, through the crate `ort`.

mod denormals;
mod library;
mod provider;
mod session;
mod steps;
mod tensor;
mod thread;

pub use library::OnnxRuntime;
pub use provider::Provider;
pub use session::{Session, Settings};
pub use steps::Steps;
pub use tensor::{HostTensor, OwnedTensor};
pub use thread::Thread;

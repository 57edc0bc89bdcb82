//! TensorRT, loaded at run time.

mod build;
mod engine;
mod library;
mod log;
mod progress;
mod shim;
mod version;

pub use build::{Build, Built};
pub use engine::{Engine, TensorInfo};
pub use library::TensorRt;
pub use progress::Progress;

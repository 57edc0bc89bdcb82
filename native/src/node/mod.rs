//! The skin: what Node sees. It turns arguments into those of the work, and faults into errors.

mod error;
mod frame;
mod onnxruntime;
mod tensorrt;

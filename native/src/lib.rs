//! What Nightshift does outside JavaScript. The folders hold the work itself, which knows nothing of Node; `node` is the skin over it.

mod cuda;
mod elf;
mod fault;
mod frame;
// Of the tests nobody calls it: Node does.
#[cfg_attr(test, allow(dead_code))]
mod node;
#[cfg_attr(test, allow(dead_code))]
mod onnxruntime;
mod tensorrt;

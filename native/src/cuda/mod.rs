//! The little of CUDA that runs engines: the driver's own interface, which every machine with an NVIDIA GPU has and which never changes
//! its functions, looked up at run time.

#[cfg(test)]
mod double;
mod driver;
mod memory;

pub use driver::Cuda;
pub use memory::{Device, Slot};

pub const REMEDY: &str = "Install NVIDIA's driver and see that nvidia-smi (on a Jetson: nvidia-smi or tegrastats) finds the GPU; in a container, run it with --gpus all (on a Jetson: --runtime nvidia).";

/// What a number of CUDA's means, for those that tell of a machine without a device.
pub fn error_text(number: i32) -> String {
    let meaning = match number {
        3 => "CUDA cannot be initialised",
        35 => "no CUDA driver, or one that is too old",
        100 => "no CUDA device",
        101 => "a CUDA device that cannot be used",
        803 => "a driver that does not fit its libraries",
        804 => "a driver without support for this GPU's forward compatibility",
        999 => "an unknown error of CUDA",
        _ => "a failure of CUDA",
    };
    format!("{meaning} (CUDA error {number})")
}

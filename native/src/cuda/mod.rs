//! The little of CUDA that runs engines: the driver's own interface, which every machine with an NVIDIA GPU has and which never changes
//! its functions, looked up at run time.

#[cfg(test)]
mod double;
mod driver;
mod memory;

use crate::fault::{Code, Fault};

pub use driver::Cuda;
pub use memory::{Device, Slot};

const NO_DRIVER: &str = "Install NVIDIA's driver and see that nvidia-smi (on a Jetson: nvidia-smi or tegrastats) finds the GPU; in a container, run it with --gpus all (on a Jetson: --runtime nvidia).";

/// What a number of CUDA's means, and what to do.
pub fn fault(number: i32, expected: &str) -> Fault {
    let (meaning, remedy) = match number {
        2 => ("no memory left on the device", "End what else uses the GPU's memory."),
        3 => ("CUDA cannot be initialised", NO_DRIVER),
        35 => ("no CUDA driver, or one that is too old", NO_DRIVER),
        100 => ("no CUDA device", NO_DRIVER),
        101 => ("a CUDA device that cannot be used", NO_DRIVER),
        803 => ("a driver that does not fit its libraries", NO_DRIVER),
        804 => ("a driver without support for this GPU's forward compatibility", NO_DRIVER),
        999 => ("an unknown error of CUDA", NO_DRIVER),
        _ => ("a failure of CUDA", "Start the program again; where it comes back, see what the kernel says of the GPU (dmesg)."),
    };
    Fault::new(Code::Gpu, expected, format!("{meaning} (CUDA error {number})"), remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missing_device_is_blamed_on_its_driver() {
        let remedy = |number| fault(number, "a device").remedy;
        assert!(remedy(35).contains("driver") && remedy(100).contains("driver"));
        assert!(remedy(2).contains("memory"));
        assert!(!remedy(700).contains("driver"));
        assert_eq!(fault(2, "memory on the device").received, "no memory left on the device (CUDA error 2)");
    }
}

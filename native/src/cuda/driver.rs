use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::{Arc, OnceLock};

use libloading::Library;

use super::memory::Device;
use super::{NO_DRIVER, fault};
use crate::fault::{Code, Fault, Outcome, told};

const LIBRARY: &str = "libcuda.so.1";

const MULTIPROCESSORS: c_int = 16;
const COMPUTE_CAPABILITY_MAJOR: c_int = 75;
const COMPUTE_CAPABILITY_MINOR: c_int = 76;
const NO_DEVICE: c_int = 100;
const WITHOUT_FLAGS: c_uint = 0;
const NON_BLOCKING: c_uint = 1;

type Handle = *mut c_void;

/// What a machine's GPU is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    pub name: String,
    /// For example "8.7".
    pub compute_capability: String,
    pub multiprocessors: i32,
    pub memory_bytes: u64,
    /// Newest CUDA that the driver knows, for example "12.6".
    pub cuda: String,
}

macro_rules! driver {
    ($($field:ident = $symbol:literal: fn($($argument:ty),*);)*) => {
        /// Functions of the driver.
        struct Driver {
            $($field: unsafe extern "C" fn($($argument),*) -> c_int,)*
        }

        impl Driver {
            fn of(library: &'static Library) -> Outcome<Self> {
                // SAFETY: the types are those of CUDA's driver interface, whose symbols never change; the library stays.
                unsafe {
                    Ok(Self {
                        $($field: *library.get($symbol).map_err(|error| missing(&error))?,)*
                    })
                }
            }
        }
    };
}

driver! {
    init = b"cuInit\0": fn(c_uint);
    version = b"cuDriverGetVersion\0": fn(*mut c_int);
    count = b"cuDeviceGetCount\0": fn(*mut c_int);
    get = b"cuDeviceGet\0": fn(*mut c_int, c_int);
    name = b"cuDeviceGetName\0": fn(*mut c_char, c_int, c_int);
    memory = b"cuDeviceTotalMem_v2\0": fn(*mut usize, c_int);
    attribute = b"cuDeviceGetAttribute\0": fn(*mut c_int, c_int, c_int);
    retain = b"cuDevicePrimaryCtxRetain\0": fn(*mut Handle, c_int);
    release = b"cuDevicePrimaryCtxRelease_v2\0": fn(c_int);
    set_current = b"cuCtxSetCurrent\0": fn(Handle);
    allocate = b"cuMemAlloc_v2\0": fn(*mut u64, usize);
    free = b"cuMemFree_v2\0": fn(u64);
    pin = b"cuMemHostAlloc\0": fn(*mut Handle, usize, c_uint);
    unpin = b"cuMemFreeHost\0": fn(Handle);
    create_stream = b"cuStreamCreate\0": fn(*mut Handle, c_uint);
    destroy_stream = b"cuStreamDestroy_v2\0": fn(Handle);
    synchronize = b"cuStreamSynchronize\0": fn(Handle);
    upload = b"cuMemcpyHtoDAsync_v2\0": fn(u64, *const c_void, usize, Handle);
    download = b"cuMemcpyDtoHAsync_v2\0": fn(Handle, u64, usize, Handle);
}

fn missing(error: &libloading::Error) -> Fault {
    Fault::new(Code::Gpu, "NVIDIA's CUDA driver", told(error), NO_DRIVER)
}

fn check(number: c_int, what: &str) -> Outcome<()> {
    if number == 0 { Ok(()) } else { Err(fault(number, what)) }
}

/// Set once it has started.
static DRIVER: OnceLock<Driver> = OnceLock::new();

impl Driver {
    /// The driver is never let go: threads and handlers of its own may outlast what it was asked for.
    fn open() -> Outcome<&'static Self> {
        if let Some(driver) = DRIVER.get() {
            return Ok(driver);
        }
        // SAFETY: loading the driver runs nothing but its own start.
        let library = unsafe { Library::new(LIBRARY) }.map_err(|error| missing(&error))?;
        let driver = Self::of(Box::leak(Box::new(library)))?;
        // SAFETY: no pointers. Doing so again changes nothing.
        check(unsafe { (driver.init)(WITHOUT_FLAGS) }, "a CUDA driver that starts")?;
        Ok(DRIVER.get_or_init(|| driver))
    }

    fn devices(&self) -> Outcome<Vec<DeviceInfo>> {
        let mut count = 0;
        let mut version = 0;
        // SAFETY: both write one number.
        check(unsafe { (self.count)(&mut count) }, "a number of CUDA devices")?;
        // SAFETY: as above.
        check(unsafe { (self.version)(&mut version) }, "the driver's version")?;
        let cuda = format!("{}.{}", version / 1000, version % 1000 / 10);
        let devices: Vec<DeviceInfo> = (0..count).map(|index| self.device(index, &cuda)).collect::<Outcome<_>>()?;
        if devices.is_empty() { Err(fault(NO_DEVICE, "a CUDA device")) } else { Ok(devices) }
    }

    fn device(&self, index: c_int, cuda: &str) -> Outcome<DeviceInfo> {
        let mut device = 0;
        // SAFETY: writes one number.
        check(unsafe { (self.get)(&mut device, index) }, "a CUDA device")?;
        let mut name = [0u8; 256];
        // SAFETY: the driver writes at most the length that it is told, a zero included.
        check(unsafe { (self.name)(name.as_mut_ptr().cast(), 255, device) }, "the device's name")?;
        let mut memory_bytes = 0usize;
        // SAFETY: writes one number.
        check(unsafe { (self.memory)(&mut memory_bytes, device) }, "the device's memory")?;
        let attribute = |which| {
            let mut value = 0;
            // SAFETY: writes one number.
            check(unsafe { (self.attribute)(&mut value, which, device) }, "what the device has").map(|()| value)
        };
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        Ok(DeviceInfo {
            name: String::from_utf8_lossy(&name[..end]).into_owned(),
            compute_capability: format!("{}.{}", attribute(COMPUTE_CAPABILITY_MAJOR)?, attribute(COMPUTE_CAPABILITY_MINOR)?),
            multiprocessors: attribute(MULTIPROCESSORS)?,
            memory_bytes: memory_bytes as u64,
            cuda: cuda.to_owned(),
        })
    }
}

/// The first device, with its primary context (which TensorRT uses too) and a stream.
pub struct Cuda {
    driver: &'static Driver,
    device: c_int,
    context: Handle,
    stream: Handle,
}

// SAFETY: the driver's functions may be called from any thread; `attach` makes the context that thread's own.
unsafe impl Send for Cuda {}
// SAFETY: as above.
unsafe impl Sync for Cuda {}

impl Cuda {
    /// Throws `E_GPU` where there is no driver or device.
    pub fn devices() -> Outcome<Vec<DeviceInfo>> {
        Driver::open()?.devices()
    }

    pub fn open() -> Outcome<Arc<Self>> {
        let driver = Driver::open()?;
        driver.devices()?;
        let mut cuda = Self { driver, device: 0, context: std::ptr::null_mut(), stream: std::ptr::null_mut() };
        // SAFETY: each writes one number or handle; what was made is given back by `drop`.
        unsafe {
            check((cuda.driver.get)(&mut cuda.device, 0), "a CUDA device")?;
            check((cuda.driver.retain)(&mut cuda.context, cuda.device), "a CUDA context")?;
            check((cuda.driver.set_current)(cuda.context), "a CUDA context")?;
            // What TensorRT does in the default stream, as when it loads another engine, does not hold this one up.
            check((cuda.driver.create_stream)(&mut cuda.stream, NON_BLOCKING), "a CUDA stream")?;
        }
        Ok(Arc::new(cuda))
    }

    /// To be called first by each thread that uses the device.
    pub fn attach(&self) -> Outcome<()> {
        // SAFETY: the context is retained.
        check(unsafe { (self.driver.set_current)(self.context) }, "a CUDA context")
    }

    pub fn stream(&self) -> *mut c_void {
        self.stream
    }
}

impl Drop for Cuda {
    fn drop(&mut self) {
        // SAFETY: handles are this object's own; those that were never made are null.
        unsafe {
            if !self.stream.is_null() {
                (self.driver.set_current)(self.context);
                (self.driver.destroy_stream)(self.stream);
            }
            if !self.context.is_null() {
                (self.driver.release)(self.device);
            }
        }
    }
}

impl Device for Cuda {
    fn allocate(&self, bytes: usize) -> Outcome<u64> {
        let mut device = 0;
        // SAFETY: writes one address.
        check(unsafe { (self.driver.allocate)(&mut device, bytes) }, "memory on the device")?;
        Ok(device)
    }

    fn free(&self, device: u64) {
        // SAFETY: of `allocate`, once.
        unsafe { (self.driver.free)(device) };
    }

    fn pin(&self, bytes: usize) -> Outcome<*mut u8> {
        let mut host = std::ptr::null_mut();
        // SAFETY: writes one address.
        check(unsafe { (self.driver.pin)(&mut host, bytes, WITHOUT_FLAGS) }, "pinned memory")?;
        Ok(host.cast())
    }

    fn unpin(&self, host: *mut u8) {
        // SAFETY: of `pin`, once.
        unsafe { (self.driver.unpin)(host.cast()) };
    }

    fn upload(&self, device: u64, host: *const u8, bytes: usize) -> Outcome<()> {
        // SAFETY: both are at least `bytes` long, and the slot that they belong to outlives the stream's work.
        check(unsafe { (self.driver.upload)(device, host.cast(), bytes, self.stream) }, "a copy to the device")
    }

    fn download(&self, host: *mut u8, device: u64, bytes: usize) -> Outcome<()> {
        // SAFETY: as above.
        check(unsafe { (self.driver.download)(host.cast(), device, bytes, self.stream) }, "a copy from the device")
    }

    fn wait(&self) -> Outcome<()> {
        // SAFETY: the stream is this object's own.
        check(unsafe { (self.driver.synchronize)(self.stream) }, "a run that ends well")
    }
}

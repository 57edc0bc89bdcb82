use std::sync::Arc;

use crate::fault::Outcome;

/// What engines need of a device; `Cuda` is the real one.
pub trait Device {
    /// Memory on the device.
    fn allocate(&self, bytes: usize) -> Outcome<u64>;
    fn free(&self, device: u64);
    /// Memory of the host that the device reads and writes by itself.
    fn pin(&self, bytes: usize) -> Outcome<*mut u8>;
    fn unpin(&self, host: *mut u8);
    /// Puts a copy into the stream.
    fn upload(&self, device: u64, host: *const u8, bytes: usize) -> Outcome<()>;
    /// Puts a copy into the stream.
    fn download(&self, host: *mut u8, device: u64, bytes: usize) -> Outcome<()>;
    /// Waits until the stream is empty.
    fn wait(&self) -> Outcome<()>;
}

/// A tensor's place: pinned memory on the host and as much on the device. Both go with it.
pub struct Slot<D: Device> {
    device: Arc<D>,
    bytes: usize,
    on_device: u64,
    pinned: *mut u8,
}

// SAFETY: the pointers are to memory that is the slot's own, whatever thread has it.
unsafe impl<D: Device + Send + Sync> Send for Slot<D> {}

impl<D: Device> Slot<D> {
    pub fn new(device: Arc<D>, bytes: usize) -> Outcome<Self> {
        // The driver refuses to allocate nothing.
        let room = bytes.max(1);
        let on_device = device.allocate(room)?;
        match device.pin(room) {
            Ok(pinned) => Ok(Self { device, bytes, on_device, pinned }),
            Err(fault) => {
                device.free(on_device);
                Err(fault)
            }
        }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn on_device(&self) -> u64 {
        self.on_device
    }

    /// Copies into pinned memory and puts the way to the device into the stream. The caller has checked the length.
    pub fn upload(&mut self, data: &[u8]) -> Outcome<()> {
        self.host_mut().copy_from_slice(data);
        self.device.upload(self.on_device, self.pinned, self.bytes)
    }

    /// Puts the way back into the stream; `host` has it once the stream is empty.
    pub fn download(&mut self) -> Outcome<()> {
        self.device.download(self.pinned, self.on_device, self.bytes)
    }

    pub fn host(&self) -> &[u8] {
        // SAFETY: `pin` gave at least this many bytes, which live as long as `self`, and the stream is not writing them: `wait` came before.
        unsafe { std::slice::from_raw_parts(self.pinned, self.bytes) }
    }

    fn host_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else has them.
        unsafe { std::slice::from_raw_parts_mut(self.pinned, self.bytes) }
    }
}

impl<D: Device> Drop for Slot<D> {
    fn drop(&mut self) {
        self.device.unpin(self.pinned);
        self.device.free(self.on_device);
    }
}

#[cfg(test)]
#[allow(clippy::arc_with_non_send_sync, reason = "the double stays in one thread")]
mod tests {
    use super::super::double::MemoryDevice;
    use super::*;
    use crate::fault::Code;

    #[test]
    fn what_goes_up_comes_down_once_the_stream_has_run() {
        let device = Arc::new(MemoryDevice::default());
        let mut slot = Slot::new(device.clone(), 4).unwrap();
        slot.upload(&[5, 6, 7, 8]).unwrap();
        device.wait().unwrap();
        slot.host_mut().fill(0);
        slot.download().unwrap();
        assert_eq!(slot.host(), [0, 0, 0, 0], "the stream has not run yet");
        device.wait().unwrap();
        assert_eq!(slot.host(), [5, 6, 7, 8]);
    }

    #[test]
    fn all_memory_is_given_back_also_where_half_of_it_could_not_be_had() {
        let device = Arc::new(MemoryDevice::default());
        drop(Slot::new(device.clone(), 100).unwrap());
        drop(Slot::new(device.clone(), 0).unwrap());
        device.refuse_pinning();
        assert_eq!(Slot::new(device.clone(), 8).err().map(|fault| fault.code), Some(Code::Gpu));
        assert_eq!(device.live(), (0, 0));
    }
}

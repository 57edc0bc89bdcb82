use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use super::memory::Device;
use crate::fault::{Code, Fault, Outcome};

type Copy = Box<dyn FnOnce(&mut HashMap<u64, Box<[u8]>>)>;

/// A device in memory: copies are done when the stream is waited for, and what was not given back is counted.
#[derive(Default)]
pub struct MemoryDevice {
    allocations: RefCell<HashMap<u64, Box<[u8]>>>,
    pinned: RefCell<HashMap<usize, Box<[u8]>>>,
    stream: RefCell<Vec<Copy>>,
    next: Cell<u64>,
    refuses_pinning: Cell<bool>,
}

impl MemoryDevice {
    pub fn refuse_pinning(&self) {
        self.refuses_pinning.set(true);
    }

    /// Allocations on the device and of pinned memory that were not given back.
    pub fn live(&self) -> (usize, usize) {
        (self.allocations.borrow().len(), self.pinned.borrow().len())
    }
}

impl Device for MemoryDevice {
    fn allocate(&self, bytes: usize) -> Outcome<u64> {
        self.next.set(self.next.get() + 256);
        self.allocations.borrow_mut().insert(self.next.get(), vec![0; bytes].into());
        Ok(self.next.get())
    }

    fn free(&self, device: u64) {
        assert!(self.allocations.borrow_mut().remove(&device).is_some(), "freed twice");
    }

    fn pin(&self, bytes: usize) -> Outcome<*mut u8> {
        if self.refuses_pinning.get() {
            return Err(Fault::new(Code::Gpu, "pinned memory", "none", ""));
        }
        let mut memory = vec![0; bytes].into_boxed_slice();
        let pointer = memory.as_mut_ptr();
        self.pinned.borrow_mut().insert(pointer as usize, memory);
        Ok(pointer)
    }

    fn unpin(&self, host: *mut u8) {
        assert!(self.pinned.borrow_mut().remove(&(host as usize)).is_some(), "unpinned twice");
    }

    fn upload(&self, device: u64, host: *const u8, bytes: usize) -> Outcome<()> {
        self.stream.borrow_mut().push(Box::new(move |memory| {
            // SAFETY: the test keeps the pinned memory until the stream has run.
            let from = unsafe { std::slice::from_raw_parts(host, bytes) };
            memory.get_mut(&device).unwrap()[..bytes].copy_from_slice(from);
        }));
        Ok(())
    }

    fn download(&self, host: *mut u8, device: u64, bytes: usize) -> Outcome<()> {
        self.stream.borrow_mut().push(Box::new(move |memory| {
            // SAFETY: as above.
            let to = unsafe { std::slice::from_raw_parts_mut(host, bytes) };
            to.copy_from_slice(&memory[&device][..bytes]);
        }));
        Ok(())
    }

    fn wait(&self) -> Outcome<()> {
        for copy in self.stream.take() {
            copy(&mut self.allocations.borrow_mut());
        }
        Ok(())
    }
}

use std::ffi::{CStr, c_char, c_void};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::library::TensorRt;
use super::log;
use super::progress::Progress;
use super::shim::{self, Bytes};
use crate::fault::{Code, Fault, Outcome};

/// What is to be built, and how.
#[derive(Debug, Default)]
pub struct Build {
    /// Bytes of scratch memory on the device; 0 for as many as there are.
    pub workspace_bytes: u64,
    /// A deep learning accelerator instead of the GPU.
    pub dla_core: Option<i32>,
    /// Whether layers that the accelerator cannot run may go to the GPU.
    pub gpu_fallback: bool,
    pub refittable: bool,
    pub optimization_level: Option<i32>,
    /// What an earlier build measured.
    pub timing_cache: Vec<u8>,
}

pub struct Built {
    pub plan: Vec<u8>,
    pub timing_cache: Vec<u8>,
}

/// Looks at each step, on whichever thread took it; answers with whether to go on.
type Watch<'a> = &'a mut (dyn FnMut(&Progress, Option<Duration>) -> bool + Send);

struct Watched<'a> {
    progress: Progress,
    started: Instant,
    watch: Watch<'a>,
    is_cancelled: bool,
}

/// TensorRT calls this from threads of its own, several at a time.
///
/// # Safety
/// `context` is a `Mutex<Watched>`; `phase` is a C string, `parent` one or null.
unsafe extern "C" fn tell(context: *mut c_void, kind: i32, phase: *const c_char, parent: *const c_char, count: i32) -> i32 {
    // SAFETY: as the caller promises.
    let watched = unsafe { &*context.cast::<Mutex<Watched>>() };
    let watched = &mut *watched.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: as the caller promises.
    let phase = unsafe { CStr::from_ptr(phase) }.to_string_lossy();
    match kind {
        shim::PHASE_STARTS => {
            // SAFETY: as the caller promises.
            let parent = (!parent.is_null()).then(|| unsafe { CStr::from_ptr(parent) }.to_string_lossy());
            watched.progress.starts(&phase, parent.as_deref(), count);
        }
        shim::STEP_DONE => watched.progress.done(&phase, count),
        shim::PHASE_ENDS => watched.progress.ends(&phase),
        _ => {}
    }
    let left = watched.progress.left(watched.started.elapsed());
    // A panic must not go on into C++; TensorRT then stops as if it had been asked to.
    let goes_on = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (watched.watch)(&watched.progress, left))).unwrap_or(false);
    watched.is_cancelled |= !goes_on;
    i32::from(!watched.is_cancelled)
}

impl TensorRt {
    /// Builds an engine for the first device from an ONNX model, with as much precision as its types state. Takes minutes.
    pub fn build(&self, onnx: &[u8], build: &Build, watch: Watch) -> Outcome<Built> {
        let mark = log::mark();
        let options = shim::BuildOptions {
            workspace_bytes: build.workspace_bytes,
            dla_core: build.dla_core.unwrap_or(-1),
            gpu_fallback: i32::from(build.gpu_fallback),
            refittable: i32::from(build.refittable),
            optimization_level: build.optimization_level.unwrap_or(-1),
            timing_cache: if build.timing_cache.is_empty() { std::ptr::null() } else { build.timing_cache.as_ptr() },
            timing_cache_size: build.timing_cache.len(),
        };
        let mut watched = Mutex::new(Watched { progress: Progress::default(), started: Instant::now(), watch, is_cancelled: false });
        let (mut plan, mut timing_cache) = (Bytes::NONE, Bytes::NONE);
        // SAFETY: all pointers live until the call returns, after which nothing is told any more, and both outputs are taken below.
        let status = unsafe {
            (self.shim.build)(
                &self.entries,
                log::write,
                tell,
                (&raw mut watched).cast(),
                onnx.as_ptr(),
                onnx.len(),
                &options,
                &mut plan,
                &mut timing_cache,
            )
        };
        let built = Built { plan: self.take(plan), timing_cache: self.take(timing_cache) };
        if watched.get_mut().unwrap_or_else(PoisonError::into_inner).is_cancelled {
            return Err(Fault::new(Code::Cancelled, "an engine", "a request to cancel its build", "Build it again when there is time."));
        }
        self.check(status, &mark)?;
        Ok(built)
    }

    /// The shim's bytes as ours.
    pub(super) fn take(&self, bytes: Bytes) -> Vec<u8> {
        if bytes.data.is_null() {
            return Vec::new();
        }
        // SAFETY: the shim states what it allocated, which is given back once.
        unsafe {
            let taken = std::slice::from_raw_parts(bytes.data, bytes.size).to_vec();
            (self.shim.release)(bytes);
            taken
        }
    }

    pub(super) fn check(&self, status: i32, mark: &log::Mark) -> Outcome<()> {
        let (expected, remedy) = match status {
            shim::OK => return Ok(()),
            shim::NOT_CREATED => ("TensorRT's builder or runtime", "See what TensorRT says."),
            shim::NOT_PARSED => ("an ONNX model that TensorRT can read", "See what TensorRT says of its nodes."),
            shim::NOT_BUILT => ("an engine", "See what TensorRT says; give it more --workspace where it ran out of memory."),
            shim::NOT_DESERIALIZED => ("an engine of this machine and version of TensorRT", "Build the engine again on this machine."),
            shim::NOT_REFITTED => ("an engine that takes new weights", "Build it to be refitted."),
            shim::NOT_RUN => ("a run", "See what TensorRT says."),
            shim::NO_MEMORY => ("memory", "Close something else."),
            shim::BAD_OPTION => ("options that this device has", "See what TensorRT says."),
            _ => ("a state that the shim knows", "Report this."),
        };
        Err(mark.fault(expected, remedy))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn steps_that_many_threads_tell_at_once_are_told_one_by_one() {
        const STEPS: i32 = 30;
        let names = [c"a", c"b", c"c", c"d"];
        let all = STEPS * names.len() as i32;
        let mut told = 0;
        let (is_told, is_torn) = (AtomicBool::new(false), AtomicBool::new(false));
        let mut watch = |_: &Progress, _: Option<Duration>| {
            is_torn.fetch_or(is_told.swap(true, Ordering::Relaxed), Ordering::Relaxed);
            std::thread::sleep(Duration::from_micros(100));
            is_told.store(false, Ordering::Relaxed);
            told += 1;
            told != all
        };
        let mut watched =
            Mutex::new(Watched { progress: Progress::default(), started: Instant::now(), watch: &mut watch, is_cancelled: false });
        let together = Barrier::new(names.len());
        let tell_all = |name: &CStr| {
            let context = (&raw const watched).cast_mut().cast();
            together.wait();
            for step in 0..STEPS {
                let kind = [shim::PHASE_STARTS, shim::STEP_DONE, shim::PHASE_ENDS][step as usize % 3];
                // SAFETY: the watched one lives until the threads are joined, and names are C strings.
                unsafe { tell(context, kind, name.as_ptr(), std::ptr::null(), step) };
            }
        };
        std::thread::scope(|scope| {
            for name in names {
                scope.spawn(|| tell_all(name));
            }
        });
        assert!(watched.get_mut().unwrap().is_cancelled, "the last of them was told, and asked to stop");
        assert_eq!((told, is_torn.into_inner()), (all, false));
    }
}

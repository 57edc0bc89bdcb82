use std::sync::mpsc;
use std::thread;

use super::denormals::FlushedToZero;
use crate::fault::{Code, Fault, Outcome, caught};

/// As the threads have that Node would run this on.
const STACK_BYTES: usize = 8 << 20;

type Job<T> = Box<dyn FnOnce(&mut Option<T>) + Send>;

/// A thread with what only it uses. A session has one of its own, and not one of Node's pool after another: denormals are zero only where a thread was told, and
/// what runs take and give back outside ONNX Runtime's arena each thread would keep for itself.
/// Whoever drops it waits until all is freed: where the process ends next, ONNX Runtime must not be at work any more.
pub struct Thread<T> {
    // Dropped in this order: the thread ends with it, and is waited for.
    jobs: mpsc::Sender<Job<T>>,
    _end: End,
}

struct End(Option<thread::JoinHandle<()>>);

impl Drop for End {
    fn drop(&mut self) {
        // A panic of what it freed is nobody's here.
        self.0.take().map(thread::JoinHandle::join);
    }
}

impl<T: 'static> Thread<T> {
    /// Starts a thread, and makes what it uses in it.
    pub fn with(make: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<Self> {
        let (jobs, work) = mpsc::channel::<Job<T>>();
        let run = move || {
            let _flushed = FlushedToZero::here();
            let mut held = None;
            // It ends with what it holds, so that its memory is there for others.
            for job in work {
                job(&mut held);
                if held.is_none() {
                    break;
                }
            }
        };
        let handle = thread::Builder::new().name("nightshift".to_owned()).stack_size(STACK_BYTES).spawn(run).map_err(|error| {
            Fault::new(Code::Internal, "a thread for the session", error.to_string(), "Close sessions that are not needed.")
        })?;
        let thread = Self { jobs, _end: End(Some(handle)) };
        thread.ask(|held| {
            *held = Some(make()?);
            Ok(())
        })?;
        Ok(thread)
    }

    /// Does something with it, after all that was asked for before, and waits.
    pub fn call<R: Send + 'static>(&self, work: impl FnOnce(&mut T) -> Outcome<R> + Send + 'static) -> Outcome<R> {
        self.ask(|held| held.as_mut().map_or_else(|| Err(closed()), work))
    }

    /// Frees it, after all that was asked for before. Doing so again changes nothing.
    pub fn close(&self) -> Outcome<()> {
        let closing = self.ask(|held| {
            drop(held.take());
            Ok(())
        });
        closing.or_else(|fault| if fault.code == Code::Closed { Ok(()) } else { Err(fault) })
    }

    fn ask<R: Send + 'static>(&self, work: impl FnOnce(&mut Option<T>) -> Outcome<R> + Send + 'static) -> Outcome<R> {
        let (answer, answered) = mpsc::sync_channel(1);
        // What the work captured is gone before the answer is there.
        let job: Job<T> = Box::new(move |held| drop(answer.send(caught(|| work(held)))));
        self.jobs.send(job).map_err(|_| closed())?;
        answered.recv().map_err(|_| closed())?
    }
}

fn closed() -> Fault {
    Fault::new(Code::Closed, "an open session", "a closed one", "Create another session.")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn work_is_done_in_turn_by_one_thread_which_outlives_panics_and_ends_with_what_it_holds() {
        let thread = Thread::with(|| Ok(vec![thread::current().id()])).unwrap();
        let noted = thread.call(|ids| {
            ids.push(thread::current().id());
            Ok(ids.clone())
        });
        assert!(noted.is_ok_and(|ids| ids[0] == ids[1] && ids[0] != thread::current().id()));
        assert_eq!(thread.call::<()>(|_| panic!("no {}", "way")).map_err(|fault| fault.received), Err("no way".to_owned()));
        assert_eq!(thread.call(|ids| Ok(ids.len())), Ok(2));
        assert_eq!((thread.close(), thread.close()), (Ok(()), Ok(())));
        assert_eq!(thread.call(|ids| Ok(ids.len())).map_err(|fault| fault.code), Err(Code::Closed));
        let refused = Thread::<()>::with(|| Err(Fault::new(Code::Engine, "a", "b", "c")));
        assert_eq!(refused.err().map(|fault| fault.code), Some(Code::Engine));
    }

    #[test]
    fn whoever_drops_it_waits_until_what_it_holds_is_freed() {
        struct Slow(Arc<AtomicBool>);
        impl Drop for Slow {
            fn drop(&mut self) {
                thread::sleep(Duration::from_millis(50));
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let is_freed = Arc::new(AtomicBool::new(false));
        let held = Slow(is_freed.clone());
        drop(Thread::with(move || Ok(held)).unwrap());
        assert!(is_freed.load(Ordering::Relaxed));
    }
}

//! What TensorRT finds wrong. It keeps one logger for the whole process, whoever gave it, so all share this one.

use std::collections::VecDeque;
use std::ffi::{CStr, c_char};
use std::sync::{Mutex, PoisonError};

use crate::fault::{Code, Fault};

const ERROR: i32 = 1;
const MOST_LINES: usize = 200;

/// Errors. Of what else it says there is so much that they would be lost in it.
struct Lines {
    /// How many came before the first that is kept.
    gone: usize,
    kept: VecDeque<String>,
}

static LINES: Mutex<Lines> = Mutex::new(Lines { gone: 0, kept: VecDeque::new() });

/// The shim calls this from any thread.
///
/// # Safety
/// `message` is a C string, or null.
pub unsafe extern "C" fn write(severity: i32, message: *const c_char) {
    if severity > ERROR || message.is_null() {
        return;
    }
    // SAFETY: a C string, as the caller promises.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    let mut lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    lines.kept.push_back(text);
    if lines.kept.len() > MOST_LINES {
        lines.kept.pop_front();
        lines.gone += 1;
    }
}

/// A place in the log, to read from later.
pub struct Mark(usize);

pub fn mark() -> Mark {
    let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
    Mark(lines.gone + lines.kept.len())
}

impl Mark {
    /// The errors since, the first of them first. Of two builds at once each sees the other's too.
    fn errors(&self) -> Vec<String> {
        let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        let from = self.0.saturating_sub(lines.gone);
        lines.kept.iter().skip(from).cloned().collect()
    }

    /// What came of it where TensorRT itself failed.
    pub fn fault(&self, expected: &str, remedy: &str) -> Fault {
        fault_of(&self.errors(), expected, remedy)
    }
}

/// TensorRT tells only its log why it has no device.
fn fault_of(errors: &[String], expected: &str, remedy: &str) -> Fault {
    if let Some(number) = errors.iter().find_map(|line| cuda_error(line)) {
        return crate::cuda::fault(number, "a CUDA device with its driver");
    }
    let said = if errors.is_empty() { "no reason given".to_owned() } else { errors.join("; ") };
    Fault::new(Code::TensorRt, expected, said, remedy)
}

/// The number in "CUDA initialization failure with error: 35", which TensorRT follows with the address of a page.
fn cuda_error(line: &str) -> Option<i32> {
    let (_, rest) = line.split_once("CUDA initialization failure with error: ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_device_is_told_apart_from_a_refused_model() {
        let errors = vec!["CUDA initialization failure with error: 35. Please check your CUDA installation: http://docs".to_owned()];
        let fault = fault_of(&errors, "a builder", "");
        assert_eq!(fault.code, Code::Gpu);
        assert!(fault.received.contains("35"), "{}", fault.received);
        let other = fault_of(&["one".to_owned(), "two".to_owned()], "a builder", "Look.");
        assert_eq!((other.code, other.received.as_str(), other.remedy.as_str()), (Code::TensorRt, "one; two", "Look."));
        assert_eq!(fault_of(&[], "a builder", "").received, "no reason given");
    }

    #[test]
    fn errors_are_read_from_a_mark_on_while_older_lines_go() {
        // SAFETY: C strings.
        let say = |severity, text: &CStr| unsafe { write(severity, text.as_ptr()) };
        say(1, c"before");
        let mark = mark();
        say(3, c"an information");
        say(0, c"an internal error");
        for _ in 0..2 * MOST_LINES {
            say(2, c"a warning");
        }
        say(1, c"an error");
        assert_eq!(mark.errors(), ["an internal error", "an error"]);
        for _ in 0..MOST_LINES {
            say(1, c"another error");
        }
        assert_eq!(mark.errors(), ["another error"; MOST_LINES]);
    }
}

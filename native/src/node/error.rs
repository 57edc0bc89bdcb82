use napi::{Error, Status};

use crate::fault::{Fault, Outcome, caught};

/// Between the parts of a fault in an error's message; `sdk/engine/native.ts` takes them apart.
const SEPARATOR: &str = "\u{1f}";

impl From<Fault> for Error {
    fn from(Fault { code, expected, received, remedy }: Fault) -> Self {
        let message = [code.name(), &expected, &received, &remedy].map(|part| part.replace(SEPARATOR, " ")).join(SEPARATOR);
        Error::new(Status::GenericFailure, message)
    }
}

/// Work as Node may ask for it: faults become its errors, and so do panics.
pub fn guarded<T>(work: impl FnOnce() -> Outcome<T>) -> napi::Result<T> {
    Ok(caught(work)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Code;

    #[test]
    fn a_fault_keeps_its_parts_and_a_panic_becomes_one() {
        let error: Error = Fault::new(Code::Gpu, "a\u{1f}b", "c", "d").into();
        assert_eq!(error.reason.split(SEPARATOR).collect::<Vec<_>>(), ["E_GPU", "a b", "c", "d"]);
        let error = guarded::<()>(|| panic!("no {}", "way")).unwrap_err();
        assert!(error.reason.starts_with("E_INTERNAL\u{1f}no panic in the native module\u{1f}no way"), "{}", error.reason);
        assert_eq!(guarded(|| Ok(3)).ok(), Some(3));
    }
}

//! Numbers so small that processors compute with them in microcode, a hundred times slower. ONNX Runtime takes them for zero in its own threads; the thread
//! that calls it does a share of the work and must be told.

/// Takes denormals for zero in this thread until it is dropped.
pub struct FlushedToZero(Mode);

impl FlushedToZero {
    pub fn here() -> Self {
        let before = Mode::of_thread();
        before.flushing().apply();
        Self(before)
    }
}

impl Drop for FlushedToZero {
    fn drop(&mut self) {
        self.0.apply();
    }
}

#[derive(Clone, Copy)]
struct Mode(#[allow(dead_code)] u64);

#[cfg(target_arch = "x86_64")]
impl Mode {
    /// Of MXCSR: flush to zero, and denormals are zero.
    const FLUSHING: u64 = (1 << 15) | (1 << 6);

    fn of_thread() -> Self {
        let mut mode = 0u32;
        // SAFETY: writes MXCSR, which every processor of this kind has, into four bytes of our own.
        unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut mode, options(nostack, preserves_flags)) };
        Self(mode.into())
    }

    fn apply(self) {
        let mode = self.0 as u32;
        // SAFETY: sets what was read before, but for the two bits that say how denormals are taken.
        unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &mode, options(nostack, preserves_flags, readonly)) };
    }
}

#[cfg(target_arch = "aarch64")]
impl Mode {
    /// Of FPCR: flush to zero.
    const FLUSHING: u64 = 1 << 24;

    fn of_thread() -> Self {
        let mode: u64;
        // SAFETY: reads FPCR, which every processor of this kind has.
        unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) mode, options(nomem, nostack, preserves_flags)) };
        Self(mode)
    }

    fn apply(self) {
        // SAFETY: sets what was read before, but for the bit that says how denormals are taken.
        unsafe { std::arch::asm!("msr fpcr, {}", in(reg) self.0, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl Mode {
    const FLUSHING: u64 = 0;

    fn of_thread() -> Self {
        Self(0)
    }

    fn apply(self) {}
}

impl Mode {
    fn flushing(self) -> Self {
        Self(self.0 | Self::FLUSHING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn denormals_are_zero_while_it_lives_and_what_they_were_after_it() {
        let half = || black_box(f32::MIN_POSITIVE) * black_box(0.5);
        assert!(half() > 0.0);
        let flushed = FlushedToZero::here();
        assert_eq!(half(), 0.0);
        assert_eq!(black_box(1.0f32) * black_box(0.5), 0.5);
        drop(flushed);
        assert!(half() > 0.0);
    }
}

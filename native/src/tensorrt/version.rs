use std::fmt;

/// A version of TensorRT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    pub major: i32,
    pub minor: i32,
    pub patch: i32,
}

impl Version {
    /// Of the number that `getInferLibVersion` answers with, and that headers state: since 10.0 in steps of 10000 and 100 (101501 is
    /// 10.15.1), before in steps of 1000 and 100 (8601 is 8.6.1).
    pub fn of(number: i32) -> Self {
        let (step, rest) = if number >= 100_000 { (10_000, 100) } else { (1_000, 100) };
        Self { major: number / step, minor: number % step / rest, patch: number % rest }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_both_counts_are_read() {
        for (number, text) in [(110_201, "11.2.1"), (101_501, "10.15.1"), (100_300, "10.3.0"), (8_601, "8.6.1"), (8_400, "8.4.0")] {
            assert_eq!(Version::of(number).to_string(), text);
        }
    }
}

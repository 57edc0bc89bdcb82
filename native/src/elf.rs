//! Whether a shared library is whole. The system's loader does not ask: it maps what the header states, and the process dies of what is not there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

const HEADER: usize = 64;
const PROGRAM_HEADER: usize = 56;
const PT_LOAD: u64 = 1;

/// Why a file cannot be a whole library; none where it may be.
pub fn fault_of(path: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut header = [0; HEADER];
    if length < HEADER as u64 {
        return Ok(Some(format!("{length} bytes, fewer than a library's header")));
    }
    file.read_exact(&mut header)?;
    if &header[..5] != b"\x7fELF\x02" {
        return Ok(Some("no 64-bit ELF library".to_owned()));
    }
    let (at, count) = (number(&header, 32, 8), number(&header, 56, 2));
    let mut programs = vec![0; usize::try_from(count).unwrap_or(0) * PROGRAM_HEADER];
    if at.saturating_add(programs.len() as u64) > length {
        return Ok(Some(truncated(length, at)));
    }
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut programs)?;
    let stated = programs
        .chunks_exact(PROGRAM_HEADER)
        .filter(|program| number(program, 0, 4) == PT_LOAD)
        .map(|program| number(program, 8, 8).saturating_add(number(program, 32, 8)))
        .max()
        .unwrap_or(0);
    Ok((stated > length).then(|| truncated(length, stated)))
}

fn truncated(length: u64, stated: u64) -> String {
    format!("{length} bytes of at least {stated}: the file is truncated")
}

/// A little-endian number.
fn number(bytes: &[u8], at: usize, size: usize) -> u64 {
    bytes[at..at + size].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A library of one loaded part that ends at `end`.
    fn library(end: u64) -> Vec<u8> {
        let mut bytes = vec![0; 200];
        bytes[..5].copy_from_slice(b"\x7fELF\x02");
        bytes[32] = 64;
        bytes[56] = 2;
        bytes[64] = 6; // Not a part that is loaded, whatever size it states.
        bytes[64 + 32..64 + 40].copy_from_slice(&u64::MAX.to_le_bytes());
        bytes[120] = 1;
        bytes[120 + 32..120 + 40].copy_from_slice(&end.to_le_bytes());
        bytes
    }

    fn fault(bytes: &[u8]) -> Option<String> {
        let path = std::env::temp_dir().join(format!("nightshift-elf-{}-{}", std::process::id(), bytes.len()));
        std::fs::write(&path, bytes).unwrap();
        let fault = fault_of(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        fault
    }

    #[test]
    fn whole_libraries_pass_and_others_are_told_apart() {
        assert_eq!(fault(&library(200)), None);
        assert_eq!(fault(&library(201)).as_deref(), Some("200 bytes of at least 201: the file is truncated"));
        assert_eq!(fault(&library(200)[..150]).as_deref(), Some("150 bytes of at least 64: the file is truncated"));
        assert_eq!(fault(&library(200)[..63]).as_deref(), Some("63 bytes, fewer than a library's header"));
        assert_eq!(fault(&[b'#'; 100]).as_deref(), Some("no 64-bit ELF library"));
        assert!(fault_of(Path::new("/nowhere")).is_err());
        let own = std::env::current_exe().unwrap();
        assert_eq!(fault_of(&own).unwrap(), None);
    }
}

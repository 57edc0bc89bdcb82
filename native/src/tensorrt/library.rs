use std::ffi::c_int;
use std::path::{Path, PathBuf};

use libloading::Library;

use super::shim::{ABI, Entries, Entry, Shim};
use super::version::Version;
use crate::elf;
use crate::fault::{Code, Fault, Outcome, told};

/// Majors that the shim's source is written for, the newest first.
const MAJORS: [i32; 2] = [11, 10];

const REMEDY: &str = "Install TensorRT (on a Jetson it comes with JetPack: apt-get install tensorrt), or state the folder of its libraries in NIGHTSHIFT_TENSORRT.";

/// TensorRT does not survive being unloaded, so whatever was loaded stays, also where it is of no use.
fn leaked(library: Library) -> &'static Library {
    Box::leak(Box::new(library))
}

/// TensorRT's libraries with the shim that speaks to them.
pub struct TensorRt {
    pub version: Version,
    /// Of the headers that the shim was built with.
    pub headers: Version,
    pub path: PathBuf,
    pub(super) shim: &'static Shim,
    pub(super) entries: Entries,
}

impl TensorRt {
    /// `folder`: of TensorRT's libraries; the system's own search where there is none. `shims`: the folder of the shims.
    pub fn load(folder: Option<&Path>, shims: &Path) -> Outcome<Self> {
        let (major, path, infer) = open_infer(folder)?;
        // Before anything else of the library's is called: what its number means is the same in all versions.
        let version = version_of(infer, &path)?;
        if !MAJORS.contains(&version.major) || version.major != major {
            return Err(wrong_version(&path, version, &format!("TensorRT {}", majors())));
        }
        let shim = open_shim(shims, version, &path)?;
        let parser_path = path.with_file_name(file_name("nvonnxparser", major));
        let parser = open(&parser_path)?;
        // SAFETY: TensorRT's headers declare these symbols with these types.
        let entries = unsafe {
            Entries {
                builder: symbol_of(infer, b"createInferBuilder_INTERNAL\0", &path)?,
                runtime: symbol_of(infer, b"createInferRuntime_INTERNAL\0", &path)?,
                refitter: symbol_of(infer, b"createInferRefitter_INTERNAL\0", &path)?,
                parser: symbol_of(parser, b"createNvOnnxParser_INTERNAL\0", &parser_path)?,
                parser_refitter: symbol_of(parser, b"createNvOnnxParserRefitter_INTERNAL\0", &parser_path)?,
            }
        };
        Ok(Self { version, headers: Version::of(shim.headers), path, shim, entries })
    }
}

fn majors() -> String {
    MAJORS.map(|major| format!("{major}.x")).join(" or ")
}

fn file_name(library: &str, major: i32) -> String {
    format!("lib{library}.so.{major}")
}

/// The newest that is there. One that is there and cannot be loaded is an error, not a reason to take another.
fn open_infer(folder: Option<&Path>) -> Outcome<(i32, PathBuf, &'static Library)> {
    let Some(folder) = folder else {
        for major in MAJORS {
            let name = file_name("nvinfer", major);
            match open(Path::new(&name)) {
                Ok(library) => return Ok((major, name.into(), library)),
                Err(fault) if is_absent(&fault, &name) => {}
                Err(fault) => return Err(fault),
            }
        }
        return Err(absent("the system's library folders"));
    };
    for major in MAJORS {
        let path = folder.join(file_name("nvinfer", major));
        if path.exists() {
            return Ok((major, path.clone(), open(&path)?));
        }
    }
    let others: Vec<String> = std::fs::read_dir(folder)
        .map(|entries| {
            entries
                .flatten()
                .filter_map(|entry| entry.file_name().into_string().ok())
                .filter(|name| name.starts_with("libnvinfer.so"))
                .collect()
        })
        .unwrap_or_default();
    if others.is_empty() { Err(absent(&folder.display().to_string())) } else { Err(unknown_major(folder, &others)) }
}

/// Whether the loader did not find the library itself; one that lacks another is there, and names that.
fn is_absent(fault: &Fault, name: &str) -> bool {
    fault.received.contains(&format!("{name}: cannot open shared object file: No such file"))
}

fn absent(place: &str) -> Fault {
    Fault::new(Code::TensorRtMissing, format!("{} in {place}", file_name("nvinfer", MAJORS[0])), "no such file", REMEDY)
}

fn unknown_major(folder: &Path, found: &[String]) -> Fault {
    Fault::new(
        Code::TensorRtVersion,
        format!("TensorRT {} in {}", majors(), folder.display()),
        found.join(", "),
        "Install a version of TensorRT that Nightshift knows.",
    )
}

fn open(path: &Path) -> Outcome<&'static Library> {
    let refused =
        |said: String, remedy: &str| Fault::new(Code::TensorRtMissing, format!("a library of TensorRT, {}", path.display()), said, remedy);
    // A bare name is looked up by the loader, who alone knows where.
    if path.parent().is_some_and(|folder| !folder.as_os_str().is_empty()) {
        match elf::fault_of(path) {
            Ok(None) => {}
            Ok(Some(fault)) => return Err(refused(fault, "The file is damaged: install TensorRT again.")),
            Err(error) => return Err(refused(told(&error), REMEDY)),
        }
    }
    // SAFETY: loading TensorRT runs nothing but its own start.
    unsafe { Library::new(path) }.map(leaked).map_err(|error| refused(told(&error), REMEDY))
}

/// # Safety
/// The symbol is of type `T`.
unsafe fn symbol_of<T: Copy>(library: &Library, symbol: &[u8], path: &Path) -> Outcome<T> {
    // SAFETY: as the caller promises.
    unsafe { library.get::<T>(symbol) }.map(|found| *found).map_err(|error| {
        Fault::new(
            Code::TensorRtMissing,
            format!("a library of TensorRT, {}", path.display()),
            told(&error),
            "This is another library by that name, or a part of TensorRT that cannot build engines: install the whole of TensorRT.",
        )
    })
}

fn version_of(library: &Library, path: &Path) -> Outcome<Version> {
    // SAFETY: in every version of TensorRT this function takes nothing and answers with a number.
    unsafe {
        let number: unsafe extern "C" fn() -> c_int = symbol_of(library, b"getInferLibVersion\0", path)?;
        Ok(Version::of(number()))
    }
}

fn wrong_version(path: &Path, found: Version, expected: &str) -> Fault {
    Fault::new(
        Code::TensorRtVersion,
        expected,
        format!("TensorRT {found} in {}", path.display()),
        "Install the version of TensorRT that was expected, or build Nightshift's shim for this one: npm run build:tensorrt with its headers installed.",
    )
}

/// The shim for the library's major version.
fn open_shim(folder: &Path, version: Version, library: &Path) -> Outcome<&'static Shim> {
    let path = folder.join(format!("libnightshift_tensorrt_{}.so", version.major));
    if !path.exists() {
        let known: Vec<String> = MAJORS
            .iter()
            .filter(|major| folder.join(format!("libnightshift_tensorrt_{major}.so")).exists())
            .map(|major| format!("TensorRT {major}.x"))
            .collect();
        let expected = if known.is_empty() { "a shim for TensorRT (none is built)".to_owned() } else { known.join(" or ") };
        return Err(wrong_version(library, version, &expected));
    }
    let broken = |said: String| {
        Fault::new(Code::TensorRtVersion, format!("Nightshift's shim {}", path.display()), said, "Build it again: npm run build:tensorrt.")
    };
    if let Some(fault) = elf::fault_of(&path).map_err(|error| broken(told(&error)))? {
        return Err(broken(fault));
    }
    // SAFETY: the shim does nothing when it is loaded.
    let loaded = unsafe { Library::new(&path) }.map(leaked).map_err(|error| broken(told(&error)))?;
    // SAFETY: shim.h declares the symbol with this type.
    let shim = unsafe { loaded.get::<Entry>(b"nightshift_tensorrt_shim\0").map(|entry| entry()) }.map_err(|error| broken(told(&error)))?;
    // SAFETY: the shim's table is a constant of a library that is never unloaded.
    let shim = unsafe { shim.as_ref() }.ok_or_else(|| broken("no table".to_owned()))?;
    if shim.abi != ABI {
        return Err(broken(format!("a shim of revision {} where {ABI} is spoken", shim.abi)));
    }
    let headers = Version::of(shim.headers);
    if headers.major != version.major {
        return Err(wrong_version(library, version, &format!("TensorRT {}.x, for which {} was built", headers.major, path.display())));
    }
    Ok(shim)
}

#[cfg(test)]
mod tests {
    use std::ffi::c_void;

    use super::*;
    use crate::tensorrt::Build;
    use crate::tensorrt::{log, shim};

    unsafe extern "C" fn creates_nothing(_: *mut c_void, _: i32) -> *mut c_void {
        std::ptr::null_mut()
    }

    unsafe extern "C" fn depends_on_nothing(_: *mut c_void, _: *mut c_void, _: c_int) -> *mut c_void {
        std::ptr::null_mut()
    }

    #[test]
    fn a_shim_that_was_built_is_of_this_revision_and_tells_what_tensorrt_did_not_create() {
        let shims = Path::new(env!("CARGO_MANIFEST_DIR"));
        for major in MAJORS {
            let version = Version { major, minor: 0, patch: 0 };
            if !shims.join(format!("libnightshift_tensorrt_{major}.so")).exists() {
                eprintln!("SKIPPED: there is no shim for TensorRT {major}; npm run build:tensorrt builds it");
                continue;
            }
            let shim = open_shim(shims, version, Path::new("libnvinfer.so")).unwrap();
            let (builder, refitter) = (creates_nothing, depends_on_nothing);
            let entries = Entries { builder, runtime: builder, refitter, parser: refitter, parser_refitter: refitter };
            let mut engine = std::ptr::null_mut();
            // SAFETY: pointers live until the call returns; nothing is created.
            let status = unsafe { (shim.engine_open)(&entries, log::write, [0u8].as_ptr(), 1, -1, &mut engine) };
            assert_eq!((status, engine.is_null()), (shim::NOT_CREATED, true));
            let tensor_rt = TensorRt { version, headers: Version::of(shim.headers), path: PathBuf::new(), shim, entries };
            let built = tensor_rt.build(&[], &Build::default(), &mut |_, _| true);
            assert_eq!(built.err().map(|fault| fault.expected), Some("TensorRT's builder or runtime".to_owned()));
        }
    }
}

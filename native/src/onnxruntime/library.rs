use std::ffi::CStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use libloading::Library;
use ort::environment::Environment;
use ort::sys::OrtApiBase;

use super::provider::Provider;
use crate::elf;
use crate::fault::{Code, Fault, Outcome, told};

/// Of ONNX Runtime 1.x, the oldest that has all that is called.
const OLDEST_MINOR: u32 = ort::MINOR_VERSION;

const REMEDY: &str =
    "State the path of libonnxruntime.so in NIGHTSHIFT_ONNXRUNTIME, or install the package onnxruntime-node again, which has one.";

/// A process has one ONNX Runtime. It is never let go: its threads do not survive that.
static LOADED: Mutex<Option<Arc<OnnxRuntime>>> = Mutex::new(None);

/// ONNX Runtime's library, loaded.
pub struct OnnxRuntime {
    pub path: PathBuf,
    /// For example `1.30.0`.
    pub version: String,
    pub(super) environment: Environment,
}

impl OnnxRuntime {
    /// Loads the library, or answers with it where it is loaded already; a second one beside it is refused.
    pub fn load(path: &Path) -> Outcome<Arc<Self>> {
        let path = path.canonicalize().map_err(|error| unusable(path, told(&error)))?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = loaded.as_ref() {
            return if runtime.path == path { Ok(runtime.clone()) } else { Err(second(&runtime.path, &path)) };
        }
        let version = version_of(&path)?;
        let environment = ort::init_from(&path)
            .map_err(|error| unusable(&path, told(&error)))?
            .with_name("nightshift")
            .with_telemetry(false)
            .build()
            .map_err(|error| unusable(&path, error.message().trim().to_owned()))?;
        let runtime = Arc::new(Self { path, version, environment });
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// Whether sessions can run on a provider here; an error that says why where they cannot.
    pub fn check(&self, provider: Provider) -> Outcome<()> {
        provider.register(self.builder()?, true).map(|_| ())
    }

    pub(super) fn builder(&self) -> Outcome<ort::session::builder::SessionBuilder> {
        ort::session::Session::builder(&self.environment).map_err(|error| unusable(&self.path, error.message().trim().to_owned()))
    }
}

fn unusable(path: &Path, said: String) -> Fault {
    Fault::new(Code::OnnxRuntime, format!("the library of ONNX Runtime 1.{OLDEST_MINOR} or later, {}", path.display()), said, REMEDY)
}

fn second(loaded: &Path, asked: &Path) -> Fault {
    Fault::new(
        Code::OnnxRuntime,
        format!("one ONNX Runtime in a process, {}", loaded.display()),
        asked.display().to_string(),
        "Use the same library everywhere in this process.",
    )
}

/// The version that a library states. Looked at before the crate `ort` sees the library, as that ends with a panic where one is something else.
fn version_of(path: &Path) -> Outcome<String> {
    match elf::fault_of(path) {
        Ok(None) => {}
        Ok(Some(fault)) => return Err(unusable(path, fault)),
        Err(error) => return Err(unusable(path, told(&error))),
    }
    // SAFETY: loading ONNX Runtime runs nothing but its own start. It stays, as it does not survive being unloaded.
    let library: &'static Library =
        unsafe { Library::new(path) }.map(|library| Box::leak(Box::new(library)) as _).map_err(|error| unusable(path, told(&error)))?;
    // SAFETY: in every version this function takes nothing and answers with a table that begins with the same two functions, of which the second answers with text.
    let version = unsafe {
        let base =
            library.get::<unsafe extern "C" fn() -> *const OrtApiBase>(b"OrtGetApiBase\0").map_err(|error| unusable(path, told(&error)))?()
                .as_ref()
                .ok_or_else(|| unusable(path, "no table of functions".to_owned()))?;
        CStr::from_ptr((base.GetVersionString)()).to_string_lossy().into_owned()
    };
    if fits(&version) { Ok(version) } else { Err(unusable(path, format!("ONNX Runtime {version}"))) }
}

fn fits(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().ok());
    matches!((parts.next().flatten(), parts.next().flatten()), (Some(1), Some(minor)) if minor >= OLDEST_MINOR)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The library of the package onnxruntime-node, where that is installed.
    pub fn packaged() -> Option<Arc<OnnxRuntime>> {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../node_modules/onnxruntime-node/bin/napi-v6/linux").join(architecture);
        let path = folder.join("libonnxruntime.so.1");
        path.exists().then(|| OnnxRuntime::load(&path).unwrap())
    }

    #[test]
    fn only_versions_that_have_the_api_fit() {
        for version in ["1.17.0", "1.30.0", "1.31"] {
            assert!(fits(version), "{version}");
        }
        for version in ["1.16.3", "2.0.0", "0.9", "1", "", "one.thirty"] {
            assert!(!fits(version), "{version}");
        }
    }

    #[test]
    fn what_is_no_onnx_runtime_is_refused_before_it_is_asked_anything() {
        let missing = OnnxRuntime::load(Path::new("/nowhere/libonnxruntime.so")).err();
        assert!(missing.is_some_and(|fault| fault.code == Code::OnnxRuntime && fault.received.contains("No such file")));
        let file = std::env::temp_dir().join(format!("nightshift-onnxruntime-{}", std::process::id()));
        std::fs::write(&file, [0; 100]).unwrap();
        let other = version_of(&file).map_err(|fault| (fault.code, fault.received));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(other, Err((Code::OnnxRuntime, "no 64-bit ELF library".to_owned())));
    }

    #[test]
    fn a_process_has_one_onnx_runtime_whose_providers_are_those_that_are_there() {
        let Some(runtime) = packaged() else { return eprintln!("SKIPPED: node_modules has no ONNX Runtime; npm ci installs it") };
        assert!(OnnxRuntime::load(&runtime.path).is_ok_and(|again| Arc::ptr_eq(&again, &runtime)));
        let second = std::env::current_exe().map(|path| OnnxRuntime::load(&path).err()).unwrap();
        assert!(second.is_some_and(|fault| fault.code == Code::OnnxRuntime && fault.expected.contains("one ONNX Runtime in a process")));
        assert_eq!(runtime.check(Provider::Cpu), Ok(()));
        for provider in [Provider::Cuda, Provider::TensorRt] {
            let library = runtime.path.with_file_name(format!("libonnxruntime_providers_{}.so", provider.name()));
            if !library.exists() {
                assert_eq!(runtime.check(provider).map_err(|fault| fault.code), Err(Code::Provider));
            }
        }
    }
}

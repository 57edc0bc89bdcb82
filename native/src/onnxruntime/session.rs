use std::sync::Arc;

use ort::logging::LogLevel;
use ort::memory::{AllocationDevice, AllocatorType, MemoryInfo, MemoryType};
use ort::session::IoBinding;
use ort::session::builder::SessionBuilder;
use ort::value::DynTensor;

use super::library::OnnxRuntime;
use super::provider::Provider;
use super::tensor::{HostTensor, OwnedTensor, refused};
use crate::fault::{Code, Fault, Outcome};

/// Microseconds that a thread waits for its next operator before it sleeps: `sdk/engine/onnxruntime.ts` says why.
const SPIN_US: &str = "50";

/// How a model is run; `sdk/engine/onnxruntime.ts` says what each is for.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub threads: usize,
    pub spinning: bool,
    pub memory_pattern: bool,
    pub arena: bool,
    pub provider: Provider,
}

/// A model that can be run.
pub struct Session {
    pub(super) session: ort::session::Session,
    pub(super) provider: Provider,
}

impl Session {
    pub fn open(runtime: &Arc<OnnxRuntime>, model: &[u8], settings: Settings) -> Outcome<Self> {
        let Settings { provider, arena, .. } = settings;
        let builder = provider.register(runtime.builder()?, arena)?;
        let session = configured(builder, settings)
            .and_then(|mut builder| builder.commit_from_memory(model))
            .map_err(|error| not_run(provider, error.message().trim()))?;
        Ok(Self { session, provider })
    }

    pub fn inputs(&self) -> impl Iterator<Item = &str> + Clone {
        self.session.inputs().iter().map(|input| input.name())
    }

    pub fn outputs(&self) -> impl Iterator<Item = &str> + Clone {
        self.session.outputs().iter().map(|output| output.name())
    }

    /// Runs once, reading the inputs where they are.
    pub fn run(&mut self, feeds: &[HostTensor]) -> Outcome<Vec<OwnedTensor>> {
        check_names(self.inputs(), feeds)?;
        let mut binding = self.session.create_binding().map_err(|error| refused(&error))?;
        bind(&mut binding, feeds)?;
        for output in self.session.outputs() {
            binding.bind_output_to_device(output.name(), &host()?).map_err(|error| refused(&error))?;
        }
        let outputs = self.session.run_binding(&binding).map_err(|error| refused(&error))?;
        outputs.into_iter().map(|(name, value)| OwnedTensor::of(name, &tensor_of(name, value)?)).collect()
    }
}

/// There must be a tensor for every input, and none besides: ONNX Runtime would ignore that.
pub(super) fn check_names<'a>(inputs: impl Iterator<Item = &'a str> + Clone, feeds: &[HostTensor]) -> Outcome<()> {
    if let Some(stranger) = feeds.iter().find(|feed| !inputs.clone().any(|input| input == feed.name)) {
        return Err(names(inputs, format!("an input {:?}", stranger.name)));
    }
    match inputs.clone().find(|input| !feeds.iter().any(|feed| feed.name == *input)) {
        Some(lacking) => Err(names(inputs, format!("no {lacking}"))),
        None => Ok(()),
    }
}

pub(super) fn names<'a>(inputs: impl Iterator<Item = &'a str>, received: String) -> Fault {
    Fault::new(Code::Engine, format!("inputs {}", inputs.collect::<Vec<_>>().join(", ")), received, "Check the names of the inputs.")
}

fn configured(
    builder: SessionBuilder,
    Settings { threads, spinning, memory_pattern, provider, .. }: Settings,
) -> ort::Result<SessionBuilder> {
    let mut builder = builder
        .with_intra_threads(threads)?
        .with_inter_threads(1)?
        .with_memory_pattern(memory_pattern)?
        .with_log_level(LogLevel::Error)?
        .with_flush_to_zero()?;
    // Multiplies uint8 by uint8, slower, where uint8 by int8 saturates. Processors with VNNI, which do not, would heed it too.
    if !has_vnni() {
        builder = builder.with_config_entry("session.x64quantprecision", "1")?;
    }
    if !spinning {
        builder = builder.with_config_entry("session.intra_op.spin_duration_us", SPIN_US)?;
    }
    // Nodes that the provider asked for cannot run are an error, not the CPU's.
    Ok(if provider == Provider::Cpu { builder } else { builder.with_disable_cpu_fallback()? })
}

#[cfg(target_arch = "x86_64")]
fn has_vnni() -> bool {
    std::arch::is_x86_feature_detected!("avx512vnni") || std::arch::is_x86_feature_detected!("avxvnni")
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_vnni() -> bool {
    false
}

fn not_run(provider: Provider, said: &str) -> Fault {
    let code = if provider == Provider::Cpu { Code::Engine } else { Code::Provider };
    Fault::new(
        code,
        format!("an ONNX model that ONNX Runtime can run on {}", provider.name()),
        said,
        "Check the model with `nightshift inspect`, or choose another provider.",
    )
}

/// Memory of the host's, where answers go.
pub(super) fn host() -> Outcome<MemoryInfo<'static>> {
    MemoryInfo::new(AllocationDevice::CPU, 0, AllocatorType::Device, MemoryType::Default).map_err(|error| refused(&error))
}

/// Binds inputs where they are. They must not be read after their memory has gone: whoever runs the binding again binds all of them again.
pub(super) fn bind(binding: &mut IoBinding, feeds: &[HostTensor]) -> Outcome<()> {
    for feed in feeds {
        // SAFETY: the caller holds the memory until the run has ended, and nothing runs later without other memory.
        let tensor = unsafe { feed.borrowed()? };
        binding.bind_input(feed.name, &tensor).map_err(|error| refused(&error))?;
    }
    Ok(())
}

pub(super) fn tensor_of(name: &str, value: ort::value::DynValue) -> Outcome<DynTensor> {
    value.downcast().map_err(|error| {
        Fault::new(Code::Engine, format!("a tensor as output {name}"), error.message().trim(), "Take the tensors out inside the model.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_has_its_tensor_and_no_other_is_taken() {
        let check = |given: &[&str]| {
            let feeds = given.iter().map(|name| HostTensor::new(name, "uint8", &[1], &[0])).collect::<Outcome<Vec<_>>>().unwrap();
            check_names(["frame", "text"].into_iter(), &feeds).map_err(|fault| (fault.code, fault.received))
        };
        assert_eq!(check(&["text", "frame"]), Ok(()));
        assert_eq!(check(&["frame"]), Err((Code::Engine, "no text".to_owned())));
        assert_eq!(check(&["frame", "text", "x"]), Err((Code::Engine, "an input \"x\"".to_owned())));
    }
}

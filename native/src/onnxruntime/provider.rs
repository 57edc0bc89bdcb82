use ort::ep::{CPU, CUDA, ExecutionProviderDispatch, TensorRT};
use ort::memory::AllocationDevice;
use ort::session::builder::SessionBuilder;

use crate::fault::{Code, Fault, Outcome};

/// Who runs a model's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    Cpu,
    Cuda,
    TensorRt,
}

const ALL: [(&str, Provider); 3] = [("cpu", Provider::Cpu), ("cuda", Provider::Cuda), ("tensorrt", Provider::TensorRt)];

impl Provider {
    pub fn of(name: &str) -> Outcome<Self> {
        ALL.iter().find(|(known, _)| *known == name).map(|(_, provider)| *provider).ok_or_else(|| {
            let known = ALL.map(|(known, _)| known).join(", ");
            Fault::new(
                Code::Provider,
                format!("one of {known}"),
                format!("{name:?}"),
                "Choose one of the providers that the native module knows.",
            )
        })
    }

    pub fn name(self) -> &'static str {
        ALL.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// Where its tensors lie.
    pub fn memory(self) -> AllocationDevice<'static> {
        match self {
            Provider::Cpu => AllocationDevice::CPU,
            Provider::Cuda | Provider::TensorRt => AllocationDevice::CUDA,
        }
    }

    /// Makes sessions run on it; where it is not there, that is told and nothing else is taken.
    pub fn register(self, builder: SessionBuilder, arena: bool) -> Outcome<SessionBuilder> {
        let provider: ExecutionProviderDispatch = match self {
            // Said either way, as the crate turns it off where nothing is said.
            Provider::Cpu => CPU::default().with_arena_allocator(arena).build(),
            Provider::Cuda => CUDA::default().build(),
            Provider::TensorRt => TensorRT::default().build(),
        };
        builder.with_execution_providers([provider.error_on_failure()]).map_err(|error| self.missing(error.message().trim()))
    }

    fn missing(self, said: &str) -> Fault {
        Fault::new(
            Code::Provider,
            format!("an ONNX Runtime with the provider {}", self.name()),
            said,
            "Choose another provider, or state an ONNX Runtime that has this one, with its libraries beside it, in NIGHTSHIFT_ONNXRUNTIME.",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_goes_by_its_name_and_no_other_is_taken() {
        for (name, provider) in ALL {
            assert_eq!(Provider::of(name), Ok(provider));
            assert_eq!(provider.name(), name);
        }
        assert_eq!(Provider::of("CUDA").map_err(|fault| (fault.code, fault.received)), Err((Code::Provider, "\"CUDA\"".to_owned())));
    }
}

use std::sync::Arc;

use ort::memory::{Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::IoBinding;
use ort::value::DynTensor;

use super::library::OnnxRuntime;
use super::provider::Provider;
use super::session::{Session, Settings, bind, check_names, host, names, tensor_of};
use super::tensor::{HostTensor, OwnedTensor, bytes_of, fill, refused};
use crate::fault::{Code, Fault, Outcome};

/// A model whose state goes from one run to the next without leaving the provider's memory. There is one copy of it: a run writes the next where it read the
/// present, so the model must have read what it overwrites (`writeStep` in `sdk/network/steps` sees to it), and keep the state itself where a step goes wrong.
pub struct Steps {
    // Dropped in this order: what was bound, what it was bound to, and the session that gave the memory.
    binding: IoBinding,
    state: Vec<DynTensor>,
    names: Vec<String>,
    /// Inputs that are not state.
    data: Vec<String>,
    /// Of the names of the outputs that are the next state.
    prefix: String,
    session: Session,
}

impl Steps {
    /// For every tensor of `state` the model has an input of that name, and an output of that name after `prefix`.
    pub fn open(runtime: &Arc<OnnxRuntime>, model: &[u8], settings: Settings, state: &[HostTensor], prefix: &str) -> Outcome<Self> {
        let session = Session::open(runtime, model, settings)?;
        let names: Vec<String> = state.iter().map(|tensor| tensor.name.to_owned()).collect();
        let next = |name: &str| format!("{prefix}{name}");
        for name in &names {
            if !session.inputs().any(|input| input == name) || !session.outputs().any(|output| output == next(name)) {
                let expected = format!("an input {name} and an output {}", next(name));
                return Err(Fault::new(Code::Engine, expected, "not both", "Give as state what the model hands on."));
            }
        }
        let allocator = memory_of(&session)?;
        let mut state = state.iter().map(|tensor| tensor.copied(&allocator)).collect::<Outcome<Vec<_>>>()?;
        let mut binding = session.session.create_binding().map_err(|error| refused(&error))?;
        for (name, tensor) in names.iter().zip(&mut state) {
            binding.bind_input(name, &*tensor).map_err(|error| refused(&error))?;
            binding.bind_output(next(name), tensor).map_err(|error| refused(&error))?;
        }
        for output in session.outputs().filter(|output| !is_state(output, prefix, &names)) {
            binding.bind_output_to_device(output, &host()?).map_err(|error| refused(&error))?;
        }
        let data = session.inputs().filter(|input| !names.iter().any(|name| name == input)).map(str::to_owned).collect();
        Ok(Self { binding, state, names, data, prefix: prefix.to_owned(), session })
    }

    /// Goes from the present state to the next. Answers with the outputs that are not state.
    pub fn step(&mut self, feeds: &[HostTensor]) -> Outcome<Vec<OwnedTensor>> {
        // Of the step before nothing may be read: what was bound for it is gone.
        check_names(self.data.iter().map(String::as_str), feeds)?;
        bind(&mut self.binding, feeds)?;
        let outputs = self.session.session.run_binding(&self.binding).map_err(|error| refused(&error))?;
        outputs
            .into_iter()
            .filter(|(name, _)| !is_state(name, &self.prefix, &self.names))
            .map(|(name, value)| OwnedTensor::of(name, &tensor_of(name, value)?))
            .collect()
    }

    /// A copy of a tensor of the present state.
    pub fn read(&self, name: &str) -> Outcome<Vec<u8>> {
        bytes_of(&self.state[self.place(name)?])
    }

    /// Replaces a tensor of the present state.
    pub fn write(&mut self, name: &str, data: &[u8]) -> Outcome<()> {
        let at = self.place(name)?;
        fill(&mut self.state[at], data)
    }

    fn place(&self, name: &str) -> Outcome<usize> {
        self.names.iter().position(|known| known == name).ok_or_else(|| names(self.names.iter().map(String::as_str), format!("{name:?}")))
    }
}

fn is_state(output: &str, prefix: &str, names: &[String]) -> bool {
    output.strip_prefix(prefix).is_some_and(|name| names.iter().any(|known| known == name))
}

/// Where state is kept: on the CPU in memory of exactly its size, on a device in the provider's.
fn memory_of(session: &Session) -> Outcome<Allocator> {
    if session.provider == Provider::Cpu {
        return Ok(Allocator::default());
    }
    MemoryInfo::new(session.provider.memory(), 0, AllocatorType::Device, MemoryType::Default)
        .and_then(|place| Allocator::new(&session.session, place))
        .map_err(|error| Fault::new(Code::Gpu, "memory on the device for the state", error.message().trim(), "See `nvidia-smi`."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_state_only_where_its_input_is() {
        let names = ["student/a".to_owned()];
        assert!(is_state("next/student/a", "next/", &names));
        for other in ["student/a", "next/student/b", "loss", "next/"] {
            assert!(!is_state(other, "next/", &names), "{other}");
        }
    }
}

use std::collections::HashMap;
use std::ffi::{CStr, CString, c_void};
use std::sync::Arc;

use super::library::TensorRt;
use super::log;
use super::shim::{self, Bytes};
use crate::cuda::{Cuda, Device, Slot};
use crate::fault::{Code, Fault, Outcome};

/// An input or output of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    pub name: String,
    pub is_input: bool,
    /// As ONNX calls them: `float32`, `uint8`, ...
    pub dtype: &'static str,
    pub shape: Vec<i64>,
    pub bytes: usize,
}

/// Name and bytes of TensorRT's data types, as far as Nightshift's graphs have them at their borders.
fn dtype_of(number: i32) -> Option<(&'static str, usize)> {
    Some(match number {
        0 => ("float32", 4),
        1 => ("float16", 2),
        2 => ("int8", 1),
        3 => ("int32", 4),
        4 => ("bool", 1),
        5 => ("uint8", 1),
        8 => ("int64", 8),
        _ => return None,
    })
}

fn describe(tensor: &shim::Tensor) -> Outcome<TensorInfo> {
    // SAFETY: the shim gives a C string that lives as long as the engine.
    let name = unsafe { CStr::from_ptr(tensor.name) }.to_string_lossy().into_owned();
    let refused = |what: String| {
        Fault::new(
            Code::TensorRt,
            format!("a tensor {name} of a known type and a fixed shape"),
            what,
            "Export the model with fixed shapes.",
        )
    };
    let (dtype, size) = dtype_of(tensor.data_type).ok_or_else(|| refused(format!("TensorRT's data type {}", tensor.data_type)))?;
    let rank = usize::try_from(tensor.rank).unwrap_or(0).min(shim::MOST_DIMENSIONS);
    let shape = tensor.shape[..rank].to_vec();
    let count = shape.iter().try_fold(1usize, |count, extent| usize::try_from(*extent).ok().and_then(|extent| count.checked_mul(extent)));
    let bytes = count.and_then(|count| count.checked_mul(size)).ok_or_else(|| refused(format!("shape {shape:?}")))?;
    Ok(TensorInfo { name, is_input: tensor.is_input != 0, dtype, shape, bytes })
}

/// An engine on the device with its buffers. One run at a time.
pub struct Engine {
    tensor_rt: Arc<TensorRt>,
    cuda: Arc<Cuda>,
    // Before the engine that they are bound to goes, nothing runs any more: `run` waits.
    slots: Vec<(TensorInfo, Slot<Cuda>)>,
    handle: *mut shim::Engine,
}

// SAFETY: TensorRT's engine may be used by any one thread at a time.
unsafe impl Send for Engine {}

impl Engine {
    /// Puts an engine that was built before onto the device. `dla_core`: the accelerator that it runs on, where it was built for one.
    /// Where `onnx` is given, its weights replace those of the plan: the engine is a new one in any case, whatever runs of the same plan
    /// goes on with its own weights.
    pub fn open(tensor_rt: Arc<TensorRt>, plan: &[u8], dla_core: Option<i32>, onnx: Option<&[u8]>) -> Outcome<Self> {
        let cuda = Cuda::open()?;
        let mark = log::mark();
        let mut handle = std::ptr::null_mut();
        // SAFETY: all pointers live until the call returns; the handle is closed by `drop`.
        let status = unsafe {
            let core = dla_core.unwrap_or(-1);
            (tensor_rt.shim.engine_open)(&tensor_rt.entries, log::write, plan.as_ptr(), plan.len(), core, &mut handle)
        };
        tensor_rt.check(status, &mark)?;
        let mut engine = Self { tensor_rt, cuda, slots: Vec::new(), handle };
        if let Some(onnx) = onnx {
            engine.refit(onnx)?;
        }
        engine.bind()?;
        Ok(engine)
    }

    pub fn tensors(&self) -> impl Iterator<Item = &TensorInfo> {
        self.slots.iter().map(|(info, _)| info)
    }

    /// Bytes on the device: activations and buffers. Weights come on top, as many as the plan has bytes.
    pub fn device_bytes(&self) -> u64 {
        // SAFETY: the handle is open.
        let activations = unsafe { (self.tensor_rt.shim.engine_device_bytes)(self.handle) };
        u64::try_from(activations).unwrap_or(0) + self.slots.iter().map(|(_, slot)| slot.bytes() as u64).sum::<u64>()
    }

    /// What TensorRT made of every layer, as JSON.
    pub fn inspect(&self) -> Outcome<String> {
        let mark = log::mark();
        let mut json = Bytes::NONE;
        // SAFETY: the handle is open; the output is taken below.
        let status = unsafe { (self.tensor_rt.shim.engine_inspect)(self.handle, &mut json) };
        let text = self.tensor_rt.take(json);
        self.tensor_rt.check(status, &mark)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Runs once and waits. `inputs`: every input's bytes by its name.
    pub fn run(&mut self, inputs: &HashMap<String, &[u8]>) -> Outcome<Vec<(String, Vec<u8>)>> {
        check_inputs(self.slots.iter().map(|(info, _)| info), inputs)?;
        self.cuda.attach()?;
        let ran = self.enqueue(inputs);
        // Also where something failed: buffers must not be touched while the stream is at work.
        let waited = self.cuda.wait();
        ran.and(waited)?;
        Ok(self.slots.iter().filter(|(info, _)| !info.is_input).map(|(info, slot)| (info.name.clone(), slot.host().to_vec())).collect())
    }

    fn enqueue(&mut self, inputs: &HashMap<String, &[u8]>) -> Outcome<()> {
        for (info, slot) in &mut self.slots {
            if let Some(data) = inputs.get(&info.name) {
                slot.upload(data)?;
            }
        }
        let mark = log::mark();
        // SAFETY: the handle is open, all its tensors are bound, and the stream is the context's.
        let status = unsafe { (self.tensor_rt.shim.engine_enqueue)(self.handle, self.cuda.stream()) };
        self.tensor_rt.check(status, &mark)?;
        self.slots.iter_mut().filter(|(info, _)| !info.is_input).try_for_each(|(_, slot)| slot.download())
    }

    fn refit(&mut self, onnx: &[u8]) -> Outcome<()> {
        let mark = log::mark();
        let mut unset = Bytes::NONE;
        // SAFETY: the handle is open and nothing runs; the output is taken below.
        let status = unsafe {
            (self.tensor_rt.shim.engine_refit)(&self.tensor_rt.entries, log::write, self.handle, onnx.as_ptr(), onnx.len(), &mut unset)
        };
        let names = self.tensor_rt.take(unset);
        if status == shim::WEIGHTS_UNSET {
            return Err(Fault::new(
                Code::TensorRt,
                "new weights for everything in the engine that can change",
                format!("none for {}", String::from_utf8_lossy(&names).trim().replace('\n', ", ")),
                "Build a new engine instead of refitting this one.",
            ));
        }
        self.tensor_rt.check(status, &mark)
    }

    fn bind(&mut self) -> Outcome<()> {
        let shim = self.tensor_rt.shim;
        // SAFETY: the handle is open.
        for index in 0..unsafe { (shim.engine_tensor_count)(self.handle) } {
            let mark = log::mark();
            let mut tensor = shim::Tensor { name: std::ptr::null(), is_input: 0, data_type: 0, rank: 0, shape: [0; shim::MOST_DIMENSIONS] };
            // SAFETY: the handle is open.
            self.tensor_rt.check(unsafe { (shim.engine_tensor)(self.handle, index, &mut tensor) }, &mark)?;
            let info = describe(&tensor)?;
            let slot = Slot::new(self.cuda.clone(), info.bytes)?;
            let name = CString::new(info.name.clone()).unwrap_or_default();
            // SAFETY: the handle is open, and the slot lives until it is closed.
            let status = unsafe { (shim.engine_bind)(self.handle, name.as_ptr(), slot.on_device() as usize as *mut c_void) };
            self.slots.push((info, slot));
            self.tensor_rt.check(status, &mark)?;
        }
        Ok(())
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // Nothing more can be done where this fails.
        let _ = self.cuda.attach();
        // SAFETY: open until here.
        unsafe { (self.tensor_rt.shim.engine_close)(self.handle) };
    }
}

fn check_inputs<'a>(tensors: impl Iterator<Item = &'a TensorInfo> + Clone, inputs: &HashMap<String, &[u8]>) -> Outcome<()> {
    let wanted = tensors.clone().filter(|info| info.is_input);
    let names = || wanted.clone().map(|info| format!("{} ({} bytes)", info.name, info.bytes)).collect::<Vec<_>>().join(", ");
    let refused =
        |what: String| Err(Fault::new(Code::TensorRt, format!("inputs {}", names()), what, "Check the names and sizes of the inputs."));
    for info in wanted.clone() {
        match inputs.get(&info.name) {
            None => return refused(format!("no {}", info.name)),
            Some(data) if data.len() != info.bytes => return refused(format!("{} of {} bytes", info.name, data.len())),
            Some(_) => {}
        }
    }
    match inputs.keys().find(|name| !wanted.clone().any(|info| info.name == **name)) {
        None => Ok(()),
        Some(stranger) => refused(format!("an input {stranger}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(name: &CStr, data_type: i32, shape: &[i64]) -> shim::Tensor {
        let mut all = [0; shim::MOST_DIMENSIONS];
        all[..shape.len()].copy_from_slice(shape);
        shim::Tensor { name: name.as_ptr(), is_input: 1, data_type, rank: shape.len() as i32, shape: all }
    }

    #[test]
    fn tensors_of_known_types_and_fixed_shapes_have_a_size() {
        let info = describe(&tensor(c"frame", 5, &[1, 48, 80, 3])).unwrap();
        assert_eq!((info.dtype, info.bytes, info.shape.as_slice()), ("uint8", 11520, [1, 48, 80, 3].as_slice()));
        assert_eq!(describe(&tensor(c"label", 8, &[100])).unwrap().bytes, 800);
        assert_eq!(describe(&tensor(c"scalar", 0, &[])).unwrap().bytes, 4);
        for (data_type, shape) in [(6, [4, 4]), (0, [-1, 4]), (0, [i64::MAX, i64::MAX])] {
            assert_eq!(describe(&tensor(c"odd", data_type, &shape)).unwrap_err().code, Code::TensorRt);
        }
    }

    #[test]
    fn inputs_that_do_not_fit_are_refused_by_name() {
        let tensors = [describe(&tensor(c"frame", 5, &[2, 2])).unwrap(), describe(&tensor(c"text", 0, &[2])).unwrap()];
        let four = [0u8; 4];
        let eight = [0u8; 8];
        let check = |inputs: &[(&str, &[u8])]| {
            let inputs = inputs.iter().map(|(name, data)| ((*name).to_owned(), *data)).collect();
            check_inputs(tensors.iter(), &inputs).map_err(|fault| fault.received)
        };
        assert_eq!(check(&[("frame", &four), ("text", &eight)]), Ok(()));
        assert_eq!(check(&[("frame", &four)]), Err("no text".to_owned()));
        assert_eq!(check(&[("frame", &eight), ("text", &eight)]), Err("frame of 8 bytes".to_owned()));
        assert_eq!(check(&[("frame", &four), ("text", &eight), ("x", &four)]), Err("an input x".to_owned()));
    }
}

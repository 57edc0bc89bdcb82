use std::ptr::NonNull;

use ort::AsPointer;
use ort::memory::{Allocator, MemoryInfo};
use ort::value::{DynTensor, TensorElementType};

use crate::fault::{Code, Fault, Outcome};

/// Element types that cross the boundary, by the names that `sdk/graph/tensor.ts` gives them.
const TYPES: [(&str, TensorElementType, usize); 8] = [
    ("float32", TensorElementType::Float32, 4),
    ("float64", TensorElementType::Float64, 8),
    ("float16", TensorElementType::Float16, 2),
    ("int32", TensorElementType::Int32, 4),
    ("int64", TensorElementType::Int64, 8),
    ("uint8", TensorElementType::Uint8, 1),
    ("int8", TensorElementType::Int8, 1),
    ("bool", TensorElementType::Bool, 1),
];

/// A tensor in memory of somebody else's.
pub struct HostTensor<'a> {
    pub name: &'a str,
    pub shape: &'a [i64],
    pub data: &'a [u8],
    element: TensorElementType,
}

/// A tensor on its way back.
#[derive(Debug)]
pub struct OwnedTensor {
    pub name: String,
    pub dtype: &'static str,
    pub shape: Vec<i64>,
    pub data: Vec<u8>,
}

pub fn refused(error: &ort::Error) -> Fault {
    Fault::new(
        Code::Engine,
        "inputs of the model's names, types and shapes",
        error.message().trim(),
        "Check the names, types and shapes of the inputs.",
    )
}

impl<'a> HostTensor<'a> {
    pub fn new(name: &'a str, dtype: &str, shape: &'a [i64], data: &'a [u8]) -> Outcome<Self> {
        let (_, element, width) = TYPES.iter().find(|(known, ..)| *known == dtype).ok_or_else(|| {
            let known = TYPES.map(|(known, ..)| known).join(", ");
            Fault::new(Code::Engine, format!("an element type of {known} for {name}"), dtype, "Cast the input before.")
        })?;
        let bytes = shape.iter().try_fold(*width, |bytes, size| usize::try_from(*size).ok()?.checked_mul(bytes));
        if bytes != Some(data.len()) {
            return Err(Fault::new(
                Code::Engine,
                format!("the bytes of {dtype} {shape:?} for {name}"),
                format!("{} bytes", data.len()),
                "Check the shape of the input.",
            ));
        }
        Ok(Self { name, shape, data, element: *element })
    }

    /// The same memory as a tensor of ONNX Runtime's.
    ///
    /// # Safety
    /// The memory outlives the tensor and all that it is bound to.
    pub unsafe fn borrowed(&self) -> Outcome<DynTensor> {
        let place = MemoryInfo::default();
        let mut value = std::ptr::null_mut();
        // SAFETY: ONNX Runtime only reads inputs, and the sizes were checked above.
        let made = unsafe {
            ort::Error::result_from_status((ort::api().CreateTensorWithDataAsOrtValue)(
                place.ptr(),
                self.data.as_ptr().cast_mut().cast(),
                self.data.len(),
                self.shape.as_ptr(),
                self.shape.len(),
                self.element.into(),
                &mut value,
            ))
        };
        made.map_err(|error| refused(&error))?;
        let value = NonNull::new(value).ok_or_else(|| Fault::new(Code::Internal, "a tensor", "none", "Report this: it is a fault."))?;
        // SAFETY: made just now, and nobody else's.
        Ok(unsafe { DynTensor::from_ptr(value, Some(&Allocator::default())) })
    }

    /// A tensor of its own in memory of `allocator`, with these numbers.
    pub fn copied(&self, allocator: &Allocator) -> Outcome<DynTensor> {
        let mut tensor = DynTensor::new(allocator, self.element, self.shape).map_err(|error| refused(&error))?;
        fill(&mut tensor, self.data)?;
        Ok(tensor)
    }
}

impl OwnedTensor {
    pub fn of(name: &str, tensor: &DynTensor) -> Outcome<Self> {
        let element = *tensor.data_type();
        let (dtype, ..) = TYPES.iter().find(|(_, known, _)| *known == element).ok_or_else(|| {
            Fault::new(
                Code::Engine,
                format!("output {name} of an element type that Nightshift knows"),
                element.to_string(),
                "Cast the output inside the model.",
            )
        })?;
        Ok(Self { name: name.to_owned(), dtype, shape: tensor.shape().to_vec(), data: bytes_of(tensor)? })
    }
}

/// Copies a tensor's numbers out, from wherever they are.
pub fn bytes_of(tensor: &DynTensor) -> Outcome<Vec<u8>> {
    if !tensor.memory_info().is_cpu_accessible() {
        return bytes_of(&to_host(tensor)?);
    }
    let Some(size) = tensor.size().filter(|size| *size > 0) else { return Ok(Vec::new()) };
    // SAFETY: a tensor in memory of the host's of this many bytes, which nobody writes meanwhile.
    Ok(unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<u8>(), size) }.to_vec())
}

/// Replaces a tensor's numbers, wherever they are.
pub fn fill(tensor: &mut DynTensor, data: &[u8]) -> Outcome<()> {
    let size = tensor.size().unwrap_or(0);
    if data.len() != size {
        return Err(Fault::new(
            Code::Engine,
            format!("{size} bytes"),
            format!("{} bytes", data.len()),
            "Give as many numbers as there are.",
        ));
    }
    if !tensor.memory_info().is_cpu_accessible() {
        return from_host(tensor, data);
    }
    if size > 0 {
        // SAFETY: a tensor in memory of the host's of this many bytes, which is borrowed for this alone.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), tensor.data_ptr_mut().cast::<u8>(), size) };
    }
    Ok(())
}

/// The same tensor in memory of the host's.
fn to_host(tensor: &DynTensor) -> Outcome<DynTensor> {
    let mut host = beside(tensor)?;
    tensor.copy_into(&mut host).map_err(|error| moved(&error))?;
    Ok(host)
}

fn from_host(tensor: &mut DynTensor, data: &[u8]) -> Outcome<()> {
    let mut host = beside(tensor)?;
    fill(&mut host, data)?;
    host.copy_into(tensor).map_err(|error| moved(&error))
}

fn beside(tensor: &DynTensor) -> Outcome<DynTensor> {
    DynTensor::new(&Allocator::default(), *tensor.data_type(), tensor.shape().clone()).map_err(|error| moved(&error))
}

fn moved(error: &ort::Error) -> Fault {
    Fault::new(Code::Gpu, "numbers moved between the host's memory and the device's", error.message().trim(), "See `nvidia-smi`.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnxruntime::library::tests::packaged;

    #[test]
    fn a_tensor_has_the_bytes_of_its_type_and_shape() {
        let twelve = [0u8; 12];
        let made = |dtype: &str, shape: &[i64]| {
            HostTensor::new("x", dtype, shape, &twelve).map(|_| ()).map_err(|fault| (fault.code, fault.received))
        };
        for (dtype, shape) in [("float32", vec![3]), ("int32", vec![1, 3, 1]), ("uint8", vec![2, 6]), ("float16", vec![3, 2])] {
            assert_eq!(made(dtype, &shape), Ok(()));
        }
        for (dtype, shape) in
            [("float32", vec![4]), ("int64", vec![1]), ("bool", vec![-12]), ("float32", vec![i64::MAX, i64::MAX]), ("uint8", vec![])]
        {
            assert_eq!(made(dtype, &shape), Err((Code::Engine, "12 bytes".to_owned())));
        }
        assert_eq!(made("string", &[12]), Err((Code::Engine, "string".to_owned())));
    }

    #[test]
    fn numbers_go_into_a_tensor_and_out_of_it_directly_and_by_a_copy_of_onnx_runtimes() {
        let Some(_runtime) = packaged() else { return eprintln!("SKIPPED: node_modules has no ONNX Runtime; npm ci installs it") };
        let numbers = [1.0f32, -2.0, 3.5].map(f32::to_ne_bytes).concat();
        let mut tensor = HostTensor::new("x", "float32", &[3, 1], &numbers).unwrap().copied(&Allocator::default()).unwrap();
        assert_eq!(bytes_of(&tensor), Ok(numbers.clone()));
        let others = [0.0f32, 7.0, -1.0].map(f32::to_ne_bytes).concat();
        from_host(&mut tensor, &others).unwrap();
        assert_eq!(to_host(&tensor).and_then(|host| bytes_of(&host)), Ok(others));
        assert_eq!(fill(&mut tensor, &numbers[1..]).map_err(|fault| fault.received), Err("11 bytes".to_owned()));
        let OwnedTensor { name, dtype, shape, data } = OwnedTensor::of("y", &tensor).unwrap();
        assert_eq!((name.as_str(), dtype, shape, data.len()), ("y", "float32", vec![3, 1], 12));
    }
}

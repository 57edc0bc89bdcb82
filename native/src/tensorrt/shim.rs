//! `shim/shim.h` in Rust.

use std::ffi::{c_char, c_int, c_void};

pub const ABI: i32 = 2;
pub const MOST_DIMENSIONS: usize = 8;

pub type Creator = unsafe extern "C" fn(*mut c_void, i32) -> *mut c_void;
pub type Dependent = unsafe extern "C" fn(*mut c_void, *mut c_void, c_int) -> *mut c_void;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Entries {
    pub builder: Creator,
    pub runtime: Creator,
    pub refitter: Dependent,
    pub parser: Dependent,
    pub parser_refitter: Dependent,
}

pub type Log = unsafe extern "C" fn(i32, *const c_char);

pub const PHASE_STARTS: i32 = 0;
pub const STEP_DONE: i32 = 1;
pub const PHASE_ENDS: i32 = 2;

pub type Progress = unsafe extern "C" fn(*mut c_void, i32, *const c_char, *const c_char, i32) -> i32;

pub const OK: i32 = 0;
pub const NOT_CREATED: i32 = 1;
pub const NOT_PARSED: i32 = 2;
pub const NOT_BUILT: i32 = 3;
pub const NOT_DESERIALIZED: i32 = 4;
pub const NOT_REFITTED: i32 = 5;
pub const WEIGHTS_UNSET: i32 = 6;
pub const NOT_RUN: i32 = 7;
pub const NO_MEMORY: i32 = 8;
pub const BAD_OPTION: i32 = 9;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub data: *mut u8,
    pub size: usize,
}

impl Bytes {
    pub const NONE: Self = Self { data: std::ptr::null_mut(), size: 0 };
}

#[repr(C)]
pub struct BuildOptions {
    pub workspace_bytes: u64,
    pub dla_core: i32,
    pub gpu_fallback: i32,
    pub refittable: i32,
    pub optimization_level: i32,
    pub timing_cache: *const u8,
    pub timing_cache_size: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Tensor {
    pub name: *const c_char,
    pub is_input: i32,
    pub data_type: i32,
    pub rank: i32,
    pub shape: [i64; MOST_DIMENSIONS],
}

#[repr(C)]
pub struct Engine {
    opaque: [u8; 0],
}

#[repr(C)]
pub struct Shim {
    pub abi: i32,
    pub headers: i32,
    pub release: unsafe extern "C" fn(Bytes),
    #[allow(clippy::type_complexity)]
    pub build: unsafe extern "C" fn(
        *const Entries,
        Log,
        Progress,
        *mut c_void,
        *const u8,
        usize,
        *const BuildOptions,
        *mut Bytes,
        *mut Bytes,
    ) -> i32,
    pub engine_open: unsafe extern "C" fn(*const Entries, Log, *const u8, usize, i32, *mut *mut Engine) -> i32,
    pub engine_refit: unsafe extern "C" fn(*const Entries, Log, *mut Engine, *const u8, usize, *mut Bytes) -> i32,
    pub engine_tensor_count: unsafe extern "C" fn(*const Engine) -> i32,
    pub engine_tensor: unsafe extern "C" fn(*const Engine, i32, *mut Tensor) -> i32,
    pub engine_device_bytes: unsafe extern "C" fn(*const Engine) -> i64,
    pub engine_inspect: unsafe extern "C" fn(*const Engine, *mut Bytes) -> i32,
    pub engine_bind: unsafe extern "C" fn(*mut Engine, *const c_char, *mut c_void) -> i32,
    pub engine_enqueue: unsafe extern "C" fn(*mut Engine, *mut c_void) -> i32,
    pub engine_close: unsafe extern "C" fn(*mut Engine),
}

pub type Entry = unsafe extern "C" fn() -> *const Shim;

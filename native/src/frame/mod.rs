//! Work on whole frames.

mod convert;

pub use convert::{bgr_to_rgb, nv12_to_rgb, yuyv_to_rgb};

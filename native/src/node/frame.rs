use napi::Result;
use napi::bindgen_prelude::Uint8ArraySlice;
use napi_derive::napi;

use crate::fault::Outcome;
use crate::frame;

/// From a frame of a width and height into packed RGB.
type Conversion = fn(&[u8], usize, usize, &mut [u8]) -> Outcome<()>;

fn convert(conversion: Conversion, source: &[u8], width: u32, height: u32, mut rgb: Uint8ArraySlice) -> Result<()> {
    // SAFETY: nobody else uses the memory while this call lasts; that it is not the source's too, `toRgb` sees to.
    let rgb = unsafe { rgb.as_mut() };
    Ok(conversion(source, width as usize, height as usize, rgb)?)
}

/// A plane of luma, then one of U and V at half the size. Throws `E_FRAME_SIZE`.
#[napi(catch_unwind)]
pub fn nv12_to_rgb(nv12: &[u8], width: u32, height: u32, rgb: Uint8ArraySlice) -> Result<()> {
    convert(frame::nv12_to_rgb, nv12, width, height, rgb)
}

/// Y, U, Y, V: two pixels in four bytes. Throws `E_FRAME_SIZE`.
#[napi(catch_unwind)]
pub fn yuyv_to_rgb(yuyv: &[u8], width: u32, height: u32, rgb: Uint8ArraySlice) -> Result<()> {
    convert(frame::yuyv_to_rgb, yuyv, width, height, rgb)
}

/// Throws `E_FRAME_SIZE`.
#[napi(catch_unwind)]
pub fn bgr_to_rgb(bgr: &[u8], width: u32, height: u32, rgb: Uint8ArraySlice) -> Result<()> {
    convert(frame::bgr_to_rgb, bgr, width, height, rgb)
}

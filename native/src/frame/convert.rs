//! What cameras deliver, as packed RGB. Colours as ITU-R BT.601 states them for studio range, which is what NV12 and YUYV of cameras are.

use crate::fault::{Code, Fault, Outcome};

/// Sizes that can be worked with, checked once: `source` and `rgb` have exactly the bytes that these pixels take.
fn check(width: usize, height: usize, source: usize, wanted: Option<usize>, rgb: usize) -> Outcome<()> {
    let pixels = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3));
    if wanted == Some(source) && pixels == Some(rgb) {
        return Ok(());
    }
    let stated = wanted.map_or("an even number of columns".to_owned(), |wanted| format!("{wanted} bytes"));
    Err(Fault::new(
        Code::FrameSize,
        format!("{stated} for {width} x {height} pixels, and room for {} bytes of RGB", pixels.unwrap_or(0)),
        format!("{source} bytes, and room for {rgb}"),
        "State the size and format of the frame as they are; rows must follow each other without gaps.",
    ))
}

/// The part of a colour that two neighbouring pixels share, in 1/65536, rounding included.
struct Chroma {
    red: i32,
    green: i32,
    blue: i32,
}

impl Chroma {
    #[inline(always)]
    fn of(u: u8, v: u8) -> Self {
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        Self { red: 104_597 * v + 32_768, green: -25_675 * u - 53_279 * v + 32_768, blue: 132_201 * u + 32_768 }
    }

    #[inline(always)]
    fn put(&self, y: u8, rgb: &mut [u8]) {
        let luma = 76_309 * (i32::from(y) - 16).max(0);
        rgb[0] = ((luma + self.red) >> 16).clamp(0, 255) as u8;
        rgb[1] = ((luma + self.green) >> 16).clamp(0, 255) as u8;
        rgb[2] = ((luma + self.blue) >> 16).clamp(0, 255) as u8;
    }
}

/// A plane of luma, then one of U and V at half the size, side by side.
pub fn nv12_to_rgb(nv12: &[u8], width: usize, height: usize, rgb: &mut [u8]) -> Outcome<()> {
    let luma = width.checked_mul(height);
    let wanted =
        luma.filter(|_| width.is_multiple_of(2) && height.is_multiple_of(2) && width > 0).and_then(|luma| luma.checked_add(luma / 2));
    check(width, height, nv12.len(), wanted, rgb.len())?;
    let (luma, chroma) = nv12.split_at(width * height);
    for (row, (line, out)) in luma.chunks_exact(width).zip(rgb.chunks_exact_mut(width * 3)).enumerate() {
        let shared = &chroma[row / 2 * width..][..width];
        for ((y, uv), out) in line.chunks_exact(2).zip(shared.chunks_exact(2)).zip(out.chunks_exact_mut(6)) {
            let chroma = Chroma::of(uv[0], uv[1]);
            chroma.put(y[0], &mut out[..3]);
            chroma.put(y[1], &mut out[3..]);
        }
    }
    Ok(())
}

/// Y, U, Y, V: two pixels in four bytes.
pub fn yuyv_to_rgb(yuyv: &[u8], width: usize, height: usize, rgb: &mut [u8]) -> Outcome<()> {
    let wanted = width.checked_mul(height).filter(|_| width.is_multiple_of(2)).and_then(|pixels| pixels.checked_mul(2));
    check(width, height, yuyv.len(), wanted, rgb.len())?;
    for (two, out) in yuyv.chunks_exact(4).zip(rgb.chunks_exact_mut(6)) {
        let chroma = Chroma::of(two[1], two[3]);
        chroma.put(two[0], &mut out[..3]);
        chroma.put(two[2], &mut out[3..]);
    }
    Ok(())
}

pub fn bgr_to_rgb(bgr: &[u8], width: usize, height: usize, rgb: &mut [u8]) -> Outcome<()> {
    let wanted = width.checked_mul(height).and_then(|pixels| pixels.checked_mul(3));
    check(width, height, bgr.len(), wanted, rgb.len())?;
    for (from, to) in bgr.chunks_exact(3).zip(rgb.chunks_exact_mut(3)) {
        to.copy_from_slice(&[from[2], from[1], from[0]]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_bt_601() {
        // Y, U, V and R, G, B of white, black, grey, red, green, blue in studio range.
        let table: [([u8; 3], [u8; 3]); 6] = [
            ([235, 128, 128], [255, 255, 255]),
            ([16, 128, 128], [0, 0, 0]),
            ([126, 128, 128], [128, 128, 128]),
            ([81, 90, 240], [254, 0, 0]),
            ([145, 54, 34], [0, 255, 1]),
            ([41, 240, 110], [0, 0, 255]),
        ];
        for ([y, u, v], colour) in table {
            let mut rgb = [7; 12];
            nv12_to_rgb(&[y, y, y, y, u, v], 2, 2, &mut rgb).unwrap();
            for pixel in rgb.chunks(3) {
                for (value, wanted) in pixel.iter().zip(colour) {
                    assert!(value.abs_diff(wanted) <= 1, "{y} {u} {v}: {pixel:?} instead of {colour:?}");
                }
            }
            let mut other = [7; 6];
            yuyv_to_rgb(&[y, u, y, v], 2, 1, &mut other).unwrap();
            assert_eq!(other, rgb[..6]);
        }
    }

    #[test]
    fn pixels_keep_their_places() {
        let mut rgb = [0; 36];
        let luma = [16, 235, 16, 16, 235, 16, 16, 16, 16, 16, 16, 235];
        nv12_to_rgb(&[&luma[..], &[128; 6]].concat(), 6, 2, &mut rgb).unwrap();
        let lit: Vec<usize> = rgb.chunks(3).enumerate().filter(|(_, pixel)| pixel[0] == 255).map(|(at, _)| at).collect();
        assert_eq!(lit, [1, 4, 11]);
        let mut turned = [0; 6];
        bgr_to_rgb(&[1, 2, 3, 4, 5, 6], 2, 1, &mut turned).unwrap();
        assert_eq!(turned, [3, 2, 1, 6, 5, 4]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let mut rgb = [0; 12];
        for (bytes, width, height) in [(5, 2, 2), (6, 3, 2), (6, 2, 1), (0, 0, 0), (6, usize::MAX, 2)] {
            assert_eq!(nv12_to_rgb(&vec![0; bytes], width, height, &mut rgb).unwrap_err().code, Code::FrameSize);
        }
        assert!(yuyv_to_rgb(&[0; 8], 2, 2, &mut rgb[..11]).is_err());
        assert!(yuyv_to_rgb(&[0; 6], 3, 1, &mut rgb[..9]).is_err());
        assert!(bgr_to_rgb(&[0; 11], 2, 2, &mut rgb).is_err());
    }
}

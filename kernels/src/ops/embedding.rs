//! Rows of a table by index.

use super::check;
use crate::cuda;
use crate::profile::{self, Work};
use crate::storage::Buffer;
use crate::tensor::Elements;
use crate::{DType, Device, KernelError, Result, Shape, Tensor};

/// `table: [entries, channels]` of any dtype, `ids` in `0..entries` laid out as `shape` → `[shape.., channels]`: float32 on
/// the CPU, of the table's dtype on CUDA devices.
pub fn embedding(table: &Tensor, ids: &[u32], shape: impl Into<Shape>) -> Result<Tensor> {
    const OP: &str = "embedding";
    let [entries, channels] = check::dims(OP, "table", "[entries, channels]", table)?;
    let shape = shape.into();
    if shape.checked_len() != Some(ids.len()) {
        return Err(KernelError::shape(OP, format!("{} ids do not fill {shape}", ids.len())));
    }
    if let Some(id) = ids.iter().find(|&&id| id as usize >= entries) {
        return Err(KernelError::parameter(OP, format!("id {id} is not in 0..{entries}")));
    }
    let mut dims = shape.dims().to_vec();
    dims.push(channels);
    let shape = Shape::from(dims);
    match table.device() {
        Device::Cpu => {
            let _timer =
                profile::on_host(OP, || Work { bytes: 2 * shape.len() * table.dtype().size(), ..Work::default() });
            let mut out = Buffer::zeroed_f32(&shape)?;
            match table.elements(OP)? {
                Elements::F32(table) => gather(table, ids, channels, &mut out, |x| x),
                Elements::F16(table) => gather(table, ids, channels, &mut out, |x| x.to_f32()),
                Elements::BF16(table) => gather(table, ids, channels, &mut out, |x| x.to_f32()),
            }
            Ok(Tensor::from_buffer(out, DType::F32, shape))
        }
        Device::Cuda(_) => cuda::ops::embedding::embedding(table, ids, &shape),
    }
}

fn gather<T: Copy>(table: &[T], ids: &[u32], channels: usize, out: &mut [f32], to_f32: impl Fn(T) -> f32) {
    if channels == 0 {
        return;
    }
    for (out, &id) in out.chunks_exact_mut(channels).zip(ids) {
        for (out, &value) in out.iter_mut().zip(&table[id as usize * channels..]) {
            *out = to_f32(value);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::harness::for_each_cuda_device;
    use crate::reference::{Random, same_bits};

    #[test]
    fn takes_rows() {
        let table = Tensor::from_f32(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0], [3, 2]).unwrap();
        for dtype in [DType::F32, DType::F16, DType::BF16] {
            let out = embedding(&table.to_dtype(dtype).unwrap(), &[2, 0, 2, 1], [2, 2]).unwrap();
            assert_eq!(out.dims(), [2, 2, 2]);
            assert_eq!(out.as_f32().unwrap(), [4.0, 5.0, 0.0, 1.0, 4.0, 5.0, 2.0, 3.0]);
        }
        assert_eq!(embedding(&table, &[], [0]).unwrap().dims(), [0, 2]);
    }

    #[test]
    fn takes_rows_on_cuda() {
        for_each_cuda_device(|place| {
            for channels in [3, 16, 1040] {
                let table = Random::new(1).tensor(&[5, channels]);
                let expected = embedding(&table, &[2, 0, 4, 4, 1, 3], [2, 3]).unwrap();
                for &dtype in place.dtypes() {
                    let out = embedding(&place.put(&table, dtype), &[2, 0, 4, 4, 1, 3], [2, 3]).unwrap();
                    same_bits(&out, &expected.to_dtype(dtype).unwrap());
                }
            }
            let table = place.put(&Tensor::zeros([3, 2]).unwrap(), DType::F32);
            assert_eq!(embedding(&table, &[], [0]).unwrap().dims(), [0, 2]);
            assert!(embedding(&table, &[3], [1]).is_err());
        });
    }

    #[test]
    fn ids_and_shapes_that_do_not_fit() {
        let table = Tensor::zeros([3, 2]).unwrap();
        assert_eq!(embedding(&table, &[0, 3], [2]).unwrap_err().to_string(), "embedding: id 3 is not in 0..3");
        assert!(embedding(&table, &[0], [2]).is_err());
        assert!(embedding(&Tensor::zeros([3]).unwrap(), &[0], [1]).is_err());
    }
}

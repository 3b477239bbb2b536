//! Values of the kinds that travel along wires.

use crate::call::{Failure, Result};
use crate::wire::{Reader, Writer};

/// A Rust type that stands for a kind.
pub trait Kind: Sized {
    /// The kind's name, as `easel nodes` shows it.
    fn name() -> String;

    #[doc(hidden)]
    fn read(reader: &mut Reader<'_>) -> Result<Self>;

    #[doc(hidden)]
    fn write(&self, writer: &mut Writer);
}

impl Kind for String {
    fn name() -> String {
        "Text".into()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.text().map(str::to_string)
    }

    fn write(&self, writer: &mut Writer) {
        writer.text(self);
    }
}

impl Kind for i64 {
    fn name() -> String {
        "Integer".into()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array().map(i64::from_le_bytes)
    }

    fn write(&self, writer: &mut Writer) {
        writer.raw(&self.to_le_bytes());
    }
}

impl Kind for f64 {
    fn name() -> String {
        "Float".into()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        reader.array().map(f64::from_le_bytes)
    }

    fn write(&self, writer: &mut Writer) {
        writer.raw(&self.to_le_bytes());
    }
}

impl Kind for bool {
    fn name() -> String {
        "Boolean".into()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        Ok(reader.array()? == [1])
    }

    fn write(&self, writer: &mut Writer) {
        writer.raw(&[u8::from(*self)]);
    }
}

impl<T: Kind> Kind for Vec<T> {
    fn name() -> String {
        T::name() + "List"
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let count = reader.number()?;
        (0..count).map(|_| T::read(&mut Reader(reader.bytes()?))).collect()
    }

    fn write(&self, writer: &mut Writer) {
        writer.number(self.len() as u64);
        for item in self {
            writer.measured(|writer| item.write(writer));
        }
    }
}

/// Numbers in any number of dimensions, the last one first to change.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// How many there are along each dimension.
    pub sizes: Vec<usize>,
    /// All of them: as many as the product of the sizes.
    pub values: Vec<f32>,
}

impl Kind for Tensor {
    fn name() -> String {
        "Tensor".into()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        if reader.number()? != 0 {
            return Err(Failure::new("its numbers are not 32-bit floats").with_hint("convert the weights to float32"));
        }
        let sizes: Vec<_> = (0..reader.number()?).map(|_| reader.size()).collect::<Result<_>>()?;
        let bytes = reader.bytes()?;
        let values = bytes.as_chunks::<4>().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        Ok(Tensor { sizes, values })
    }

    fn write(&self, writer: &mut Writer) {
        writer.number(0);
        writer.number(self.sizes.len() as u64);
        self.sizes.iter().for_each(|&size| writer.number(size as u64));
        writer.0.reserve_exact(8 + self.values.len() * 4);
        writer.measured(|writer| self.values.iter().for_each(|value| writer.raw(&value.to_le_bytes())));
    }
}

/// Pictures of one size: RGB, each colour from -1 (dark) to 1 (bright).
#[derive(Clone, Debug, PartialEq)]
pub struct Image(Tensor);

impl Image {
    /// Pictures from the values of their pixels: picture after picture, row after row, red, green and blue.
    pub fn new(count: usize, height: usize, width: usize, values: Vec<f32>) -> Result<Self> {
        if count * height * width * 3 != values.len() || values.is_empty() {
            let found = values.len();
            return Err(Failure::new(format!("{found} values do not make {count} picture(s) of {width}×{height}")));
        }
        Ok(Image(Tensor { sizes: vec![count, height, width, 3], values }))
    }

    /// How many pictures there are.
    pub fn count(&self) -> usize {
        self.0.sizes[0]
    }

    /// Of each, in pixels.
    pub fn height(&self) -> usize {
        self.0.sizes[1]
    }

    /// Of each, in pixels.
    pub fn width(&self) -> usize {
        self.0.sizes[2]
    }

    /// Picture after picture, row after row, red, green and blue.
    pub fn values(&self) -> &[f32] {
        &self.0.values
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.0.values
    }

    /// All pixels of all pictures: red, green, blue.
    pub fn pixels_mut(&mut self) -> impl Iterator<Item = &mut [f32; 3]> {
        self.0.values.as_chunks_mut::<3>().0.iter_mut()
    }
}

impl Kind for Image {
    fn name() -> String {
        "Image".into()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let tensor = Tensor::read(reader)?;
        match tensor.sizes[..] {
            [_, _, _, 3] => Ok(Image(tensor)),
            _ => Err(Failure::new("it does not have the shape of pictures")),
        }
    }

    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }
}

/// CLIP embeddings of pictures, not normalised: one row of numbers for each.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageEmbedding(Tensor);

impl ImageEmbedding {
    /// Embeddings from their numbers, row after row.
    pub fn new(count: usize, width: usize, values: Vec<f32>) -> Result<Self> {
        if count * width != values.len() || values.is_empty() {
            let found = values.len();
            return Err(Failure::new(format!("{found} numbers do not make {count} embedding(s) of {width}")));
        }
        Ok(ImageEmbedding(Tensor { sizes: vec![count, width], values }))
    }

    /// How many embeddings there are.
    pub fn count(&self) -> usize {
        self.0.sizes[0]
    }

    /// How many numbers each has.
    pub fn width(&self) -> usize {
        self.0.sizes[1]
    }

    /// The numbers of each embedding.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.0.values.chunks_exact(self.0.sizes[1])
    }
}

impl Kind for ImageEmbedding {
    fn name() -> String {
        "ImageEmbedding".into()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let tensor = Tensor::read(reader)?;
        match tensor.sizes[..] {
            [_, width] if width > 0 => Ok(ImageEmbedding(tensor)),
            _ => Err(Failure::new("it does not have the shape of embeddings")),
        }
    }

    fn write(&self, writer: &mut Writer) {
        self.0.write(writer);
    }
}

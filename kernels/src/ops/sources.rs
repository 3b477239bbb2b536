//! Tensors read as if they stood side by side along the channels.

use super::check;
use crate::{KernelError, Result, Tensor};

/// Checked sources: they agree in all dimensions but the last.
pub(crate) struct Sources<'a> {
    parts: Vec<(&'a [f32], usize)>,
    outer: &'a [usize],
    channels: usize,
}

impl<'a> Sources<'a> {
    pub(super) fn new(op: &'static str, tensors: &[&'a Tensor]) -> Result<Self> {
        let first = tensors.first().ok_or_else(|| KernelError::parameter(op, "wants at least one source, got none"))?;
        let mut sources = Sources { parts: Vec::with_capacity(tensors.len()), outer: &[], channels: 0 };
        for tensor in tensors {
            let (_, channels) = check::rows(op, tensor)?;
            sources.outer = &tensor.dims()[..tensor.dims().len() - 1];
            if tensor.dims().len() != first.dims().len() || !first.dims().starts_with(sources.outer) {
                let problem = format!("sources {} and {} differ before the channels", first.shape(), tensor.shape());
                return Err(KernelError::shape(op, problem));
            }
            let values = tensor.values(op)?;
            // A source without channels has nothing to read and would make runs of length 0.
            if channels > 0 {
                sources.parts.push((values, channels));
                sources.channels += channels;
            }
        }
        Ok(sources)
    }

    /// Each source's numbers and channels.
    pub(crate) fn parts(&self) -> &[(&'a [f32], usize)] {
        &self.parts
    }

    /// Channels of all sources.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// The dimensions before the channels.
    pub(super) fn outer(&self) -> &'a [usize] {
        self.outer
    }

    /// The source that holds `channel`: its numbers, its channels and where among them `channel` is.
    pub(crate) fn find(&self, channel: usize) -> (&'a [f32], usize, usize) {
        let mut first = 0;
        for &(values, channels) in &self.parts {
            if channel < first + channels {
                return (values, channels, channel - first);
            }
            first += channels;
        }
        panic!("channel {channel} of {}", self.channels)
    }
}

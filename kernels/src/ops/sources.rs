//! Tensors read as if they stood side by side along the channels.

use std::borrow::Cow;

use super::check;
use crate::{KernelError, Result, Tensor};

/// Checked sources: they agree in all dimensions but the last.
pub(crate) struct Sources<'a> {
    all: Vec<&'a Tensor>,
    /// Those that have channels.
    parts: Vec<(&'a Tensor, usize)>,
    outer: &'a [usize],
    channels: usize,
}

impl<'a> Sources<'a> {
    pub(super) fn new(op: &'static str, tensors: &[&'a Tensor]) -> Result<Self> {
        let first = tensors.first().ok_or_else(|| KernelError::parameter(op, "wants at least one source, got none"))?;
        let mut sources = Sources { all: tensors.to_vec(), parts: Vec::new(), outer: &[], channels: 0 };
        for &tensor in tensors {
            let (_, channels) = check::rows(op, tensor)?;
            sources.outer = &tensor.dims()[..tensor.dims().len() - 1];
            if tensor.dims().len() != first.dims().len() || !first.dims().starts_with(sources.outer) {
                let problem = format!("sources {} and {} differ before the channels", first.shape(), tensor.shape());
                return Err(KernelError::shape(op, problem));
            }
            // A source without channels has nothing to read and would make runs of length 0.
            if channels > 0 {
                sources.parts.push((tensor, channels));
                sources.channels += channels;
            }
        }
        Ok(sources)
    }

    /// All of them.
    pub(super) fn tensors(&self) -> impl Iterator<Item = &'a Tensor> {
        self.all.iter().copied()
    }

    /// As two tensors, of which the second is missing if one is enough, and both if there are no channels. More than two
    /// are put together.
    pub(super) fn at_most_two(&self) -> Result<[Option<Cow<'a, Tensor>>; 2]> {
        let part = |index: usize| self.parts.get(index).map(|&(tensor, _)| Cow::Borrowed(tensor));
        if self.parts.len() <= 2 {
            return Ok([part(0), part(1)]);
        }
        let rest: Vec<&Tensor> = self.parts[1..].iter().map(|&(tensor, _)| tensor).collect();
        Ok([part(0), Some(Cow::Owned(Tensor::concat(&rest, self.outer.len())?))])
    }

    /// Channels of all sources.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// The dimensions before the channels.
    pub(super) fn outer(&self) -> &'a [usize] {
        self.outer
    }

    /// Their numbers, if they are on the host.
    pub(super) fn on_host(&self, op: &'static str) -> Result<HostSources<'a>> {
        let part = |&(tensor, channels): &(&'a Tensor, usize)| Ok((tensor.values(op)?, channels));
        let parts = self.parts.iter().map(part).collect::<Result<_>>()?;
        Ok(HostSources { parts, channels: self.channels })
    }
}

/// The numbers of sources in the host's memory.
pub(crate) struct HostSources<'a> {
    parts: Vec<(&'a [f32], usize)>,
    channels: usize,
}

impl<'a> HostSources<'a> {
    /// Each source's numbers and channels.
    pub(crate) fn parts(&self) -> &[(&'a [f32], usize)] {
        &self.parts
    }

    /// Channels of all sources.
    pub(crate) fn channels(&self) -> usize {
        self.channels
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

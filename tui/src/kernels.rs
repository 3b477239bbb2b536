//! Kernels from the folder that `EASEL_KERNELS` names, for whoever works on them.

use std::path::PathBuf;
use std::sync::Arc;

use easel_kernels::overrides::{self, Overrides};
use easel_kernels::{Device, KernelError};
use easel_nodes::weights::cache_dir;

use crate::error::CommandError;

/// A folder of kernels that take the place of the built-in ones on a device.
#[derive(Clone, Debug)]
pub(crate) struct KernelFolder {
    folder: PathBuf,
    device: Device,
}

impl KernelFolder {
    /// The one that the environment names. The CPU has no kernels to replace.
    pub(crate) fn from_environment(device: Device) -> Option<Self> {
        let named = std::env::var_os("EASEL_KERNELS").filter(|folder| !folder.is_empty());
        Self::for_device(named.map(PathBuf::from), device)
    }

    fn for_device(folder: Option<PathBuf>, device: Device) -> Option<Self> {
        folder.filter(|_| device != Device::Cpu).map(|folder| KernelFolder { folder, device })
    }

    /// What is in it now, compiled: nothing is in force yet.
    pub(crate) fn read(&self) -> Result<Arc<Overrides>, KernelError> {
        let read = Overrides::read(&self.folder, cache_dir().as_deref())?;
        read.compile_for(self.device)?;
        Ok(Arc::new(read))
    }

    /// What to watch if it cannot be read: what is in it is not known then.
    pub(crate) fn places(&self) -> Vec<PathBuf> {
        vec![self.folder.clone(), self.folder.join("include/easel")]
    }

    /// Puts in force what is in it now.
    pub(crate) fn install(&self) -> Result<(), CommandError> {
        let read = self.read().map_err(|error| CommandError::wrong(error.to_string()).with_hint(HINT))?;
        overrides::install(Some(read));
        Ok(())
    }
}

/// What to do about a folder that cannot be used.
pub(crate) const HINT: &str = "mend it, or run without the environment variable EASEL_KERNELS";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_has_no_kernels_to_replace() {
        let folder = || Some(PathBuf::from("kernels"));
        assert!(KernelFolder::for_device(folder(), Device::Cpu).is_none());
        assert!(KernelFolder::for_device(None, Device::Cuda(0)).is_none());
        assert!(KernelFolder::for_device(folder(), Device::Cuda(0)).is_some());
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_an_error_with_a_remedy_and_is_watched() {
        let place = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = KernelFolder { folder: place.path().join("none"), device: Device::Cuda(0) };
        let error = folder.install().expect_err("it is not there");
        assert!(error.to_string().contains("none`"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("EASEL_KERNELS")));
        assert!(folder.places().contains(&place.path().join("none")));
        assert!(overrides::installed().is_none(), "nothing was put in force");
    }
}

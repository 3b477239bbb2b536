//! Pictures: reading them from files, writing them with their recipe, and preparing them for CLIP.

mod lettering;
mod load;
mod once;
mod preprocess;
mod recipe;
mod resize;
mod save;
mod tiles;

#[cfg(test)]
mod tests;

pub use lettering::Lettering;
pub use load::{MAX_SIDE, decode, load};
pub(crate) use once::NumberedFiles;
pub use preprocess::{Prepared, preprocess};
pub use recipe::{Recipe, read_recipe};
pub use resize::resize;
pub(crate) use save::EncodedPng;
pub use save::{Overwrite, save_png};
pub(crate) use tiles::{Tile, tiles};

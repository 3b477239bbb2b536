//! Pictures: reading them from files, writing them with their recipe, and preparing them for CLIP.

mod load;
mod preprocess;
mod recipe;
mod resize;
mod save;

#[cfg(test)]
mod tests;

pub use load::{MAX_SIDE, decode, load};
pub use preprocess::{Prepared, preprocess};
pub use recipe::{Recipe, read_recipe};
pub use save::{Overwrite, save_png};

//! What a careful installation may want to know of prompts and pictures: unwanted words, and faces.
//!
//! Both are aids, not judges: words are looked up in a list that is English for the most part, and faces are found
//! when they look at the camera.

mod faces;
mod hide;
mod prompt;

#[cfg(test)]
mod tests;

pub use faces::{FaceBox, FaceDetector};
pub use hide::{blank, blur_boxes};
pub use prompt::{Category, PromptFilter, Verdict};
